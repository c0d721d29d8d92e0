package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// Who leaves the computer should not leave an open vault: it is locked when the
// screen is, before the computer sleeps, and when another user takes the seat.
// logind tells of all three on the system bus; the screen savers of the common
// desktops, not all of which tell logind, on the session bus. The idle and the
// hard limit are the vault's own.
//
// Each bus has a connection of our own. The process-wide one of the library would
// mix our signals with the tray's and the password manager's.

// watchLocks calls lock whenever the desktop says that its user may be gone, until
// ctx ends. A bus that is missing is looked for again from time to time.
func watchLocks(ctx context.Context, lock func(), log *slog.Logger) {
	watches := []lockWatch{
		{name: "logind on the system bus", watch: watchLogind, lock: lock, log: log},
		{name: "screen savers on the session bus", watch: watchScreenSavers, lock: lock, log: log},
	}
	var watching sync.WaitGroup
	for _, w := range watches {
		watching.Go(func() { w.run(ctx) })
	}
	watching.Wait()
}

// lockWatch listens in one place and comes back to it after it went away.
type lockWatch struct {
	name string
	// watch listens until ctx or the connection ends; it calls ready once it hears.
	watch func(ctx context.Context, w lockWatch, ready func()) error
	lock  func()
	log   *slog.Logger
}

// How long to wait before a bus is looked for again: the first time, and at most.
const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

func (w lockWatch) run(ctx context.Context) {
	wait, told := firstRetry, false
	for {
		heard := false
		err := w.watch(ctx, w, func() { heard = true })
		if ctx.Err() != nil {
			return
		}
		if heard {
			// What happens from now on goes unnoticed, so it may be a lock or a sleep.
			w.lock()
			wait, told = firstRetry, false
		}
		if !told {
			w.log.Info("nobody tells when the screen is locked or the computer sleeps", "missing", w.name, "error", err)
			told = true
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, lastRetry)
	}
}

var errBusGone = errors.New("the bus went away")

// sessionBus opens a connection of our own. It never starts a bus: the library
// would, and leave it running.
func sessionBus(ctx context.Context) (*dbus.Conn, error) {
	conn, err := dbus.SessionBusPrivateNoAutoStartup(dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return nil, err
	}
	if err = conn.Auth(nil); err == nil {
		err = conn.Hello()
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

const (
	busName          = "org.freedesktop.DBus"
	nameOwnerChanged = busName + ".NameOwnerChanged"
)

// ownerOf returns the connection that has the name; empty means nobody.
func ownerOf(conn *dbus.Conn, name string) (owner string) {
	if conn.BusObject().Call(busName+".GetNameOwner", 0, name).Store(&owner) != nil {
		return ""
	}
	return owner
}

func systemBus(ctx context.Context) (*dbus.Conn, error) {
	return dbus.ConnectSystemBus(dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
}

// listen subscribes to signals, and gives them in their order.
func listen(conn *dbus.Conn, matches ...[]dbus.MatchOption) (<-chan *dbus.Signal, error) {
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	for _, match := range matches {
		if err := conn.AddMatchSignal(match...); err != nil {
			return nil, err
		}
	}
	return signals, nil
}

var screenSavers = []string{
	"org.freedesktop.ScreenSaver", "org.gnome.ScreenSaver", "org.cinnamon.ScreenSaver", "org.mate.ScreenSaver", "org.xfce.ScreenSaver",
}

// watchScreenSavers listens to whoever sends their signal: a program of this
// session that fakes it does no more than lock the vault.
func watchScreenSavers(ctx context.Context, w lockWatch, ready func()) error {
	conn, err := sessionBus(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	matches := make([][]dbus.MatchOption, len(screenSavers))
	for i, name := range screenSavers {
		matches[i] = []dbus.MatchOption{dbus.WithMatchInterface(name), dbus.WithMatchMember("ActiveChanged")}
	}
	signals, err := listen(conn, matches...)
	if err != nil {
		return err
	}
	ready()
	for s := range signals {
		if active, ok := argument[bool](s, 0); ok && active {
			w.lock()
		}
	}
	return errBusGone
}

const (
	logindName    = "org.freedesktop.login1"
	logindPath    = "/org/freedesktop/login1"
	logindManager = "org.freedesktop.login1.Manager"
	logindSession = "org.freedesktop.login1.Session"
)

// watchLogind listens to all sessions and locks for those of this user: the agent
// need not belong to one, as when the user's service manager started it.
func watchLogind(ctx context.Context, w lockWatch, ready func()) error {
	conn, err := systemBus(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	from, sessions := dbus.WithMatchSender(logindName), dbus.WithMatchPathNamespace(logindPath+"/session")
	signals, err := listen(conn,
		[]dbus.MatchOption{from, dbus.WithMatchInterface(logindManager), dbus.WithMatchMember("PrepareForSleep")},
		[]dbus.MatchOption{from, dbus.WithMatchInterface(logindSession), dbus.WithMatchMember("Lock"), sessions},
		[]dbus.MatchOption{from, dbus.WithMatchInterface("org.freedesktop.DBus.Properties"), dbus.WithMatchMember("PropertiesChanged"),
			dbus.WithMatchArg(0, logindSession), sessions},
		[]dbus.MatchOption{dbus.WithMatchSender(busName), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, logindName)},
	)
	if err != nil {
		return err
	}
	l := logind{conn: conn, log: w.log}
	defer l.letSleep()
	l.delaySleep()
	l.owner = ownerOf(conn, logindName)
	ready()
	for s := range signals {
		l.handle(s, w.lock)
	}
	return errBusGone
}

// logind is what is known of it on one connection.
type logind struct {
	conn *dbus.Conn
	log  *slog.Logger
	// owner is the connection of logind. Others may send us its signals directly,
	// past what we subscribed to.
	owner string
	// inhibitor holds the computer awake while it is open; nil means that it may
	// sleep, or that logind does not take one.
	inhibitor *os.File
}

func (l *logind) handle(s *dbus.Signal, lock func()) {
	if s.Sender == busName && s.Name == nameOwnerChanged {
		l.changeOwner(s)
	}
	if s.Sender != l.owner {
		return
	}
	switch s.Name {
	case logindManager + ".PrepareForSleep":
		if asleep, ok := argument[bool](s, 0); ok && asleep {
			lock()
			l.letSleep()
		} else {
			l.delaySleep()
		}
	case logindSession + ".Lock":
		if l.isOurs(s.Path) {
			lock()
		}
	case "org.freedesktop.DBus.Properties.PropertiesChanged":
		if left(s) && l.isOurs(s.Path) {
			lock()
		}
	}
}

// changeOwner goes over to a logind that was started anew.
func (l *logind) changeOwner(s *dbus.Signal) {
	l.letSleep()
	l.owner, _ = argument[string](s, 2)
	if l.owner != "" {
		l.delaySleep()
	}
}

// left reads from changed properties of a session that its screen was locked, or
// that another session has the seat now.
func left(s *dbus.Signal) bool {
	changed, ok := argument[map[string]dbus.Variant](s, 1)
	if !ok {
		return false
	}
	locked, _ := changed["LockedHint"].Value().(bool)
	active, known := changed["Active"].Value().(bool)
	return locked || known && !active
}

// isOurs says whether the session is this user's. When logind does not tell, it
// may be, and an unneeded lock does less harm than one that was missed.
func (l *logind) isOurs(session dbus.ObjectPath) bool {
	property, err := l.conn.Object(logindName, session).GetProperty(logindSession + ".User")
	if err != nil {
		return true
	}
	user, ok := property.Value().([]any)
	if !ok || len(user) == 0 {
		return true
	}
	id, ok := user[0].(uint32)
	return !ok || id == uint32(os.Getuid())
}

// delaySleep asks logind to wait with sleep until letSleep, for the few seconds
// that it grants.
func (l *logind) delaySleep() {
	if l.inhibitor != nil {
		return
	}
	var fd dbus.UnixFD
	err := l.conn.Object(logindName, logindPath).Call(logindManager+".Inhibit", 0, "sleep", "Postern", "Vaults are locked first", "delay").Store(&fd)
	if err != nil {
		l.log.Info("sleep cannot be delayed until the vaults are locked", "error", err)
		return
	}
	l.inhibitor = os.NewFile(uintptr(fd), "sleep inhibitor")
}

func (l *logind) letSleep() {
	if l.inhibitor != nil {
		_ = l.inhibitor.Close()
		l.inhibitor = nil
	}
}

// argument returns the signal's argument of that place, if it has that type.
func argument[T any](s *dbus.Signal, i int) (value T, ok bool) {
	if i < len(s.Body) {
		value, ok = s.Body[i].(T)
	}
	return value, ok
}
