package tray

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

const watcherName = "org.kde.StatusNotifierWatcher"

// itemName is the bus name that fyne.io/systray takes for its icon.
func itemName() string { return fmt.Sprintf("org.kde.StatusNotifierItem-%d-1", os.Getpid()) }

// registrationGrace is how long fyne.io/systray has to register by itself, which
// takes it milliseconds. Registering twice would show two icons.
const registrationGrace = time.Second

// keepRegistered makes up for a panel that fyne.io/systray missed: one that came
// after its only unasked try and before it listened for panels. Both start at
// login, so that does happen. It returns when the connection ends.
func keepRegistered(conn *dbus.Conn) {
	signals := make(chan *dbus.Signal, 10)
	conn.Signal(signals)
	for _, name := range []string{watcherName, itemName()} {
		if err := conn.AddMatchSignal(
			dbus.WithMatchSender("org.freedesktop.DBus"),
			dbus.WithMatchMember("NameOwnerChanged"),
			dbus.WithMatchArg(0, name),
		); err != nil {
			return
		}
	}
	check := time.NewTimer(registrationGrace)
	defer check.Stop()
	for {
		select {
		case _, ok := <-signals:
			if !ok {
				return
			}
			check.Reset(registrationGrace)
		case <-check.C:
			registerIfMissing(conn)
		case <-conn.Context().Done():
			return
		}
	}
}

// registerIfMissing does nothing when it cannot tell: with no panel, with one
// that keeps its list to itself, or before there is an icon.
func registerIfMissing(conn *dbus.Conn) {
	watcher := conn.Object(watcherName, "/StatusNotifierWatcher")
	list, err := watcher.GetProperty(watcherName + ".RegisteredStatusNotifierItems")
	if err != nil {
		return
	}
	items, ok := list.Value().([]string)
	if !ok {
		return
	}
	var owner string
	if err := conn.BusObject().Call("org.freedesktop.DBus.GetNameOwner", 0, itemName()).Store(&owner); err != nil {
		return
	}
	if slices.ContainsFunc(items, func(item string) bool {
		// Panels write a bus name and a path, with one of these between.
		name, _, _ := strings.Cut(strings.ReplaceAll(item, "@", "/"), "/")
		return name == owner || name == itemName()
	}) {
		return
	}
	// A panel that refuses has its reasons; the next one is asked again.
	_ = watcher.Call(watcherName+".RegisterStatusNotifierItem", 0, itemName()).Err
}
