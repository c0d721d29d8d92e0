//go:build !appindicator

package tray

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"postern/tray/traytest"
)

// childVariable makes the test binary run one tray and nothing else. The library
// allows one tray per process, so each test has a process of its own.
const childVariable = "POSTERN_TRAY_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		runChild()
		return
	}
	os.Exit(m.Run())
}

// command is one line of what a test tells its child.
type command struct {
	State  *State // shows this
	Unlock bool   // lets an Unlock that was begun return
}

// runChild shows a tray, obeys the commands on standard input until they end, and
// prints a line for all that happens.
func runChild() {
	ctx, cancel := context.WithCancel(context.Background())
	states, unlock := make(chan State), make(chan struct{})
	go func() {
		defer cancel()
		for in := json.NewDecoder(os.Stdin); ; {
			var c command
			if in.Decode(&c) != nil {
				return
			}
			if c.State != nil {
				states <- *c.State
			}
			if c.Unlock {
				unlock <- struct{}{}
			}
		}
	}()
	say := func(words ...any) { fmt.Println(words...) }
	err := Run(ctx, states, Actions{
		Unlock: func() {
			say("unlock begun")
			select {
			case <-unlock:
			case <-ctx.Done():
			}
			say("unlock done")
		},
		Lock:         func() { say("lock") },
		OpenConsole:  func() { say("console") },
		Disconnect:   func(origin string) { say("disconnect", origin) },
		Forget:       func(origin string) { say("forget", origin) },
		Answer:       func(id string, allow bool) { say("answer", id, allow) },
		SetPaused:    func(paused bool) { say("paused", paused) },
		SetAutostart: func(on bool) { say("autostart", on) },
		Quit:         func() { say("quit") },
		Closed:       func() { say("closed") },
	})
	say("ended:", err)
}

// child is a process with a tray.
type child struct {
	in      io.WriteCloser
	lines   chan string
	process *os.Process
}

func startChild(t *testing.T, b *traytest.Bus, first ...State) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=1", "DBUS_SESSION_BUS_ADDRESS="+b.Address,
		"GORACE="+traytest.Races(t))
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{in: in, lines: make(chan string, 100), process: cmd.Process}
	go func() {
		defer close(c.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			c.lines <- scanner.Text()
		}
	}()
	t.Cleanup(func() {
		_ = in.Close()
		for range c.lines {
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the tray's process: %v", err)
		}
		if t.Failed() {
			t.Logf("the tray's process wrote:\n%s", &complaints)
		}
	})
	for _, s := range first {
		c.show(t, s)
	}
	return c
}

func (c *child) show(t *testing.T, s State) { t.Helper(); c.tell(t, command{State: &s}) }
func (c *child) tell(t *testing.T, do command) {
	t.Helper()
	if err := json.NewEncoder(c.in).Encode(do); err != nil {
		t.Fatal(err)
	}
}

// expect reads the next lines.
func (c *child) expect(t *testing.T, want ...string) {
	t.Helper()
	for _, line := range want {
		select {
		case have := <-c.lines:
			if have != line {
				t.Fatalf("the tray said %q, want %q", have, line)
			}
		case <-time.After(traytest.Patience):
			t.Fatalf("the tray said nothing in %v, want %q", traytest.Patience, line)
		}
	}
}
