//go:build !appindicator

package main

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/tray/traytest"
	"postern/vault/vaulttest"
)

func TestDoctorFindsThePanel(t *testing.T) {
	address := vaulttest.Bus(t)
	if c := checkTray(t.Context()); c.State != checkWarn {
		t.Errorf("without a panel: %+v", c)
	}
	traytest.StartHost(t, address)
	if c := checkTray(t.Context()); c.State != checkOK {
		t.Errorf("with a panel: %+v", c)
	}
}

// Who holds only one half of the port could pose as the agent for pages that
// browsers lead to the other half.
func TestDoctorLooksAtBothAddresses(t *testing.T) {
	for _, half := range []struct{ network, held, free string }{{"tcp4", "127.0.0.1", "::1"}, {"tcp6", "::1", "127.0.0.1"}} {
		l, err := net.Listen(half.network, net.JoinHostPort(half.held, "0"))
		if err != nil && half.network == "tcp6" {
			// Without IPv6 nobody can hold that half, and the other one has been looked at.
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		d := doctor{agentError: errBusGone}
		d.config.Port = l.Addr().(*net.TCPAddr).Port
		if c := d.checkPort(t.Context(), half.free); c.State == checkFail {
			t.Errorf("%s is free: %+v", half.free, c)
		}
		if c := d.checkPort(t.Context(), half.held); c.State != checkFail || !strings.Contains(c.Found, "(process ") {
			t.Errorf("%s is held: %+v", half.held, c)
		}
	}
}

func TestListenersThatReach(t *testing.T) {
	for _, test := range []struct {
		kernel, to string
		want       bool
	}{
		{"0100007F:1DFE", "127.0.0.1:7678", true},
		{"0100007F:1DFE", "127.0.0.1:7679", false},
		{"0100007F:1DFE", "[::1]:7678", false},
		{"00000000:1DFE", "127.0.0.1:7678", true},
		{"00000000:1DFE", "[::1]:7678", false},
		{"0200A8C0:1DFE", "127.0.0.1:7678", false},
		{"00000000000000000000000001000000:1DFE", "[::1]:7678", true},
		{"00000000000000000000000001000000:1DFE", "127.0.0.1:7678", false},
		{"00000000000000000000000000000000:1DFE", "[::1]:7678", true},
		{"00000000000000000000000000000000:1DFE", "127.0.0.1:7678", true},
		{"0000000000000000FFFF00000100007F:1DFE", "127.0.0.1:7678", true},
	} {
		at, ok := parseProcAddress(test.kernel)
		if got := ok && reaches(netip.MustParseAddrPort(test.to), at); got != test.want {
			t.Errorf("%s reached by connections to %s: %v, want %v", test.kernel, test.to, got, test.want)
		}
	}
	for _, text := range []string{"", "x:1DFE", "0100007F", "01:1DFE", "0100007F:1DFEE"} {
		if at, ok := parseProcAddress(text); ok {
			t.Errorf("%q was read as %v", text, at)
		}
	}
}

func TestDoctorNamesPoliciesWithoutOrigins(t *testing.T) {
	d := doctor{root: t.TempDir()}
	if c := d.checkBrowserPolicy(t.Context()); c.State != checkOK {
		t.Errorf("without policies: %+v", c)
	}
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(d.root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("etc/chromium/policies/managed/a.json", `{"HomepageLocation": "https://canary.example.com"}`)
	write("etc/chromium/policies/managed/b.json", `not JSON`)
	if c := d.checkBrowserPolicy(t.Context()); c.State != checkOK {
		t.Errorf("with other policies: %+v", c)
	}
	write("etc/opt/chrome/policies/managed/c.json", `{"LocalNetworkAccessBlockedForUrls": ["https://canary.example.com"]}`)
	write("etc/firefox/policies/policies.json", `{"policies": {"LocalNetworkAccess": {"Enabled": false}}}`)
	c := d.checkBrowserPolicy(t.Context())
	for _, want := range []string{"/etc/opt/chrome/policies/managed: LocalNetworkAccessBlockedForUrls", "/etc/firefox/policies: LocalNetworkAccess"} {
		if c.State != checkWarn || !strings.Contains(c.Found, want) {
			t.Errorf("found %+v, want %s", c, want)
		}
	}
	if strings.Contains(c.Found+c.Fix, "canary") {
		t.Errorf("the report holds an origin: %+v", c)
	}
}

func TestDoctorHidesTheHomeFolder(t *testing.T) {
	home := filepath.Join(t.TempDir(), "canary")
	if err := os.WriteFile(home, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	d := doctor{folders: folders{config: home, data: home, state: home, runtime: home}, root: "/"}
	for _, c := range d.examine(t.Context()) {
		if strings.Contains(c.Found+c.Fix, "canary") {
			t.Errorf("%+v", c)
		}
		if c.Name == "" || c.Found == "" || (c.State == checkWarn || c.State == checkFail) && c.Fix == "" {
			t.Errorf("not whole: %+v", c)
		}
	}
}
