package tray

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// all is every action, doing nothing.
var all = Actions{
	Unlock: func() {}, Lock: func() {}, OpenConsole: func() {}, Quit: func() {},
	Disconnect: func(string) {}, Forget: func(string) {},
	Answer: func(string, bool) {}, SetPaused: func(bool) {}, SetAutostart: func(bool) {},
}

func apps(n int) (list []App) {
	for i := range n {
		list = append(list, App{Origin: fmt.Sprintf("https://app%d.example.com", i+1), Connections: i})
	}
	return list
}

func questions(n int) (list []Question) {
	for i := range n {
		list = append(list, Question{ID: fmt.Sprintf("q%d", i+1), Text: fmt.Sprintf("app%d.example.com wants to connect", i+1)})
	}
	return list
}

var menus = []struct {
	name  string
	state State
	can   Actions
}{
	{"nothing known, nothing possible", State{}, Actions{}},
	{"no vault yet", State{Vault: VaultNone, Version: "1.2.3"}, all},
	{"locked", State{Vault: VaultLocked, Account: "anna", Version: "1.2.3"}, all},
	{"locked, cannot unlock", State{Vault: VaultLocked}, Actions{Quit: all.Quit}},
	{"open, empty", State{Vault: VaultOpen}, all},
	{"open, starts at login", State{Vault: VaultOpen, Secrets: 1, Autostart: true}, all},
	{"open, with apps", State{Vault: VaultOpen, Secrets: 12, Apps: []App{
		{Origin: "https://app.example.com", Name: "Example", Connections: 2},
		{Origin: "http://localhost:3000", Name: "http://localhost:3000"},
	}}, all},
	{"apps can only be forgotten", State{Vault: VaultOpen, Apps: apps(1)}, Actions{Forget: all.Forget}},
	{"more apps than rows", State{Vault: VaultOpen, Apps: apps(maxApps + 3)}, all},
	{"one question", State{Vault: VaultLocked, Questions: []Question{
		{ID: "q1", Text: "app.example.com wants to connect", Code: "482 913"},
	}}, all},
	{"more questions than rows", State{Vault: VaultOpen, Questions: questions(maxQuestions + 2)}, all},
	{"questions, but no way to answer", State{Vault: VaultOpen, Questions: questions(1)}, Actions{OpenConsole: all.OpenConsole}},
	{"paused", State{Vault: VaultOpen, Secrets: 3, Paused: true}, all},
	{"off line, with the reason", State{Vault: VaultOpen, OffLine: true, Problem: "Another program uses port 7678."}, all},
	{"a problem", State{Vault: VaultLocked, Problem: "The password manager is locked."}, all},
}

func TestMenus(t *testing.T) {
	var have bytes.Buffer
	for _, m := range menus {
		fmt.Fprintf(&have, "== %s\nicon %s: %s\n", m.name, m.state.look(), m.state.tooltip())
		print(&have, menu(m.state, m.can), 1)
		fmt.Fprintln(&have)
	}
	golden := filepath.Join("testdata", "menus.txt")
	if *update {
		if err := os.WriteFile(golden, have.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), have.String()); diff != "" {
		t.Errorf("menus changed (-want +have); if that is right, run: go test ./tray -update\n%s", diff)
	}
}

// print writes the rows as the owner sees them, with what each row is.
func print(out *bytes.Buffer, items []item, depth int) {
	indent := strings.Repeat("    ", depth)
	for _, item := range items {
		if item.id.kind == separator {
			fmt.Fprintf(out, "%s----\n", indent)
			continue
		}
		fmt.Fprintf(out, "%s%s", indent, item.title)
		if item.checked {
			fmt.Fprint(out, " [x]")
		}
		fmt.Fprintf(out, "  <%s>", strings.TrimSpace(string(item.id.kind)+" "+item.id.subject))
		if !item.enabled {
			fmt.Fprint(out, " grey")
		}
		if item.tooltip != "" {
			fmt.Fprintf(out, " tooltip %q", item.tooltip)
		}
		fmt.Fprintln(out)
		print(out, item.children, depth+1)
	}
}

func TestLookPutsFirstWhatTheOwnerCanDo(t *testing.T) {
	for _, test := range []struct {
		state State
		want  look
	}{
		{State{}, lookLocked},
		{State{Vault: VaultNone}, lookLocked},
		{State{Vault: VaultLocked}, lookLocked},
		{State{Vault: VaultOpen}, lookOpen},
		{State{Vault: VaultOpen, Paused: true}, lookOffLine},
		{State{Vault: VaultOpen, OffLine: true}, lookOffLine},
		{State{Vault: VaultOpen, Problem: "x"}, lookNeedsYou},
		{State{Vault: VaultOpen, Problem: "x", Paused: true}, lookNeedsYou},
		{State{Vault: VaultOpen, Problem: "x", OffLine: true}, lookOffLine},
		{State{Vault: VaultOpen, Questions: questions(1), OffLine: true, Paused: true}, lookNeedsYou},
	} {
		if have := test.state.look(); have != test.want {
			t.Errorf("%+v looks %s, want %s", test.state, have, test.want)
		}
	}
}

func TestTextsFromPagesAreMadePlain(t *testing.T) {
	long := "https://bank.example.com." + strings.Repeat("a", 200) + ".evil.example"
	for _, test := range []struct{ name, text, want string }{
		{"umlaut and emoji stay", "Bürö 🔑", "Bürö 🔑"},
		{"line break", "one\ntwo", "one two"},
		{"direction override", "moc.elpmaxe\u202e//:sptth", "moc.elpmaxe//:sptth"},
		{"zero width", "a\u200bb\u2066c", "abc"},
		{"NUL and escape", "a\x00b\x1b[31m", "ab[31m"},
		{"not UTF-8", "a\xffb", "a\ufffdb"},
		{"the end of a long host name stays", long, long[:47] + "…" + long[len(long)-47:]},
	} {
		t.Run(test.name, func(t *testing.T) {
			have := plain(test.text)
			if have != test.want {
				t.Errorf("have %q, want %q", have, test.want)
			}
		})
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("app.example.com wants to connect")
	f.Add("\xff\x00\u202e" + strings.Repeat("é", 300))
	f.Fuzz(func(t *testing.T, text string) {
		have := plain(text)
		if !utf8.ValidString(have) || strings.ContainsAny(have, "\x00\n\r\u202e") || utf8.RuneCountInString(have) > maxTitle {
			t.Errorf("plain(%q) = %q", text, have)
		}
	})
}

// The name that an app gives itself must not push its origin out of sight.
func TestAppTitleKeepsTheOrigin(t *testing.T) {
	app := App{Origin: "https://evil.example", Name: strings.Repeat("https://bank.example.com ", 20), Connections: 1}
	title := appItem(app, all).title
	if !strings.HasPrefix(title, app.Origin+" (") || !strings.HasSuffix(title, ") · 1 connection") {
		t.Errorf("title %q", title)
	}
}
