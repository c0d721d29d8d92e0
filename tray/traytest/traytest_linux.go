// Package traytest lets a test look at a tray and click on it as a desktop does.
// A Bus is a session bus of the test's own; a Host on it plays the panel that
// icons register with; an Icon is one of them, with its picture and its menu,
// over the D-Bus interfaces that real panels use: StatusNotifierItem and
// com.canonical.dbusmenu. All waiting ends after Patience, with a failed test.
// fyne.io/systray has data races of its own: a program that shows a tray and is
// built with the race detector runs with the GORACE that Races gives.
package traytest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// Patience is how long a test waits before it calls something broken. It is long
// because the machine may be busy; nothing waits for it when all is well.
const Patience = 20 * time.Second

// Eventually waits until a condition holds; what says of which it does not.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline, tick := time.After(Patience), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %v: %s", Patience, what)
		}
	}
}

// Bus is a session bus of the test's own.
type Bus struct {
	Address string
	daemon  *exec.Cmd
}

// StartBus starts a bus that ends with the test.
func StartBus(t testing.TB) *Bus {
	t.Helper()
	program, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Fatal("these tests need dbus-daemon; on Debian install the package dbus (or dbus-daemon)")
	}
	daemon := exec.Command(program, "--session", "--print-address", "--nofork")
	out, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	b := &Bus{daemon: daemon}
	t.Cleanup(b.Stop)
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("dbus-daemon printed no address: %v", err)
	}
	b.Address = strings.TrimSpace(address)
	return b
}

// Stop ends the bus early.
func (b *Bus) Stop() {
	_ = b.daemon.Process.Kill()
	_ = b.daemon.Wait()
}

// connect makes a connection that ends with the test.
func connect(t testing.TB, address string) *dbus.Conn {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

const watcherName = "org.kde.StatusNotifierWatcher"

// Host plays the panel.
type Host struct {
	conn    *dbus.Conn
	watcher *watcher
}

// StartHost puts a panel on the bus with that address. It leaves with the test.
func StartHost(t testing.TB, address string) *Host {
	t.Helper()
	h := &Host{connect(t, address), &watcher{registered: make(chan string, 10), asked: make(chan struct{}, 10)}}
	for _, face := range []string{watcherName, "org.freedesktop.DBus.Properties"} {
		if err := h.conn.Export(h.watcher, "/StatusNotifierWatcher", face); err != nil {
			t.Fatal(err)
		}
	}
	h.takeName(t)
	return h
}

func (h *Host) takeName(t testing.TB) {
	t.Helper()
	if reply, err := h.conn.RequestName(watcherName, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("cannot become the watcher: %v %v", reply, err)
	}
}

// Restart leaves and comes back as what icons take for a new panel, though the
// list of icons stays.
func (h *Host) Restart(t testing.TB) {
	t.Helper()
	if _, err := h.conn.ReleaseName(watcherName); err != nil {
		t.Fatal(err)
	}
	h.takeName(t)
}

// Close makes the panel leave early.
func (h *Host) Close(t testing.TB) {
	t.Helper()
	if err := h.conn.Close(); err != nil {
		t.Fatal(err)
	}
}

// Lose loses the next n registrations.
func (h *Host) Lose(n int) {
	h.watcher.mu.Lock()
	defer h.watcher.mu.Unlock()
	h.watcher.loses = n
}

// Icon waits for the next icon to register.
func (h *Host) Icon(t testing.TB) *Icon {
	t.Helper()
	select {
	case name := <-h.watcher.registered:
		i := &Icon{h.conn, name, make(chan *dbus.Signal, 100)}
		h.conn.Signal(i.repainted)
		if err := h.conn.AddMatchSignal(dbus.WithMatchSender(name), dbus.WithMatchMember("NewIcon")); err != nil {
			t.Fatal(err)
		}
		return i
	case <-time.After(Patience):
		t.Fatalf("no icon registered in %v", Patience)
		return nil
	}
}

// Registrations is how many came that Icon has not returned.
func (h *Host) Registrations() int { return len(h.watcher.registered) }

// AwaitLook waits until somebody reads the list of icons.
func (h *Host) AwaitLook(t testing.TB) {
	t.Helper()
	select {
	case <-h.watcher.asked:
	case <-time.After(Patience):
		t.Fatal("nobody looked whether the icon is registered")
	}
}

// watcher is what icons see of the host.
type watcher struct {
	registered chan string   // the bus names of icons
	asked      chan struct{} // somebody read the list of icons
	mu         sync.Mutex
	loses      int // this many registrations are lost from now on
	icons      []string
}

// RegisterStatusNotifierItem is what icons call over D-Bus: with a bus name, or
// with a path at the name of the sender.
func (w *watcher) RegisterStatusNotifierItem(service string, sender dbus.Sender) *dbus.Error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.loses > 0 {
		w.loses--
		return nil
	}
	name, item := service, service+"/StatusNotifierItem"
	if strings.HasPrefix(service, "/") {
		name, item = string(sender), string(sender)+service
	}
	w.icons = append(w.icons, item)
	w.registered <- name
	return nil
}

// Get reads the one property that the watcher has.
func (w *watcher) Get(_, name string) (dbus.Variant, *dbus.Error) {
	if name != "RegisteredStatusNotifierItems" {
		return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", nil)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked <- struct{}{}
	return dbus.MakeVariant(slices.Clone(w.icons)), nil
}

// Icon is an icon as the panel reaches it.
type Icon struct {
	conn      *dbus.Conn
	name      string
	repainted chan *dbus.Signal
}

// IconOf is the icon of a process, whether it has registered with a panel or not.
func IconOf(t testing.TB, address string, pid int) *Icon {
	t.Helper()
	return &Icon{conn: connect(t, address), name: fmt.Sprintf("org.kde.StatusNotifierItem-%d-1", pid)}
}

// AwaitRepaint waits until the icon tells the panel to read its picture again.
func (i *Icon) AwaitRepaint(t testing.TB) {
	t.Helper()
	for deadline := time.After(Patience); ; {
		select {
		case signal := <-i.repainted:
			if signal.Name == "org.kde.StatusNotifierItem.NewIcon" {
				return
			}
		case <-deadline:
			t.Fatalf("the icon announced no new picture in %v", Patience)
		}
	}
}

// Property reads a property of org.kde.StatusNotifierItem.
func (i *Icon) Property(t testing.TB, name string) any {
	t.Helper()
	value, err := i.conn.Object(i.name, "/StatusNotifierItem").GetProperty("org.kde.StatusNotifierItem." + name)
	if err != nil {
		t.Fatal(err)
	}
	return value.Value()
}

// Pixmap is the picture in the form that panels read: alpha, red, green, blue.
func (i *Icon) Pixmap(t testing.TB) (width, height int, argb []byte) {
	t.Helper()
	var pictures []struct {
		W, H int32
		ARGB []byte
	}
	if err := dbus.Store([]any{i.Property(t, "IconPixmap")}, &pictures); err != nil || len(pictures) != 1 {
		t.Fatalf("want one picture, have %d, %v", len(pictures), err)
	}
	return int(pictures[0].W), int(pictures[0].H), pictures[0].ARGB
}

// Gone tells whether the icon's program is not on the bus.
func (i *Icon) Gone(t testing.TB) bool {
	t.Helper()
	var owned bool
	if err := i.conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, i.name).Store(&owned); err != nil {
		t.Fatal(err)
	}
	return !owned
}

const menuPath = "/StatusNotifierItem/menu"

// Row is one row of a menu that the owner sees.
type Row struct {
	ID        int32
	Title     string
	Separator bool
	Enabled   bool
	Checked   bool
	Rows      []Row // its submenu
}

// Menu is the rows that the owner sees. The library leaves the submenus out of its
// very first answer.
func (i *Icon) Menu(t testing.TB) []Row {
	t.Helper()
	var revision uint32
	var root layout
	call := i.conn.Object(i.name, menuPath).Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{})
	if err := call.Store(&revision, &root); err != nil {
		t.Fatal(err)
	}
	return root.visible(t)
}

// layout is a row in the form of com.canonical.dbusmenu.
type layout struct {
	ID         int32
	Properties map[string]dbus.Variant
	Children   []dbus.Variant
}

// visible is the rows below that are not hidden.
func (l layout) visible(t testing.TB) (rows []Row) {
	t.Helper()
	for _, child := range l.Children {
		var below layout
		if err := dbus.Store([]any{child.Value()}, &below); err != nil {
			t.Fatal(err)
		}
		if shown, ok := below.Properties["visible"]; !ok || shown.Value() == true {
			rows = append(rows, below.row(t))
		}
	}
	return rows
}

func (l layout) row(t testing.TB) Row {
	t.Helper()
	row := Row{ID: l.ID, Enabled: true, Rows: l.visible(t)}
	for name, value := range l.Properties {
		switch name {
		case "label":
			// One underscore marks a keyboard shortcut, two are an underscore.
			row.Title = strings.ReplaceAll(strings.ReplaceAll(value.Value().(string), "__", "\x00"), "_", "")
			row.Title = strings.ReplaceAll(row.Title, "\x00", "_")
		case "type":
			row.Separator = value.Value() == "separator"
		case "enabled":
			row.Enabled = value.Value() == true
		case "toggle-state":
			row.Checked = fmt.Sprint(value.Value()) == "1"
		}
	}
	return row
}

// Find follows the beginnings of titles down through the rows.
func Find(rows []Row, titles ...string) (Row, bool) {
	at := slices.IndexFunc(rows, func(row Row) bool { return strings.HasPrefix(row.Title, titles[0]) })
	switch {
	case at < 0:
		return Row{}, false
	case len(titles) == 1:
		return rows[at], true
	default:
		return Find(rows[at].Rows, titles[1:]...)
	}
}

// Row waits until a row is there to click on.
func (i *Icon) Row(t testing.TB, titles ...string) (row Row) {
	t.Helper()
	Eventually(t, "no row "+strings.Join(titles, " > "), func() (found bool) {
		row, found = Find(i.Menu(t), titles...)
		return found
	})
	return row
}

// Click waits for a row and clicks on it.
func (i *Icon) Click(t testing.TB, titles ...string) {
	t.Helper()
	i.ClickRow(t, i.Row(t, titles...))
}

// ClickRow clicks on a row that was there once.
func (i *Icon) ClickRow(t testing.TB, row Row) {
	t.Helper()
	call := i.conn.Object(i.name, menuPath).
		Call("com.canonical.dbusmenu.Event", 0, row.ID, "clicked", dbus.MakeVariant(int32(0)), uint32(0))
	if call.Err != nil {
		t.Fatal(call.Err)
	}
}

// Races gives the GORACE of programs that show a tray. What the race detector
// finds in them fails the test when it ends, but for the library's own race; it
// does not change their exit codes. Programs must have ended by then: ask for
// it before the Cleanup that ends them.
func Races(t testing.TB) (options string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "race")
	t.Cleanup(func() { checkRaces(t, log) })
	return "exitcode=0 atexit_sleep_ms=10 log_path=" + log
}

var raceAccess = regexp.MustCompile(`(?m)(?:[Rr]ead|[Ww]rite) at 0x.*\n +(\S+)$`)

// checkRaces lets one data race pass, which is only about the number that the
// library gives to a menu's version: a menu that is asked for while the library
// refreshes it may bear the number before or after.
func checkRaces(t testing.TB, log string) {
	t.Helper()
	files, err := filepath.Glob(log + ".*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, report := range strings.Split(string(text), "WARNING: DATA RACE")[1:] {
			var accesses []string
			for _, match := range raceAccess.FindAllStringSubmatch(report, -1) {
				accesses = append(accesses, match[1])
			}
			slices.Sort(accesses)
			if !slices.Equal(accesses, []string{"fyne.io/systray.(*tray).GetLayout()", "fyne.io/systray.refresh()"}) {
				t.Errorf("a data race between %q:\n%s", accesses, report)
			}
		}
	}
}
