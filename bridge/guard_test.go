package bridge

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/bridge/relay"
	"postern/vault"
	"postern/vault/vaulttest"
)

// served is a running server with one allowed app.
type served struct {
	*Server
	address  string
	port     int
	accounts *vault.Accounts
}

const allowedOrigin = "https://app.example.com"

func serve(t testing.TB, edit func(*Config)) *served {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out := &served{address: l.Addr().String(), port: l.Addr().(*net.TCPAddr).Port}
	out.accounts, _ = vaulttest.Accounts(t, vault.Options{Changed: func(e vault.Event) { out.VaultChanged(e) }})
	apps, err := OpenApps(filepath.Join(t.TempDir(), "apps.json"))
	if err != nil {
		t.Fatal(err)
	}
	client := relay.New(relay.Config{OwnPorts: func() []netip.AddrPort { return []netip.AddrPort{l.Addr().(*net.TCPAddr).AddrPort()} }})
	t.Cleanup(client.Close)
	identity, err := OpenIdentity(filepath.Join(t.TempDir(), "identity.pem"))
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Identity: identity, Accounts: out.accounts, Apps: apps, Port: out.port, Relay: client, Version: "test"}
	if edit != nil {
		edit(&config)
	}
	out.Server = New(config)
	if err := out.decide(Applicant{Origin: allowedOrigin, Name: "Example"}, true); err != nil {
		t.Fatal(err)
	}
	owner, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- out.Serve(ctx, owner, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return out
}

// handshake is a WebSocket handshake byte for byte, so that no library tidies it.
type handshake struct {
	path    string
	host    string
	headers []string
}

func (h handshake) text() string {
	lines := append([]string{
		"GET " + h.path + " HTTP/1.1", "Host: " + h.host, "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: " + Subprotocol,
	}, h.headers...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// do returns the status and everything else of the response but its date.
func (s *served) do(t *testing.T, h handshake) (status int, rest string) {
	t.Helper()
	conn, err := net.Dial("tcp4", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if h.host == "" {
		h.host = s.address
	}
	if _, err := io.WriteString(conn, h.text()); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body := []byte{}
	if response.StatusCode != http.StatusSwitchingProtocols {
		if body, err = io.ReadAll(response.Body); err != nil {
			t.Fatal(err)
		}
	}
	response.Header.Del("Date")
	return response.StatusCode, fmt.Sprintf("%v %q", response.Header, body)
}

func origin(values ...string) []string {
	var lines []string
	for _, v := range values {
		lines = append(lines, "Origin: "+v)
	}
	return lines
}

func TestOnlyTheExactOriginIsAdmitted(t *testing.T) {
	s := serve(t, nil)
	if status, _ := s.do(t, handshake{path: "/bridge", headers: origin(allowedOrigin)}); status != http.StatusSwitchingProtocols {
		t.Fatalf("the allowed origin got %d", status)
	}
	own := "http://" + s.address
	foreign := [][]string{
		nil,
		origin(""), origin("null"), origin("file://"), origin(allowedOrigin, allowedOrigin), origin(allowedOrigin, "https://evil.test"),
		origin("https://evil.test"), origin("http://app.example.com"), origin("https://app.example.com:443"), origin("https://app.example.com:8443"),
		origin("https://app.example.com/"), origin("https://app.example.com."), origin("HTTPS://app.example.com"), origin("https://APP.example.com"),
		origin("https://app.example.com.evil.test"), origin("https://evilapp.example.com"), origin("https://example.com"), origin("https://a.app.example.com"),
		origin("https://app.example.com@evil.test"), origin("https://evil.test#app.example.com"), origin("https://app.example.com evil.test"),
		origin("https://app.example.com, https://evil.test"), origin("https://xn--pp-1ja.example.com"), origin("https://аpp.example.com"),
		origin("wss://app.example.com"), origin("app.example.com"), origin("//app.example.com"), origin("*"), origin("https://*"), origin("https://*.example.com"),
		origin("http://localhost"), origin("http://127.0.0.1"), origin("http://[::1]"), origin("http://localhost:3000"), origin(own), origin("http://127.0.0.1:1"),
		origin("http://127.evil.test"), origin("http://localhost.evil.test"), origin("chrome-extension://abcdefghijklmnop"), origin("moz-extension://1234"),
		origin("data:text/html,x"), origin("blob:https://app.example.com/1"), origin("about:blank"), origin(strings.Repeat("a", 4000)),
		append(origin(allowedOrigin), "Sec-Fetch-Mode: navigate"), append(origin(allowedOrigin), "Sec-Fetch-Mode: no-cors"),
	}
	_, want := s.do(t, handshake{path: "/bridge", headers: origin("https://evil.test")})
	for _, headers := range foreign {
		status, rest := s.do(t, handshake{path: "/bridge", headers: headers})
		if status != http.StatusForbidden || rest != want {
			t.Errorf("%.80q got %d %s, want the same empty 403 as every other", headers, status, rest)
		}
	}
	if n := len(s.connections()); n != 0 {
		t.Errorf("%d connections were admitted", n)
	}
}

func TestOnlyOurOwnHostIsAnswered(t *testing.T) {
	s := serve(t, nil)
	port := fmt.Sprint(s.port)
	for _, host := range []string{"127.0.0.1:" + port, "localhost:" + port, "[::1]:" + port} {
		if status, _ := s.do(t, handshake{path: "/bridge", host: host, headers: origin(allowedOrigin)}); status != http.StatusSwitchingProtocols {
			t.Errorf("host %s got %d", host, status)
		}
	}
	rebinding := []string{
		"evil.test", "evil.test:" + port, "app.example.com", "127.0.0.1", "localhost", "localhost.:" + port, "LOCALHOST:" + port + "x",
		"127.0.0.1.evil.test:" + port, "127.1:" + port, "0.0.0.0:" + port, "[::ffff:127.0.0.1]:" + port, "2130706433:" + port, "127.0.0.1:1", "evil.test@127.0.0.1:" + port,
	}
	paths := []string{"/", "/bridge", "/pair", "/console.js", "/index.html", "/console/session", "/nothing"}
	for _, host := range rebinding {
		for _, path := range paths {
			// A rebinding page is same-origin with the name that it rebinds.
			for _, headers := range [][]string{nil, origin(allowedOrigin), origin("http://" + host)} {
				if status, _ := s.do(t, handshake{path: path, host: host, headers: headers}); status != http.StatusForbidden && status != http.StatusBadRequest {
					t.Errorf("host %q, path %s, origin %v got %d", host, path, headers, status)
				}
			}
		}
	}
}

func TestForeignOriginsCannotTellPathsApart(t *testing.T) {
	s := serve(t, func(c *Config) { c.RefuseNewApps = true })
	_, want := s.do(t, handshake{path: "/bridge", headers: origin("https://evil.test")})
	for _, path := range []string{"/", "/index.html", "/console.js", "/console.css", "/console/session", "/pair", "/bridge", "/favicon.ico", "/none", "/../x"} {
		status, rest := s.do(t, handshake{path: path, headers: origin("https://evil.test")})
		if status != http.StatusForbidden || rest != want {
			t.Errorf("%s got %d %s", path, status, rest)
		}
		status, rest = s.do(t, handshake{path: path, headers: []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}})
		if status != http.StatusForbidden || rest != want {
			t.Errorf("%s loaded by another site got %d %s", path, status, rest)
		}
	}
}

func TestPairIsForUnknownOriginsAlone(t *testing.T) {
	s := serve(t, nil)
	if err := s.Block("https://blocked.example.com"); err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]int{
		"https://new.example.com":     http.StatusSwitchingProtocols,
		"http://localhost:3000":       http.StatusSwitchingProtocols,
		"https://blocked.example.com": http.StatusForbidden,
		"http://new.example.com":      http.StatusForbidden,
		"https://New.example.com":     http.StatusForbidden,
		"null":                        http.StatusForbidden,
		"https://new.example.com/":    http.StatusForbidden,
	} {
		if status, _ := s.do(t, handshake{path: "/pair", headers: origin(header)}); status != want {
			t.Errorf("%s got %d, want %d", header, status, want)
		}
	}
}

func TestSubprotocolIsRequired(t *testing.T) {
	s := serve(t, nil)
	h := handshake{path: "/bridge", headers: origin(allowedOrigin)}
	text := strings.Replace(h.text(), Subprotocol, "other.v1", 1)
	conn, err := net.Dial("tcp4", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, strings.Replace(text, "Host: ", "Host: "+s.address, 1)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("got %d", response.StatusCode)
	}
}

func TestNonLoopbackPeersAreClosed(t *testing.T) {
	guarded := &guardedListener{peerUser: func(_, _ netip.AddrPort) (int, bool) { return os.Getuid(), true }}
	for _, remote := range []string{"192.0.2.1:1", "10.0.0.1:1", "[2001:db8::1]:1", "[fe80::1%lo]:1", "0.0.0.0:1"} {
		if guarded.admits(fakeConn{remote: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(remote))}) {
			t.Errorf("%s was admitted", remote)
		}
	}
}

type fakeConn struct {
	net.Conn
	remote net.Addr
}

func (f fakeConn) LocalAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:7678"))
}
func (f fakeConn) RemoteAddr() net.Addr { return f.remote }

func TestCanonicalOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"https://app.example.com": "https://app.example.com", "https://App.Example.com/": "https://app.example.com",
		"https://app.example.com:443": "https://app.example.com", "https://app.example.com:8443": "https://app.example.com:8443",
		"https://bücher.example": "https://xn--bcher-kva.example", "http://localhost:3000": "http://localhost:3000",
		"http://127.0.0.1:80": "http://127.0.0.1", "http://[::1]:3000": "http://[::1]:3000", "https://192.0.2.1": "https://192.0.2.1",
		"http://example.com": "", "http://192.0.2.1": "", "http://localhost.evil.test": "", "ftp://localhost": "", "https://": "", "null": "", "": "",
		"https://a@b.test": "", "https://b.test/path": "", "https://b.test?q": "", "https://b.test#f": "", "https://b.test.": "", "app.example.com": "",
	} {
		got, ok := CanonicalOrigin(text)
		if got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", text, got, ok, want)
		}
	}
}
