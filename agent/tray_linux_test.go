//go:build !appindicator

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"postern/bridge/bridgetest"
	"postern/tray/traytest"
	"postern/vault/vaulttest"
)

// newOrigin is nobody's yet.
const newOrigin = "https://new.example.com"

// desktopAgent is an agent that runs as on a desktop: with a tray.
type desktopAgent struct {
	port    int
	process *os.Process
	said    *transcript
	ended   chan struct{}
	code    int // once ended is closed
}

// startDesktopAgent starts postern with a home of its own, on the session bus of
// the environment, and waits until it listens.
//
// The program is the one that TestMain puts in PATH, and so has the race detector
// when the test has it: the tray's actions run in goroutines of their own beside
// the whole agent, which is worth watching. Races tells the library's own race
// from ours.
func startDesktopAgent(t *testing.T) *desktopAgent {
	t.Helper()
	t.Setenv("POSTERN_HOME", filepath.Join(t.TempDir(), "home"))
	t.Setenv("GORACE", traytest.Races(t))
	cmd := exec.Command("postern", "start", "--port", "0")
	a := &desktopAgent{said: &transcript{}, ended: make(chan struct{})}
	cmd.Stderr = a.said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a.process = cmd.Process
	lines := make(chan string, 1)
	go func() {
		defer close(a.ended)
		in := bufio.NewReader(out)
		line, _ := in.ReadString('\n')
		lines <- line
		_, _ = io.Copy(io.Discard, in)
		_ = cmd.Wait()
		a.code = cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		_ = a.process.Kill()
		<-a.ended
		if t.Failed() {
			t.Logf("the agent wrote:\n%s", a.said)
		}
	})
	select {
	case line := <-lines:
		if _, err := fmt.Sscanf(line, "listening on 127.0.0.1:%d\n", &a.port); err != nil {
			t.Fatalf("the agent printed %q", line)
		}
	case <-time.After(traytest.Patience):
		t.Fatalf("the agent did not listen in %v", traytest.Patience)
	}
	return a
}

// ends waits for the agent to end by itself, without an error.
func (a *desktopAgent) ends(t *testing.T) {
	t.Helper()
	select {
	case <-a.ended:
		if a.code != 0 {
			t.Errorf("the agent ended with %d", a.code)
		}
	case <-time.After(traytest.Patience):
		t.Fatalf("the agent did not end in %v", traytest.Patience)
	}
}

// page is a page of newOrigin, whose key the agent does not know yet.
func (a *desktopAgent) page(t *testing.T) *bridgetest.Page {
	t.Helper()
	page, err := bridgetest.NewPage(fmt.Sprintf("127.0.0.1:%d", a.port), newOrigin)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// asks lets the page ask to be allowed; the answer comes on the channel.
func asks(t *testing.T, page *bridgetest.Page) (code string, answered <-chan bool) {
	t.Helper()
	pairing, err := page.Ask("New")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pairing.Close)
	answer := make(chan bool, 1)
	go func() {
		allowed, err := pairing.Reveal()
		answer <- allowed && err == nil
	}()
	return pairing.Code, answer
}

// transcript is what a program wrote, readable while it runs.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *transcript) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *transcript) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// postern runs a command to its end and returns what it printed. Its standard
// input is empty: nobody types.
func postern(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), traytest.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "postern", args...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("postern %s: %v\n%s", strings.Join(args, " "), err, &complaints)
	}
	return string(out)
}

func vaultState(t *testing.T) (state string) {
	t.Helper()
	var status struct{ State string }
	if err := json.Unmarshal([]byte(postern(t, "status", "--json")), &status); err != nil {
		t.Fatal(err)
	}
	return status.State
}

// says waits until the first row of the menu, the state in a few words, is that.
func says(t *testing.T, icon *traytest.Icon, want string) {
	t.Helper()
	traytest.Eventually(t, "the tray does not say "+want, func() bool {
		rows := icon.Menu(t)
		return len(rows) > 0 && rows[0].Title == want
	})
}

func TestTrayAndVaultMoveTogether(t *testing.T) {
	vaulttest.Keyring(t)
	host := traytest.StartHost(t, os.Getenv("DBUS_SESSION_BUS_ADDRESS"))
	agent := startDesktopAgent(t)
	icon := host.Icon(t)
	says(t, icon, "No vault yet")
	postern(t, "create")
	says(t, icon, "Open · no secrets")

	icon.Click(t, "Lock")
	says(t, icon, "Locked")
	if state := vaultState(t); state != "locked" {
		t.Errorf("after a click on Lock the vault is %s", state)
	}
	icon.Click(t, "Unlock")
	says(t, icon, "Open · no secrets")
	if state := vaultState(t); state != "open" {
		t.Errorf("after a click on Unlock the vault is %s", state)
	}

	postern(t, "lock")
	says(t, icon, "Locked")
	postern(t, "unlock")
	says(t, icon, "Open · no secrets")

	icon.Click(t, "Quit")
	agent.ends(t)
	traytest.Eventually(t, "the icon stays after Quit", func() bool { return icon.Gone(t) })
}

func TestTrayAllowsAPage(t *testing.T) {
	host := traytest.StartHost(t, vaulttest.Bus(t))
	agent := startDesktopAgent(t)
	icon := host.Icon(t)
	page := agent.page(t)
	if _, err := page.Connect(""); err == nil || !strings.HasSuffix(err.Error(), ": 403") {
		t.Errorf("before it was allowed: %v", err)
	}
	code, answered := asks(t, page)
	says(t, icon, "Needs you: "+newOrigin+" wants to connect")
	icon.Click(t, newOrigin+" wants to connect · code "+code, "Allow")
	if !<-answered {
		t.Fatal("the page was not allowed")
	}
	says(t, icon, "No vault yet")

	conn, err := page.Connect("")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.WS.Close()
	icon.Click(t, "Connected apps", newOrigin+" (New) · 1 connection", "Disconnect")
	if _, err := conn.ReadFrame(); err == nil {
		t.Error("the page hears something after Disconnect")
	}
	icon.Row(t, "Connected apps", newOrigin+" (New) · not connected")
}

// The signal comes while much goes on: a question waits for its answer.
func TestTrayEndsWithASignal(t *testing.T) {
	host := traytest.StartHost(t, vaulttest.Bus(t))
	agent := startDesktopAgent(t)
	icon := host.Icon(t)
	asks(t, agent.page(t))
	says(t, icon, "Needs you: "+newOrigin+" wants to connect")
	if err := agent.process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	agent.ends(t)
	traytest.Eventually(t, "the icon stays after SIGTERM", func() bool { return icon.Gone(t) })
}

func TestTrayMayBeMissing(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "absent"))
	agent := startDesktopAgent(t)
	traytest.Eventually(t, "the agent does not say that it has no tray", func() bool {
		line, _, whole := strings.Cut(agent.said.String(), "\n")
		return whole && strings.HasPrefix(line, "postern: no tray icon:")
	})
	if state := vaultState(t); state != "none" {
		t.Errorf("the vault is %s", state)
	}
	if _, err := agent.page(t).Ask("New"); err != nil {
		t.Error(err)
	}
	if err := agent.process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	agent.ends(t)
}
