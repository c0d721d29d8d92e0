//go:build !appindicator

package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"postern/vault"
	"postern/vault/vaulttest"
)

const (
	ourSession   = "/org/freedesktop/login1/session/c1"
	otherSession = "/org/freedesktop/login1/session/c2"
)

// mockLogind is logind on a bus of the test's own, as far as the agent uses it.
type mockLogind struct {
	t    *testing.T
	conn *dbus.Conn
	// inhibited counts the inhibitors that were given out.
	inhibited atomic.Int32
	mu        sync.Mutex
	// pipe identifies the newest inhibitor among the open files of this process.
	pipe string
	ends []*os.File
}

// startLogind gives the system bus that the process sees to the mock.
func startLogind(t *testing.T) *mockLogind {
	t.Helper()
	session := os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	address := vaulttest.Bus(t)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", session)
	m := &mockLogind{t: t}
	m.connect(address)
	return m
}

func (m *mockLogind) connect(address string) {
	m.t.Helper()
	m.conn = connectBus(m.t, address)
	exports := []error{
		m.conn.Export(m, logindPath, logindManager),
		m.conn.Export(sessionOf(os.Getuid()), ourSession, "org.freedesktop.DBus.Properties"),
		m.conn.Export(sessionOf(os.Getuid()+1), otherSession, "org.freedesktop.DBus.Properties"),
	}
	for _, err := range exports {
		if err != nil {
			m.t.Fatal(err)
		}
	}
	own(m.t, m.conn, logindName)
}

func connectBus(t *testing.T, address string) *dbus.Conn {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func own(t *testing.T, conn *dbus.Conn, name string) {
	t.Helper()
	if reply, err := conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("the name %s is not to be had: %v, %v", name, reply, err)
	}
}

// Inhibit is org.freedesktop.login1.Manager.Inhibit.
func (m *mockLogind) Inhibit(what, who, why, mode string) (dbus.UnixFD, *dbus.Error) {
	if what != "sleep" || mode != "delay" || who == "" || why == "" {
		return 0, dbus.MakeFailedError(fmt.Errorf("inhibit %q %q", what, mode))
	}
	read, write, err := os.Pipe()
	if err != nil {
		return 0, dbus.MakeFailedError(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ends = append(m.ends, read, write)
	m.pipe, _ = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", read.Fd()))
	m.inhibited.Add(1)
	return dbus.UnixFD(write.Fd()), nil
}

// held says whether the agent has the newest inhibitor open. The mock holds both
// ends of its pipe, so a third descriptor is the agent's.
func (m *mockLogind) held() bool {
	m.mu.Lock()
	pipe := m.pipe
	m.mu.Unlock()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		m.t.Error(err)
	}
	n := 0
	for _, entry := range entries {
		if link, _ := os.Readlink("/proc/self/fd/" + entry.Name()); link == pipe {
			n++
		}
	}
	return n == 3
}

func (m *mockLogind) emit(path dbus.ObjectPath, name string, body ...any) {
	m.t.Helper()
	if err := m.conn.Emit(path, name, body...); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mockLogind) changed(path dbus.ObjectPath, property string, value any) {
	m.t.Helper()
	m.emit(path, "org.freedesktop.DBus.Properties.PropertiesChanged", logindSession, map[string]dbus.Variant{property: dbus.MakeVariant(value)}, []string{})
}

// sessionOf answers for the properties of a session of that user.
type sessionOf int

// Get is org.freedesktop.DBus.Properties.Get.
func (s sessionOf) Get(_, name string) (dbus.Variant, *dbus.Error) {
	if name != "User" {
		return dbus.Variant{}, dbus.MakeFailedError(fmt.Errorf("no property %q", name))
	}
	return dbus.MakeVariant(struct {
		ID   uint32
		Path dbus.ObjectPath
	}{uint32(s), logindPath + "/user/_1"}), nil
}

// watched runs watchLocks until the test ends, and counts its locks.
type watched struct {
	t     *testing.T
	locks atomic.Int32
	said  *transcript
}

// startWatching calls onLock, unless that is nil, by each lock.
func startWatching(t *testing.T, onLock func()) *watched {
	t.Helper()
	w := &watched{t: t, said: &transcript{}}
	lock := func() {
		if onLock != nil {
			onLock()
		}
		w.locks.Add(1)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		watchLocks(ctx, lock, slog.New(slog.NewTextHandler(w.said, nil)))
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("watchLocks does not return")
		}
	})
	return w
}

func (w *watched) wantLocks(want int32) {
	w.t.Helper()
	eventually(w.t, fmt.Sprintf("%d locks", want), func() bool { return w.locks.Load() >= want })
	if got := w.locks.Load(); got != want {
		w.t.Errorf("locked %d times, want %d", got, want)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain: " + what)
		}
	}
}

func TestSleepWaitsForTheLock(t *testing.T) {
	vaulttest.Bus(t)
	logind := startLogind(t)
	var heldAtLock atomic.Bool
	w := startWatching(t, func() { heldAtLock.Store(logind.held()) })
	eventually(t, "an inhibitor", logind.held)

	logind.emit(logindPath, logindManager+".PrepareForSleep", true)
	w.wantLocks(1)
	if !heldAtLock.Load() {
		t.Error("the computer could sleep before the vaults were locked")
	}
	eventually(t, "the inhibitor is let go", func() bool { return !logind.held() })

	logind.emit(logindPath, logindManager+".PrepareForSleep", false)
	eventually(t, "a new inhibitor after the sleep", logind.held)
	w.wantLocks(1)
	if n := logind.inhibited.Load(); n != 2 {
		t.Errorf("asked for %d inhibitors, want 2", n)
	}
}

func TestSessionsThatLock(t *testing.T) {
	vaulttest.Bus(t)
	logind := startLogind(t)
	w := startWatching(t, nil)
	eventually(t, "an inhibitor", logind.held)

	// What is no reason: another user's session, and a user who comes back.
	logind.emit(otherSession, logindSession+".Lock")
	logind.changed(otherSession, "LockedHint", true)
	logind.changed(ourSession, "Active", true)
	logind.changed(ourSession, "LockedHint", false)
	logind.changed(ourSession, "IdleHint", true)
	// Whoever is not logind: another connection, straight to ours.
	stranger := connectBus(t, os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"))
	signalEveryone(t, stranger, ourSession, logindSession, "Lock")
	logind.emit(ourSession, logindSession+".Lock")
	w.wantLocks(1)
	logind.changed(ourSession, "LockedHint", true)
	w.wantLocks(2)
	logind.changed(ourSession, "Active", false)
	w.wantLocks(3)
}

// signalEveryone sends a signal straight to each connection, past what they
// subscribed to, and returns when the bus has passed them on.
func signalEveryone(t *testing.T, from *dbus.Conn, path dbus.ObjectPath, iface, member string, body ...any) {
	t.Helper()
	for _, to := range busNames(t, from) {
		m := &dbus.Message{Type: dbus.TypeSignal, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldDestination: dbus.MakeVariant(to), dbus.FieldPath: dbus.MakeVariant(path),
			dbus.FieldInterface: dbus.MakeVariant(iface), dbus.FieldMember: dbus.MakeVariant(member),
		}}
		if len(body) > 0 {
			m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(body...))
		}
		if call := from.Send(m, nil); call != nil && call.Err != nil {
			t.Fatal(call.Err)
		}
	}
	busNames(t, from)
}

func busNames(t *testing.T, conn *dbus.Conn) (names []string) {
	t.Helper()
	var all []string
	if err := conn.BusObject().Call("org.freedesktop.DBus.ListNames", 0).Store(&all); err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if strings.HasPrefix(name, ":") {
			names = append(names, name)
		}
	}
	return names
}

func TestScreenSaversLock(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/absent")
	conn := connectBus(t, vaulttest.Bus(t))
	w := startWatching(t, nil)
	// Nothing tells from outside when the watch hears, but its subscriptions.
	eventually(t, "a lock", func() bool {
		if err := conn.Emit("/ScreenSaver", screenSavers[len(screenSavers)-1]+".ActiveChanged", true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
		return w.locks.Load() > 0
	})
	// Signals that were sent before the first one was heard may still be on their
	// way; the bus tells nobody when it has brought the last.
	n, quiet := w.locks.Load(), 0
	eventually(t, "no more locks", func() bool {
		if now := w.locks.Load(); now != n {
			n, quiet = now, 0
		}
		quiet++
		return quiet > 100
	})
	for i, name := range screenSavers {
		for _, active := range []bool{false, true} {
			if err := conn.Emit("/ScreenSaver", name+".ActiveChanged", active); err != nil {
				t.Fatal(err)
			}
		}
		w.wantLocks(n + int32(i) + 1)
	}
	// The missing system bus is worth one line.
	if said := w.said.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, "logind") {
		t.Errorf("said %q", said)
	}
}

// A logind that is started again is listened to again; a bus that goes away
// locks, since nobody knows what it would have told.
func TestLogindComesAndGoes(t *testing.T) {
	vaulttest.Bus(t)
	logind := startLogind(t)
	w := startWatching(t, nil)
	eventually(t, "an inhibitor", logind.held)
	if err := logind.conn.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the inhibitor is let go", func() bool { return !logind.held() })
	logind.connect(os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"))
	eventually(t, "an inhibitor of the new one", logind.held)
	logind.emit(ourSession, logindSession+".Lock")
	w.wantLocks(1)
}

func TestBusThatGoesAwayLocks(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	locks, watches := 0, 0
	w := lockWatch{name: "the test", log: slog.New(slog.DiscardHandler), lock: func() { locks++; cancel() }}
	w.watch = func(_ context.Context, _ lockWatch, ready func()) error {
		if watches++; watches == 2 {
			ready()
		}
		return errBusGone
	}
	w.run(ctx)
	if locks != 1 || watches != 2 {
		t.Errorf("%d locks by %d watches, want 1 by 2", locks, watches)
	}
}

// Two buses that are not there, and an end while both are being waited for.
func TestWatchingLeavesNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	absent := "unix:path=" + t.TempDir() + "/absent"
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", absent)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", absent)
	for _, there := range []bool{false, true} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if there {
			t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", vaulttest.Bus(t))
		}
		watchLocks(ctx, func() {}, slog.New(slog.DiscardHandler))
		cancel()
	}
}

// The whole way: the signal, the agent, the vault, and whoever is connected.
func TestSleepLocksTheVault(t *testing.T) {
	vaulttest.Bus(t)
	logind := startLogind(t)
	startDesktopAgent(t)
	postern(t, "create", "--no-store")
	eventually(t, "an inhibitor", func() bool { return logind.inhibited.Load() > 0 })
	page := connectHome(t)
	if err := page.call(t.Context(), "vault.status", nothing{}, nil); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	logind.emit(logindPath, logindManager+".PrepareForSleep", true)
	var event struct {
		Method string
		Params vault.Status
	}
	if err := page.ws.ReadJSON(&event); err != nil {
		t.Fatal(err)
	}
	if event.Method != "vault.changed" || event.Params.State != vault.StateLocked {
		t.Errorf("told %+v", event)
	}
	t.Logf("told %v after the signal", time.Since(begun))
	if state := vaultState(t); state != "locked" {
		t.Errorf("the vault is %s", state)
	}
}

// connectHome connects to the agent of POSTERN_HOME as its owner.
func connectHome(t *testing.T) *client {
	t.Helper()
	f, err := foldersUnder(os.Getenv("POSTERN_HOME"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := connectAgent(t.Context(), f, vault.LocalAccount)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}
