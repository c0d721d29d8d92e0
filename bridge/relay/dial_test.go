package relay

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func TestGuardTable(t *testing.T) {
	own := func() []netip.AddrPort {
		return []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:7678"), netip.MustParseAddrPort("192.168.1.5:7679")}
	}
	const never, onlyLocal, always = "never", "local", "always"
	tests := map[string][]string{
		never: {
			"169.254.169.254:80", "169.254.1.1:80", "0.0.0.0:80", "0.1.2.3:80", "224.0.0.1:80", "255.255.255.255:80", "240.0.0.1:80",
			"100.100.100.200:80", "192.0.0.192:80", "168.63.129.16:80",
			"[::]:80", "[fe80::1]:80", "[fe80::1%eth0]:80", "[ff02::1]:80", "[fd00:ec2::254]:80", "[fd20:ce::254]:80",
			"[::ffff:169.254.169.254]:80", "[::ffff:0.0.0.0]:80", "[2002:a9fe:a9fe::1]:80", "[64:ff9b::a9fe:a9fe]:80",
			"[64:ff9b:1::a9fe:a9fe]:80", "[::169.254.169.254]:80", "[2001:0:1:2:3:4:5601:5601]:80", "[2002:e000:1::]:80",
			"127.0.0.1:7678", "127.9.9.9:7678", "[::1]:7678", "[::ffff:127.0.0.1]:7678", "[2002:7f00:1::]:7678", "192.168.1.5:7679", "127.0.0.1:7679",
			"not an address",
		},
		onlyLocal: {
			"127.0.0.1:80", "127.255.255.254:80", "10.1.2.3:80", "172.16.0.1:80", "172.31.255.255:80", "192.168.1.1:80", "100.64.0.1:80", "100.127.255.255:80",
			"[::1]:80", "[fc00::1]:80", "[fd12:3456::1]:80", "[fec0::1]:80", "[::ffff:10.0.0.1]:80", "[2002:a00:1::]:80", "[64:ff9b::7f00:1]:80", "192.168.1.5:80",
			"192.168.1.6:7678",
		},
		always: {
			"1.1.1.1:80", "8.8.8.8:7678", "172.15.255.255:80", "172.32.0.1:80", "100.63.255.255:80", "100.128.0.1:80", "169.253.0.1:80",
			"[2606:4700::1111]:443", "[64:ff9b::808:808]:443", "[2002:808:808::]:443",
		},
	}
	for class, list := range tests {
		for _, address := range list {
			for _, localNetwork := range []bool{false, true} {
				err := guard{localNetwork: localNetwork, ownPorts: own}.control("tcp", address, nil)
				want := class == always || class == onlyLocal && localNetwork
				if (err == nil) != want || (err != nil && err != ErrBlockedAddress) {
					t.Errorf("%s with local network %v: got %v, want allowed %v", address, localNetwork, err, want)
				}
			}
		}
	}
}

func TestLocalNetworkNeedsLeave(t *testing.T) {
	server := serve(t, nil)
	v := newVault(t, "the-value")
	port := server.URL[strings.LastIndexByte(server.URL, ':'):]
	for _, address := range []string{server.URL, "http://localhost" + port, "http://LOCALHOST." + port, "http://[::ffff:127.0.0.1]" + port} {
		_, err := newClient(t).Send(t.Context(), v, get(address, bearer("{{vault:key}}")), Options{Timeout: 10 * time.Second})
		if err != ErrBlockedAddress {
			t.Errorf("%s: got %v", address, err)
		}
	}
	if n := len(server.requests()); n != 0 {
		t.Fatalf("the server saw %d requests", n)
	}
	send(t, v, get("http://localhost"+port))
}

// A number form that some resolvers read as an address never reaches one.
func TestNumberForms(t *testing.T) {
	server := serve(t, nil)
	port := server.URL[strings.LastIndexByte(server.URL, ':'):]
	for _, host := range []string{"2130706433", "0x7f000001", "127.1", "0177.0.0.1", "0x7f.1", "[fe80::1%25lo]"} {
		if _, err := newClient(t).Send(t.Context(), newVault(t, "the-value"), get("http://"+host+port), local); err == nil {
			t.Errorf("%s: got through", host)
		}
	}
	if n := len(server.requests()); n != 0 {
		t.Errorf("the server saw %d requests", n)
	}
}

// A connection that was made with leave is not there for a request without it.
func TestPoolsAreApart(t *testing.T) {
	server := serve(t, nil)
	v := newVault(t, "the-value")
	c := newClient(t)
	for range 2 {
		if _, err := c.Send(t.Context(), v, get(server.URL), local); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Send(t.Context(), v, get(server.URL), Options{}); err != ErrBlockedAddress {
			t.Errorf("got %v", err)
		}
	}
	if n := len(server.requests()); n != 2 {
		t.Errorf("the server saw %d requests, want 2", n)
	}
}

func TestConnectionsAreKept(t *testing.T) {
	remotes := map[string]bool{}
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { remotes[r.RemoteAddr] = true })
	v := newVault(t, "the-value")
	c := newClient(t)
	for range 5 {
		if _, err := c.Send(t.Context(), v, get(server.URL), local); err != nil {
			t.Fatal(err)
		}
	}
	if len(remotes) != 1 {
		t.Errorf("5 requests used %d connections", len(remotes))
	}
}

func TestOwnPortRefused(t *testing.T) {
	server := serve(t, nil)
	own := netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "http://"))
	c := New(Config{OwnPorts: func() []netip.AddrPort { return []netip.AddrPort{own} }})
	defer c.Close()
	if _, err := c.Send(t.Context(), newVault(t, "the-value"), get(server.URL), local); err != ErrBlockedAddress {
		t.Errorf("got %v", err)
	}
	a := serve(t, redirectTo(302, constant(server.URL)))
	if _, err := c.Send(t.Context(), newVault(t, "the-value"), get(a.URL), local); err != ErrBlockedAddress {
		t.Errorf("by redirect: got %v", err)
	}
	if n := len(server.requests()); n != 0 {
		t.Errorf("the agent's own port saw %d requests", n)
	}
}

// resolving makes a client whose names lead where the list says, one entry for
// each time that a name is asked for; without a list there is no name.
func resolving(t *testing.T, answers ...string) *Client {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go serveNames(conn, answers)
	c := newClient(t)
	c.dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	return c
}

func serveNames(conn net.PacketConn, answers []string) {
	buffer := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buffer[:n]) != nil {
			continue
		}
		m.Response, m.Additionals = true, nil
		q := m.Questions[0]
		var addr netip.Addr
		if m.RCode = dnsmessage.RCodeNameError; len(answers) > 0 {
			addr, m.RCode = netip.MustParseAddr(answers[0]), dnsmessage.RCodeSuccess
		}
		header := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 0}
		switch {
		case q.Type == dnsmessage.TypeA && addr.Is4():
			m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}}}
		case q.Type == dnsmessage.TypeAAAA && addr.Is6():
			m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}}}
		}
		if len(m.Answers) > 0 && len(answers) > 1 {
			answers = answers[1:]
		}
		if packed, err := m.Pack(); err == nil {
			conn.WriteTo(packed, from)
		}
	}
}

// Names are looked at when they are dialled, whatever they led to before.
func TestNamesThatLeadToBlockedAddresses(t *testing.T) {
	v := newVault(t, "the-value")
	for _, address := range []string{"169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "0.0.0.0", "2002:a9fe:a9fe::1"} {
		c := resolving(t, address)
		for _, o := range []Options{{}, local} {
			if _, err := c.Send(t.Context(), v, get("http://rebind.example.com/"), o); err != ErrBlockedAddress {
				t.Errorf("%s: got %v", address, err)
			}
		}
	}
}

func TestRebinding(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	u, _ := url.Parse(server.URL)
	v := newVault(t, "the-value")
	c := resolving(t, "127.0.0.1", "169.254.169.254")
	address := "http://rebind.example.com:" + u.Port()
	if _, err := c.Send(t.Context(), v, get(address), local); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Send(t.Context(), v, get(address), local); err != ErrBlockedAddress {
		t.Errorf("got %v", err)
	}
}

func TestHTTP2(t *testing.T) {
	server := record(t, func(h http.Handler) *httptest.Server {
		s := httptest.NewUnstartedServer(h)
		s.EnableHTTP2 = true
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		return s
	}, nil)
	answer, err := trusting(t, server).Send(t.Context(), newVault(t, "the-value"), get(server.URL, bearer("{{vault:key}}")), local)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Protocol != "HTTP/2" || answer.Status != "OK" || server.only(t).header.Get("Authorization") != "Bearer the-value" {
		t.Errorf("got %+v", answer)
	}
	if timings := answer.Timings; timings.TLS <= 0 || timings.FirstByte <= 0 || timings.Total < timings.FirstByte {
		t.Errorf("timings %+v", timings)
	}
	if answer.RemoteAddress != strings.TrimPrefix(server.URL, "https://") {
		t.Errorf("remote address %q", answer.RemoteAddress)
	}
	if _, err := newClient(t).Send(t.Context(), newVault(t, "the-value"), get(server.URL), local); causeOrNone(err) != CauseTLS {
		t.Errorf("an unknown certificate: got %v", err)
	}
}

func causeOrNone(err error) Cause {
	var unreachable *UnreachableError
	if errors.As(err, &unreachable) {
		return unreachable.Cause
	}
	return ""
}
