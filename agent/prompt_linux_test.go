//go:build !appindicator

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"postern/bridge"
	"postern/bridge/bridgetest"
	"postern/vault/vaulttest"
)

// mockNotifications is the notification service of a desktop.
type mockNotifications struct {
	t    *testing.T
	conn *dbus.Conn
	mu   sync.Mutex
	// hold keeps Notify from returning while it is open; nil holds nothing.
	hold   chan struct{}
	shown  []notification
	closed []uint32
}

type notification struct {
	id      uint32
	text    string
	actions []string
	hints   map[string]dbus.Variant
}

func startNotifications(t *testing.T, address string) *mockNotifications {
	t.Helper()
	m := &mockNotifications{t: t, conn: connectBus(t, address)}
	if err := m.conn.Export(m, notificationPath, notifications); err != nil {
		t.Fatal(err)
	}
	own(t, m.conn, notifications)
	return m
}

// GetCapabilities is org.freedesktop.Notifications.GetCapabilities.
func (m *mockNotifications) GetCapabilities() ([]string, *dbus.Error) {
	return []string{"body", "actions"}, nil
}

// Notify is org.freedesktop.Notifications.Notify.
func (m *mockNotifications) Notify(_ string, _ uint32, _, summary, body string, actions []string, hints map[string]dbus.Variant, _ int32) (uint32, *dbus.Error) {
	m.mu.Lock()
	n := notification{id: uint32(len(m.shown) + 1), text: summary + "\n" + body, actions: actions, hints: hints}
	m.shown = append(m.shown, n)
	hold := m.hold
	m.mu.Unlock()
	if hold != nil {
		<-hold
	}
	return n.id, nil
}

// CloseNotification is org.freedesktop.Notifications.CloseNotification.
func (m *mockNotifications) CloseNotification(id uint32) *dbus.Error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = append(m.closed, id)
	return nil
}

// wait waits until so many notifications were shown, and returns the last.
func (m *mockNotifications) wait(n int) (last notification) {
	m.t.Helper()
	eventually(m.t, "a notification", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.shown) > 0 {
			last = m.shown[len(m.shown)-1]
		}
		return len(m.shown) >= n
	})
	return last
}

func (m *mockNotifications) waitClosed(id uint32) {
	m.t.Helper()
	eventually(m.t, "the notification is taken away", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return slices.Contains(m.closed, id)
	})
}

func (m *mockNotifications) emit(signal string, args ...any) {
	emitNotification(m.t, m.conn, signal, args...)
}

func emitNotification(t *testing.T, conn *dbus.Conn, signal string, args ...any) {
	t.Helper()
	if err := conn.Emit(notificationPath, notifications+"."+signal, args...); err != nil {
		t.Fatal(err)
	}
}

// click clicks an action when the notification has been there for long enough.
func (m *mockNotifications) click(n notification, action string) {
	m.t.Helper()
	time.Sleep(armingTime)
	m.emit("ActionInvoked", n.id, action)
}

func pending(t *testing.T) (n int) {
	t.Helper()
	var list struct{ Questions []bridge.Question }
	if err := json.Unmarshal([]byte(postern(t, "app", "pending", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	return len(list.Questions)
}

func TestNotificationAllowsAPage(t *testing.T) {
	address := vaulttest.Bus(t)
	desktop := startNotifications(t, address)
	agent := startDesktopAgent(t)
	code, answered := asks(t, agent.page(t))
	n := desktop.wait(1)
	if !strings.Contains(n.text, newOrigin) || !strings.Contains(n.text, code) {
		t.Errorf("the notification says %q", n.text)
	}
	if !slices.Equal(n.actions, []string{"deny", "Deny", "allow", "Allow"}) || n.hints["urgency"].Value() != urgent {
		t.Errorf("actions %q, hints %v", n.actions, n.hints)
	}
	// Neither another program nor a click on another notification answers, nor one
	// on this one before anybody can have read it.
	signalEveryone(t, connectBus(t, address), notificationPath, notifications, "ActionInvoked", n.id, "deny")
	desktop.emit("ActionInvoked", n.id+7, "deny")
	desktop.emit("ActionInvoked", n.id, "default")
	desktop.emit("ActionInvoked", n.id, "allow")
	desktop.waitClosed(n.id)
	again := desktop.wait(2)
	if pending(t) != 1 {
		t.Fatal("the question was answered by a click that came too soon")
	}
	desktop.click(again, "allow")
	if !<-answered {
		t.Error("the page was not allowed")
	}
	desktop.waitClosed(again.id)
}

func TestNotificationDenies(t *testing.T) {
	desktop := startNotifications(t, vaulttest.Bus(t))
	agent := startDesktopAgent(t)
	_, answered := asks(t, agent.page(t))
	desktop.emit("ActionInvoked", desktop.wait(1).id, "deny")
	if <-answered {
		t.Error("the page was allowed")
	}
	if _, err := agent.page(t).Ask("New"); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("the no was not remembered: %v", err)
	}
}

// A notification that is closed, by hand or by the desktop, leaves the question
// to the other places.
func TestNotificationClosedIsNoAnswer(t *testing.T) {
	desktop := startNotifications(t, vaulttest.Bus(t))
	agent := startDesktopAgent(t)
	code, answered := asks(t, agent.page(t))
	n := desktop.wait(1)
	desktop.emit("NotificationClosed", n.id, uint32(2))
	desktop.waitClosed(n.id)
	if pending(t) != 1 {
		t.Fatal("closing the notification answered the question")
	}
	postern(t, "app", "allow", newOrigin, "--code", code)
	if !<-answered {
		t.Error("the page was not allowed")
	}
	desktop.mu.Lock()
	defer desktop.mu.Unlock()
	if len(desktop.shown) != 1 {
		t.Errorf("shown %d times", len(desktop.shown))
	}
}

func TestAnsweredElsewhereClosesTheNotification(t *testing.T) {
	desktop := startNotifications(t, vaulttest.Bus(t))
	agent := startDesktopAgent(t)
	_, answered := asks(t, agent.page(t))
	n := desktop.wait(1)
	postern(t, "app", "block", newOrigin)
	desktop.waitClosed(n.id)
	if <-answered {
		t.Error("the page was allowed")
	}
	// And the end of the agent, which nobody can answer any more.
	other := agent.page(t)
	other.Origin = "https://other.example.com"
	asks(t, other)
	n = desktop.wait(2)
	if err := agent.process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	desktop.waitClosed(n.id)
	agent.ends(t)
}

// oneQuestion is a server with one open question, which answers close.
type oneQuestion struct {
	mu      sync.Mutex
	open    []bridge.Question
	answers []bool
	changed chan struct{}
}

func newQuestion(open time.Duration) *oneQuestion {
	return &oneQuestion{changed: make(chan struct{}, 1), open: []bridge.Question{{
		ID: "1", Origin: "https://xn--bcher-kva.example", Name: "<b>Books</b>", Code: "031415", Expires: time.Now().Add(open),
	}}}
}

func (o *oneQuestion) questions() []bridge.Question {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.open)
}

func (o *oneQuestion) answer(_ string, allow bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answers, o.open = append(o.answers, allow), nil
	o.changed <- struct{}{}
}

func (o *oneQuestion) answered() []bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.answers)
}

// startPrompts runs prompts until the returned function is called.
func startPrompts(t *testing.T, o *oneQuestion, ask asker) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		prompts(ctx, questioner{o.questions, o.answer}, o.changed, ask)
	}()
	return func() { cancel(); <-ended }
}

func TestExpiryClosesTheNotification(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	desktop := startNotifications(t, vaulttest.Bus(t))
	defer desktop.conn.Close()
	o := newQuestion(300 * time.Millisecond)
	stop := startPrompts(t, o, askOnDesktop(slog.New(slog.DiscardHandler)))
	defer stop()
	n := desktop.wait(1)
	desktop.waitClosed(n.id)
	if strings.Contains(n.text, "Books") || len(o.answered()) > 0 {
		t.Errorf("said %q, answered %v", n.text, o.answered())
	}
}

// The question is gone before the desktop has said which notification it shows.
func TestNotificationShownTooLate(t *testing.T) {
	desktop := startNotifications(t, vaulttest.Bus(t))
	hold := make(chan struct{})
	desktop.mu.Lock()
	desktop.hold = hold
	desktop.mu.Unlock()
	o := newQuestion(time.Minute)
	stop := startPrompts(t, o, askOnDesktop(slog.New(slog.DiscardHandler)))
	defer stop()
	n := desktop.wait(1)
	o.answer("1", false)
	time.Sleep(20 * time.Millisecond)
	close(hold)
	desktop.waitClosed(n.id)
}

func TestNobodyShowsNotifications(t *testing.T) {
	vaulttest.Bus(t)
	said := &transcript{}
	o := newQuestion(time.Minute)
	stop := startPrompts(t, o, askOnDesktop(slog.New(slog.NewTextHandler(said, nil))))
	defer stop()
	eventually(t, "a line in the log", func() bool { return strings.Contains(said.String(), "no notification asks the owner") })
	if len(o.answered()) > 0 {
		t.Errorf("answered %v", o.answered())
	}
}

// TestHeadlessAgentShowsNothing has a desktop that would show it.
func TestHeadlessAgentShowsNothing(t *testing.T) {
	desktop := startNotifications(t, vaulttest.Bus(t))
	_, page := startHeadless(t, nil, io.Discard)
	_, answered := asks(t, page)
	eventually(t, "a question", func() bool { return pending(t) == 1 })
	postern(t, "app", "block", newOrigin)
	if <-answered {
		t.Error("the page was allowed")
	}
	desktop.mu.Lock()
	defer desktop.mu.Unlock()
	if len(desktop.shown) > 0 {
		t.Errorf("shown %v", desktop.shown)
	}
}

// startHeadless starts an agent without a desktop, whose standard input is the
// terminal unless that is nil, and a page that nobody knows.
func startHeadless(t *testing.T, terminal *os.File, stderr io.Writer) (*exec.Cmd, *bridgetest.Page) {
	t.Helper()
	t.Setenv("POSTERN_HOME", filepath.Join(t.TempDir(), "home"))
	cmd := exec.Command("postern", "start", "--headless", "--port", "0")
	cmd.Stderr = stderr
	if terminal != nil {
		cmd.Stdin = terminal
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var port int
	if _, err := fmt.Fscanf(out, "listening on 127.0.0.1:%d\n", &port); err != nil {
		t.Fatal(err)
	}
	page, err := bridgetest.NewPage(fmt.Sprintf("127.0.0.1:%d", port), newOrigin)
	if err != nil {
		t.Fatal(err)
	}
	return cmd, page
}

// openTerminal returns the end of a terminal that a person sits at, and the end
// of a program.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

func types(t *testing.T, person *os.File, text string) {
	t.Helper()
	if _, err := person.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestTerminalAsks(t *testing.T) {
	person, program := openTerminal(t)
	said := &transcript{}
	agent, page := startHeadless(t, program, said)
	says := func(text string) {
		t.Helper()
		eventually(t, "the terminal shows "+text, func() bool { return strings.Contains(said.String(), text) })
	}
	// What was typed before the question does not answer it.
	types(t, person, "y\n")
	code, answered := asks(t, page)
	says(newOrigin + " asks to use a vault")
	says("the code " + code + "\n  allow? [y/N] ")
	time.Sleep(2 * terminalTick)
	if pending(t) != 1 {
		t.Fatal("what was typed before the question answered it")
	}
	types(t, person, "y\n")
	if !<-answered {
		t.Error("the page was not allowed")
	}

	page.Origin = "https://second.example.com"
	_, answered = asks(t, page)
	says(page.Origin)
	types(t, person, "\n")
	if <-answered {
		t.Error("an empty line allowed the page")
	}
	page.Origin = "https://third.example.com"
	_, answered = asks(t, page)
	says(page.Origin)
	postern(t, "app", "block", page.Origin)
	if <-answered {
		t.Error("the page was allowed")
	}
	says("it was not answered here")

	// A question that waits does not hold up the end.
	page.Origin = "https://fourth.example.com"
	asks(t, page)
	says(page.Origin)
	if err := agent.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := agent.Wait(); err != nil {
		t.Error(err)
	}
}

// A program in the background that read the terminal would be stopped.
func TestTerminalOfAnother(t *testing.T) {
	_, program := openTerminal(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var out bytes.Buffer
	allow, answered := terminal{in: int(program.Fd()), out: &out}.ask(ctx, newQuestion(time.Minute).open[0])
	if allow || answered || out.Len() > 0 {
		t.Errorf("%v, %v, said %q", allow, answered, &out)
	}
}
