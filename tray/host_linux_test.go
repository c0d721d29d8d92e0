//go:build !appindicator

package tray

import (
	"bufio"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// patience is how long a test waits before it calls something broken. It is long
// because the machine may be busy; nothing waits for it when all is well.
const patience = 20 * time.Second

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline, tick := time.After(patience), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %v: %s", patience, what)
		}
	}
}

// bus is a session bus of the test's own.
type bus struct {
	address string
	daemon  *exec.Cmd
}

func startBus(t *testing.T) *bus {
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
	b := &bus{daemon: daemon}
	t.Cleanup(b.stop)
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("dbus-daemon printed no address: %v", err)
	}
	b.address = strings.TrimSpace(address)
	return b
}

func (b *bus) stop() {
	_ = b.daemon.Process.Kill()
	_ = b.daemon.Wait()
}

// host plays the panel: the watcher that icons register with, and the reader and
// clicker of their menus.
type host struct {
	conn       *dbus.Conn
	registered chan string   // the bus names of icons
	asked      chan struct{} // somebody read the list of icons
	mu         sync.Mutex
	loses      int // this many registrations are lost from now on
	icons      []string
}

func startHost(t *testing.T, b *bus) *host { t.Helper(); return startLosingHost(t, b, 0) }

func startLosingHost(t *testing.T, b *bus, loses int) *host {
	t.Helper()
	conn, err := dbus.Connect(b.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	h := &host{conn: conn, registered: make(chan string, 10), asked: make(chan struct{}, 10), loses: loses}
	for _, face := range []string{watcherName, "org.freedesktop.DBus.Properties"} {
		if err := conn.Export(h, "/StatusNotifierWatcher", face); err != nil {
			t.Fatal(err)
		}
	}
	if reply, err := conn.RequestName(watcherName, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("cannot become the watcher: %v %v", reply, err)
	}
	return h
}

// RegisterStatusNotifierItem is what icons call over D-Bus: with a bus name, or
// with a path at the name of the sender.
func (h *host) RegisterStatusNotifierItem(service string, sender dbus.Sender) *dbus.Error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.loses > 0 {
		h.loses--
		return nil
	}
	name, item := service, service+"/StatusNotifierItem"
	if strings.HasPrefix(service, "/") {
		name, item = string(sender), string(sender)+service
	}
	h.icons = append(h.icons, item)
	h.registered <- name
	return nil
}

// Get reads the one property that the watcher has.
func (h *host) Get(_, name string) (dbus.Variant, *dbus.Error) {
	if name != "RegisteredStatusNotifierItems" {
		return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", nil)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked <- struct{}{}
	return dbus.MakeVariant(slices.Clone(h.icons)), nil
}

// awaitLook waits until somebody reads the list of icons.
func (h *host) awaitLook(t *testing.T) {
	t.Helper()
	select {
	case <-h.asked:
	case <-time.After(patience):
		t.Fatal("nobody looked whether the icon is registered")
	}
}

// icon waits for an icon to register.
func (h *host) icon(t *testing.T) *icon {
	t.Helper()
	select {
	case name := <-h.registered:
		i := &icon{h.conn, name, make(chan *dbus.Signal, 100)}
		h.conn.Signal(i.repainted)
		if err := h.conn.AddMatchSignal(dbus.WithMatchSender(i.name), dbus.WithMatchMember("NewIcon")); err != nil {
			t.Fatal(err)
		}
		return i
	case <-time.After(patience):
		t.Fatalf("no icon registered in %v", patience)
		return nil
	}
}

// icon is a registered icon, as the panel reaches it.
type icon struct {
	conn      *dbus.Conn
	name      string
	repainted chan *dbus.Signal
}

// awaitRepaint waits until the icon tells the panel to read its picture again.
func (i *icon) awaitRepaint(t *testing.T) {
	t.Helper()
	for deadline := time.After(patience); ; {
		select {
		case signal := <-i.repainted:
			if signal.Name == "org.kde.StatusNotifierItem.NewIcon" {
				return
			}
		case <-deadline:
			t.Fatalf("the icon announced no new picture in %v", patience)
		}
	}
}

func (i *icon) property(t *testing.T, name string) any {
	t.Helper()
	value, err := i.conn.Object(i.name, "/StatusNotifierItem").GetProperty("org.kde.StatusNotifierItem." + name)
	if err != nil {
		t.Fatal(err)
	}
	return value.Value()
}

// pixmap is the picture in the form that panels read: alpha, red, green, blue.
func (i *icon) pixmap(t *testing.T) (width, height int32, argb []byte) {
	t.Helper()
	var pictures []struct {
		W, H int32
		ARGB []byte
	}
	if err := dbus.Store([]any{i.property(t, "IconPixmap")}, &pictures); err != nil || len(pictures) != 1 {
		t.Fatalf("want one picture, have %d, %v", len(pictures), err)
	}
	return pictures[0].W, pictures[0].H, pictures[0].ARGB
}

// entry is one row of a menu, as the panel reads it.
type entry struct {
	id        int32
	label     string
	separator bool
	hidden    bool
	enabled   bool
	checked   bool
	children  []entry
}

func (i *icon) menu(t *testing.T) entry {
	t.Helper()
	var revision uint32
	var root layout
	call := i.conn.Object(i.name, "/StatusNotifierItem/menu").
		Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{})
	if err := call.Store(&revision, &root); err != nil {
		t.Fatal(err)
	}
	return root.entry(t)
}

// layout is a row in the form of com.canonical.dbusmenu.
type layout struct {
	ID         int32
	Properties map[string]dbus.Variant
	Children   []dbus.Variant
}

func (l layout) entry(t *testing.T) entry {
	t.Helper()
	e := entry{id: l.ID, enabled: true}
	for name, value := range l.Properties {
		switch name {
		case "label":
			// One underscore marks a keyboard shortcut, two are an underscore.
			e.label = strings.ReplaceAll(strings.ReplaceAll(value.Value().(string), "__", "\x00"), "_", "")
			e.label = strings.ReplaceAll(e.label, "\x00", "_")
		case "type":
			e.separator = value.Value() == "separator"
		case "visible":
			e.hidden = value.Value() == false
		case "enabled":
			e.enabled = value.Value() == true
		case "toggle-state":
			e.checked = fmt.Sprint(value.Value()) == "1"
		}
	}
	for _, child := range l.Children {
		var below layout
		if err := dbus.Store([]any{child.Value()}, &below); err != nil {
			t.Fatal(err)
		}
		e.children = append(e.children, below.entry(t))
	}
	return e
}

// visible is the rows that the owner sees, in the terms of menu.
func (e entry) visible() (items []item) {
	for _, child := range e.children {
		if child.hidden {
			continue
		}
		row := item{title: child.label, enabled: child.enabled, checked: child.checked, children: child.visible()}
		if child.separator {
			row = item{id: id{kind: separator}}
		}
		items = append(items, row)
	}
	return items
}

// find follows titles through the visible rows.
func (e entry) find(titles ...string) (entry, bool) {
	if len(titles) == 0 {
		return e, true
	}
	next := slices.IndexFunc(e.children, func(child entry) bool {
		return !child.hidden && strings.HasPrefix(child.label, titles[0])
	})
	if next < 0 {
		return entry{}, false
	}
	return e.children[next].find(titles[1:]...)
}

// row waits until a row is there to click on, and returns its number.
func (i *icon) row(t *testing.T, titles ...string) int32 {
	t.Helper()
	var row entry
	eventually(t, "no row "+strings.Join(titles, " > "), func() (found bool) {
		row, found = i.menu(t).find(titles...)
		return found
	})
	return row.id
}

func (i *icon) click(t *testing.T, titles ...string) {
	t.Helper()
	i.clickRow(t, i.row(t, titles...))
}

func (i *icon) clickRow(t *testing.T, row int32) {
	t.Helper()
	call := i.conn.Object(i.name, "/StatusNotifierItem/menu").
		Call("com.canonical.dbusmenu.Event", 0, row, "clicked", dbus.MakeVariant(int32(0)), uint32(0))
	if call.Err != nil {
		t.Fatal(call.Err)
	}
}

// gone tells whether the icon's program has left the bus.
func (i *icon) gone(t *testing.T) bool {
	t.Helper()
	var owned bool
	if err := i.conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, i.name).Store(&owned); err != nil {
		t.Fatal(err)
	}
	return !owned
}
