package tray

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/godbus/dbus/v5"
)

// openSession makes sure that there is a desktop to show an icon on, since the
// libraries panic or exit when there is none, and calls lost when its bus goes
// away. It never starts a bus: godbus would, and leave it running.
//
// The connection is our own. Sharing the library's would let a stray signal end
// its listening for panels that restart.
func openSession(ctx context.Context, lost func()) error {
	if needsDisplay && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return errors.New("no tray icon: no display")
	}
	conn, err := dbus.SessionBusPrivateNoAutoStartup(dbus.WithContext(ctx))
	if err != nil {
		return noBus(err)
	}
	if err = conn.Auth(nil); err == nil {
		err = conn.Hello()
	}
	if err != nil {
		_ = conn.Close()
		return noBus(err)
	}
	context.AfterFunc(conn.Context(), lost)
	if missesPanels {
		go keepRegistered(conn)
	}
	return nil
}

func noBus(err error) error {
	return fmt.Errorf("no tray icon: no desktop session bus (%w)", err)
}
