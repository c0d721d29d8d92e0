//go:build !appindicator

package tray

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/tray/traytest"
)

// showsMenu waits until the desktop shows the menu of a state.
func showsMenu(t *testing.T, i *traytest.Icon, s State) {
	t.Helper()
	want := inPools(bare(menu(s, all)))
	var have []item
	deadline, tick := time.After(traytest.Patience), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for {
		have = inPools(items(i.Menu(t)))
		diff := cmp.Diff(want, have, cmp.AllowUnexported(item{}, id{}))
		if diff == "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the desktop shows another menu (-want +have):\n%s", diff)
		}
	}
}

// items is the rows of the desktop in the terms of menu.
func items(rows []traytest.Row) (list []item) {
	for _, row := range rows {
		if row.Separator {
			list = append(list, item{id: id{kind: separator}})
			continue
		}
		list = append(list, item{title: row.Title, enabled: row.Enabled, checked: row.Checked, children: items(row.Rows)})
	}
	return list
}

// bare leaves out what does not travel over D-Bus.
func bare(items []item) (list []item) {
	for _, row := range items {
		if row.id.kind == separator {
			list = append(list, item{id: id{kind: separator}})
			continue
		}
		list = append(list, item{title: row.title, enabled: row.enabled, checked: row.checked, children: bare(row.children)})
	}
	return list
}

// showsLook checks that the desktop has the picture of a look, to the last bit.
func showsLook(t *testing.T, i *traytest.Icon, look look) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("icons", string(look)+".png"))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	width, height := picture.Bounds().Dx(), picture.Bounds().Dy()
	var want []byte
	for p := range width * height {
		c := color.NRGBAModel.Convert(picture.At(p%width, p/width)).(color.NRGBA)
		want = append(want, c.A, c.R, c.G, c.B)
	}
	w, h, have := i.Pixmap(t)
	if w != width || h != height || !bytes.Equal(have, want) {
		t.Errorf("the desktop does not show the icon %s", look)
	}
}

// inPools sorts neighbouring rows for apps or questions by title: their order is
// that of their coming, and not of the state.
func inPools(items []item) []item {
	pooled := func(row item) bool {
		return len(row.children) > 0 && slices.Contains([]string{"Deny", "Forget"}, row.children[len(row.children)-1].title)
	}
	for from := 0; from < len(items); from++ {
		to := from
		for to < len(items) && pooled(items[to]) {
			to++
		}
		slices.SortFunc(items[from:to], func(a, b item) int { return strings.Compare(a.title, b.title) })
		items[from].children = inPools(items[from].children)
	}
	return items
}

func TestTheDesktopShowsEveryState(t *testing.T) {
	b := traytest.StartBus(t)
	h := traytest.StartHost(t, b.Address)
	c := startChild(t, b, menus[0].state)
	i := h.Icon(t)
	if title := i.Property(t, "Title"); title != "Postern" {
		t.Errorf("the icon is called %q", title)
	}
	states := []State{{Vault: VaultOpen, Apps: []App{{Origin: "http://my_app.test", Name: "_a & b__"}}}}
	for _, m := range menus {
		states = append(states, m.state)
	}
	// Once forwards, once backwards: what one state leaves behind must not show in
	// the next, whichever that is.
	backwards := slices.Clone(states)
	slices.Reverse(backwards)
	before := menus[0].state
	showsLook(t, i, before.look())
	for _, s := range append(states, backwards...) {
		c.show(t, s)
		showsMenu(t, i, s)
		if s.look() != before.look() {
			i.AwaitRepaint(t)
		}
		showsLook(t, i, s.look())
		before = s
		traytest.Eventually(t, "the icon's tooltip is not "+s.tooltip(), func() bool {
			return strings.Contains(fmt.Sprint(i.Property(t, "ToolTip")), s.tooltip())
		})
	}
}

func TestClicksCallActions(t *testing.T) {
	b := traytest.StartBus(t)
	h := traytest.StartHost(t, b.Address)
	locked := State{Vault: VaultLocked, Questions: questions(2)}
	c := startChild(t, b, locked)
	i := h.Icon(t)
	i.Click(t, "Unlock")
	c.expect(t, "unlock begun")
	c.tell(t, command{Unlock: true})
	c.expect(t, "unlock done")
	for _, step := range []struct {
		click []string
		want  string
	}{
		{[]string{"Open vault"}, "console"},
		{[]string{"app1.example.com", "Allow"}, "answer q1 true"},
		{[]string{"app2.example.com", "Deny"}, "answer q2 false"},
		{[]string{"Pause"}, "paused true"},
		{[]string{"Start at login"}, "autostart true"},
	} {
		i.Click(t, step.click...)
		c.expect(t, step.want)
	}
	open := State{Vault: VaultOpen, Paused: true, Autostart: true, Apps: apps(maxApps + 1)}
	c.show(t, open)
	showsMenu(t, i, open)
	for _, step := range []struct {
		click []string
		want  string
	}{
		{[]string{"Lock"}, "lock"},
		{[]string{"Connected apps", "https://app2.example.com", "Disconnect"}, "disconnect https://app2.example.com"},
		{[]string{"Connected apps", "https://app12.example.com", "Forget"}, "forget https://app12.example.com"},
		{[]string{"Connected apps", "and 1 more"}, "console"},
		{[]string{"Resume"}, "paused false"},
		{[]string{"Start at login"}, "autostart false"},
		{[]string{"Quit"}, "quit"},
	} {
		i.Click(t, step.click...)
		c.expect(t, step.want)
	}
	c.expect(t, "closed", "ended: <nil>")
	traytest.Eventually(t, "the icon stays after Quit", func() bool { return i.Gone(t) })
}

func TestRowsThatAreGreyOrHiddenDoNothing(t *testing.T) {
	b := traytest.StartBus(t)
	h := traytest.StartHost(t, b.Address)
	before := State{Vault: VaultOpen, Questions: questions(1), Apps: apps(1)}
	c := startChild(t, b, before)
	i := h.Icon(t)
	allow := i.Row(t, "app1.example.com", "Allow")
	after := State{Vault: VaultOpen, Apps: apps(1), Questions: []Question{{ID: "q2", Text: "other.example.com wants to connect"}}}
	c.show(t, after)
	showsMenu(t, i, after)
	// The owner's hand was on its way to Allow when the other question came.
	i.ClickRow(t, allow)
	i.Click(t, "Needs you")
	i.Click(t, "Connected apps", "https://app1.example.com", "Disconnect")
	i.Click(t, "other.example.com", "Deny")
	c.expect(t, "answer q2 false")
}

func TestAClickDoesNotCountForTheNextQuestion(t *testing.T) {
	r := &row{kind: allowRow, shown: true, shows: choice(allowRow, "q1", "Allow")}
	r.native = &menuItem{ClickedCh: make(chan struct{}, 1)}
	r.native.ClickedCh <- struct{}{}
	r.update(choice(allowRow, "q1", "Allow"))
	if len(r.native.ClickedCh) != 1 {
		t.Error("a click was lost though the question is the same")
	}
	r.update(choice(allowRow, "q2", "Allow"))
	if len(r.native.ClickedCh) != 0 {
		t.Error("a click on one question would answer the next")
	}
}

func TestASlowUnlockDoesNotFreezeTheMenu(t *testing.T) {
	b := traytest.StartBus(t)
	h := traytest.StartHost(t, b.Address)
	c := startChild(t, b, State{Vault: VaultLocked})
	i := h.Icon(t)
	i.Click(t, "Unlock")
	c.expect(t, "unlock begun")
	i.Click(t, "Unlock")
	i.Click(t, "Open vault")
	c.expect(t, "console")
	waiting := State{Vault: VaultLocked, Problem: "The password manager asks for its password."}
	c.show(t, waiting)
	showsMenu(t, i, waiting)
	c.tell(t, command{Unlock: true})
	c.expect(t, "unlock done")
	// The end of an action may reach the loop a moment after its last line.
	traytest.Eventually(t, "Unlock does not work a second time", func() bool {
		i.Click(t, "Unlock")
		select {
		case line := <-c.lines:
			return line == "unlock begun"
		default:
			return false
		}
	})
	i.Click(t, "Quit")
	c.expect(t, "quit")
	c.tell(t, command{Unlock: true})
	c.expect(t, "unlock done", "closed", "ended: <nil>")
}

func TestAPanelThatComesLateGetsTheIcon(t *testing.T) {
	b := traytest.StartBus(t)
	s := State{Vault: VaultOpen, Secrets: 12}
	c := startChild(t, b, s)
	// Without a panel the icon's program is on the bus all the same.
	waiting := traytest.IconOf(t, b.Address, c.process.Pid)
	traytest.Eventually(t, "the tray never came", func() bool { return !waiting.Gone(t) })
	i := traytest.StartHost(t, b.Address).Icon(t)
	showsMenu(t, i, s)
	showsLook(t, i, lookOpen)
	i.Click(t, "Lock")
	c.expect(t, "lock")
}

// A panel that starts at the same moment can miss the icon's one registration.
func TestALostRegistrationIsMadeUpFor(t *testing.T) {
	b := traytest.StartBus(t)
	h := traytest.StartHost(t, b.Address)
	h.Lose(1)
	s := State{Vault: VaultLocked}
	c := startChild(t, b, s)
	i := h.Icon(t)
	showsMenu(t, i, s)
	i.Click(t, "Open vault")
	c.expect(t, "console")
}

func TestTheIconRegistersOnce(t *testing.T) {
	b := traytest.StartBus(t)
	h := traytest.StartHost(t, b.Address)
	s := State{Vault: VaultLocked}
	startChild(t, b, s)
	i := h.Icon(t)
	h.AwaitLook(t)
	// The second look at the list shows that what followed the first is over. It
	// comes with a panel that is new, which the icon has to register with again.
	h.Restart(t)
	h.Icon(t)
	h.AwaitLook(t)
	showsMenu(t, i, s)
	if n := h.Registrations(); n != 0 {
		t.Errorf("the icon registered %d more times", n)
	}
}

func TestAPanelThatRestartsGetsTheIconBack(t *testing.T) {
	b := traytest.StartBus(t)
	s := State{Vault: VaultLocked}
	c := startChild(t, b, s)
	for range 3 {
		h := traytest.StartHost(t, b.Address)
		i := h.Icon(t)
		showsMenu(t, i, s)
		i.Click(t, "Open vault")
		c.expect(t, "console")
		h.Close(t)
		s.Secrets, s.Vault = s.Secrets+1, VaultOpen
		c.show(t, s)
	}
}

func TestTheTrayEndsWithItsContext(t *testing.T) {
	b := traytest.StartBus(t)
	h := traytest.StartHost(t, b.Address)
	c := startChild(t, b, State{Vault: VaultLocked})
	i := h.Icon(t)
	i.Click(t, "Unlock")
	c.expect(t, "unlock begun")
	if err := c.in.Close(); err != nil {
		t.Fatal(err)
	}
	c.expect(t, "unlock done", "closed", "ended: <nil>")
	traytest.Eventually(t, "the icon stays after the end", func() bool { return i.Gone(t) })
}

// A bus that dies under the tray must not take the process with it, not even in
// the middle of a change of icon.
func TestTheTrayOutlivesItsBus(t *testing.T) {
	b := traytest.StartBus(t)
	h := traytest.StartHost(t, b.Address)
	c := startChild(t, b, State{Vault: VaultLocked})
	showsLook(t, h.Icon(t), lookLocked)
	flipped := make(chan struct{})
	go func() {
		defer close(flipped)
		for flips := json.NewEncoder(c.in); ; {
			for _, vault := range []VaultState{VaultOpen, VaultLocked} {
				if flips.Encode(command{State: &State{Vault: vault}}) != nil {
					return
				}
			}
		}
	}()
	b.Stop()
	c.expect(t, "closed", "ended: "+errBusLost.Error())
	_ = c.in.Close()
	<-flipped
}

func TestNoIconIsShownBeforeThereIsAState(t *testing.T) {
	b := traytest.StartBus(t)
	h := traytest.StartHost(t, b.Address)
	c := startChild(t, b)
	if err := c.in.Close(); err != nil {
		t.Fatal(err)
	}
	c.expect(t, "ended: <nil>")
	if n := h.Registrations(); n != 0 {
		t.Errorf("%d icons registered", n)
	}
}

func TestWithoutABusThereIsAPlainError(t *testing.T) {
	// godbus would start a bus with this program, and leave it running.
	folder, called := t.TempDir(), filepath.Join(t.TempDir(), "called")
	script := "#!/bin/sh\necho called >" + called + "\nexit 1\n"
	if err := os.WriteFile(filepath.Join(folder, "dbus-launch"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder)
	for _, address := range []string{
		"unix:path=" + filepath.Join(folder, "absent"), "autolaunch:scope=x", "nonsense",
	} {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		err := Run(t.Context(), make(chan State), all)
		if err == nil || !strings.HasPrefix(err.Error(), "no tray icon: no desktop session bus (") {
			t.Errorf("address %q: error %v", address, err)
		}
	}
	// With no address at all godbus looks for the bus of a real login, which a
	// developer's machine has: connecting to it is right, starting one is not.
	for _, address := range []string{"", "autolaunch:"} {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		ctx, cancel := context.WithCancel(t.Context())
		_ = openSession(ctx, func() {})
		cancel()
	}
	if _, err := os.Stat(called); err == nil {
		t.Error("dbus-launch was called")
	}
}
