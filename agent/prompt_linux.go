package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"postern/bridge"
)

// askOnDesktop asks by a notification with the actions Deny and Allow.
func askOnDesktop(log *slog.Logger) asker {
	return func(ctx context.Context, q bridge.Question) (allow, answered bool) {
		n, err := openNotifier(ctx)
		if err == nil {
			defer n.conn.Close()
			allow, answered, err = n.ask(ctx, q)
		}
		if err != nil && ctx.Err() == nil {
			log.Info("no notification asks the owner; the tray, the console and the command line do", "error", err)
		}
		return allow, answered
	}
}

const (
	notifications    = "org.freedesktop.Notifications"
	notificationPath = "/org/freedesktop/Notifications"
	actionAllow      = "allow"
	actionDeny       = "deny"
	// armingTime is how soon after it appears nobody can have read a question: a
	// click that allows it was meant for what was there before.
	armingTime = 700 * time.Millisecond
	// graceTime is what the desktop gets to answer once the question is gone. The
	// agent that ends may have to wait for it twice.
	graceTime = 800 * time.Millisecond
	// urgent keeps the question on the screen until it is answered or gone.
	urgent byte = 2
)

// notifier shows one notification, over a connection of its own.
type notifier struct {
	conn    *dbus.Conn
	server  dbus.BusObject
	owner   string
	signals <-chan *dbus.Signal
	actions bool
}

func openNotifier(ctx context.Context) (*notifier, error) {
	// The connection outlives ctx, so that the notification can still be closed.
	conn, err := sessionBus(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	n := &notifier{conn: conn, server: conn.Object(notifications, notificationPath)}
	var capabilities []string
	// The first call starts the service where the desktop starts it at need.
	if err := n.server.CallWithContext(ctx, notifications+".GetCapabilities", 0).Store(&capabilities); err != nil {
		return nil, closing(conn, err)
	}
	n.actions = slices.Contains(capabilities, "actions")
	n.owner = ownerOf(conn, notifications)
	n.signals, err = listen(conn, []dbus.MatchOption{dbus.WithMatchSender(notifications), dbus.WithMatchInterface(notifications)})
	if err != nil {
		return nil, closing(conn, err)
	}
	return n, nil
}

func closing(conn *dbus.Conn, err error) error {
	_ = conn.Close()
	return err
}

// ask shows the question until it is answered, dismissed or gone.
func (n *notifier) ask(ctx context.Context, q bridge.Question) (allow, answered bool, err error) {
	id, err := n.show(ctx, q)
	if err != nil {
		return false, false, err
	}
	defer func() { n.close(id) }()
	shown := time.Now()
	for {
		select {
		case <-ctx.Done():
			return false, false, nil
		case s, ok := <-n.signals:
			if !ok {
				return false, false, errBusGone
			}
			if about, ok := argument[uint32](s, 0); !ok || about != id || s.Sender != n.owner {
				continue
			}
			action, _ := argument[string](s, 1)
			switch {
			case s.Name == notifications+".NotificationClosed":
				return false, false, nil
			case s.Name != notifications+".ActionInvoked":
			case action == actionDeny:
				return false, true, nil
			case action == actionAllow && time.Since(shown) >= armingTime:
				return true, true, nil
			case action == actionAllow:
				// Most desktops take a notification away at the first click.
				n.close(id)
				if id, err = n.show(ctx, q); err != nil {
					return false, false, err
				}
				shown = time.Now()
			}
		}
	}
}

// show puts the notification on the screen. Its text has no markup in it: an
// origin is letters, digits and a few signs, and what the app calls itself could
// be anything and is left out.
func (n *notifier) show(ctx context.Context, q bridge.Question) (id uint32, err error) {
	body := fmt.Sprintf("%s asks to use a vault on this computer. Allow it only if the page shows the code %s", q.Origin, q.Code)
	actions := []string{actionDeny, "Deny", actionAllow, "Allow"}
	if !n.actions {
		body += ". Answer in the tray, in the console, or with postern app allow"
		actions = []string{}
	}
	hints := map[string]dbus.Variant{"urgency": dbus.MakeVariant(urgent), "category": dbus.MakeVariant("x-postern.question")}
	left := max(0, int32(time.Until(q.Expires)/time.Millisecond))
	// A call that is cut off may still have shown it, and nobody could take it away.
	call := n.server.Go(notifications+".Notify", 0, make(chan *dbus.Call, 1),
		"Postern", uint32(0), "dialog-question", "An app asks to be allowed", body, actions, hints, left)
	select {
	case <-call.Done:
	case <-ctx.Done():
		select {
		case <-call.Done:
		case <-time.After(graceTime):
			return 0, ctx.Err()
		}
	}
	err = call.Store(&id)
	return id, err
}

// close takes the notification away; that it is gone already is no error.
func (n *notifier) close(id uint32) {
	ctx, cancel := context.WithTimeout(context.Background(), graceTime)
	defer cancel()
	n.server.CallWithContext(ctx, notifications+".CloseNotification", 0, id)
}

// askOnTerminal asks on the terminal that standard input is; nil means that there
// is none, and so nobody to ask.
func askOnTerminal(out io.Writer) asker {
	if !isTerminal(os.Stdin) {
		return nil
	}
	return terminal{in: int(os.Stdin.Fd()), out: out}.ask
}

type terminal struct {
	in  int
	out io.Writer
}

// terminalTick is how often a waiting question looks whether it is gone.
const terminalTick = 200 * time.Millisecond

// ask reads one line. What was typed before the question is thrown away: it
// cannot be meant for it.
func (t terminal) ask(ctx context.Context, q bridge.Question) (allow, answered bool) {
	if !t.isOurs() {
		return false, false
	}
	_ = unix.IoctlSetInt(t.in, unix.TCFLSH, unix.TCIFLUSH)
	fmt.Fprintf(t.out, "%s asks to use a vault on this computer\n  allow it only if the page shows the code %s\n  allow? [y/N] ", q.Origin, q.Code)
	line, ok := t.readLine(ctx)
	if !ok {
		fmt.Fprintln(t.out, "\n  it was not answered here")
		return false, false
	}
	line = strings.ToLower(strings.TrimSpace(line))
	return line == "y" || line == "yes", true
}

// isOurs says whether what is typed is for the agent. The system stops a program
// in the background that reads it.
func (t terminal) isOurs() bool {
	group, err := unix.IoctlGetInt(t.in, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// readLine waits for a line without reading while there is none, so that nothing
// stays behind in a read when ctx ends.
func (t terminal) readLine(ctx context.Context) (line string, ok bool) {
	buffer := make([]byte, 256)
	for ctx.Err() == nil {
		ready := []unix.PollFd{{Fd: int32(t.in), Events: unix.POLLIN}}
		n, err := unix.Poll(ready, int(terminalTick/time.Millisecond))
		if n == 0 || err == unix.EINTR {
			continue
		}
		if err != nil || ready[0].Revents&unix.POLLIN == 0 || !t.isOurs() {
			return "", false
		}
		n, err = unix.Read(t.in, buffer)
		if err != nil || n <= 0 {
			return "", false
		}
		return string(buffer[:n]), true
	}
	return "", false
}
