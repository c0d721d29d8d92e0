package bridge

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/idna"
)

// The guard decides whether a connection and then a request may go any further,
// in this order: the peer is on this machine, it belongs to this user, the Host
// is one of ours, there is exactly one Origin, and that origin is allowed. What
// it refuses learns nothing: a closed connection, or an empty 403 that is the
// same on every path. Libraries' own origin checks are not used: they take a
// missing Origin, and a rebinding name that stands in both Host and Origin.

// guardedListener closes connections that do not come from a process of this
// user on this machine, before a byte of them is read.
type guardedListener struct {
	net.Listener
	// peerUser tells the user id of the other end; false means that it could
	// not be established.
	peerUser func(local, remote netip.AddrPort) (uid int, ok bool)
	refused  func(remote net.Addr)
}

// Guard wraps a loopback listener.
func Guard(l net.Listener, refused func(remote net.Addr)) net.Listener {
	return &guardedListener{Listener: l, peerUser: peerUser, refused: refused}
}

func (g *guardedListener) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if g.admits(conn) {
			return conn, nil
		}
		g.refused(conn.RemoteAddr())
		conn.Close()
	}
}

func (g *guardedListener) admits(conn net.Conn) bool {
	local, ok := addrPort(conn.LocalAddr())
	if !ok {
		return false
	}
	remote, ok := addrPort(conn.RemoteAddr())
	if !ok || !remote.Addr().IsLoopback() || !local.Addr().IsLoopback() {
		return false
	}
	uid, ok := g.peerUser(local, remote)
	return ok && uid == os.Getuid()
}

func addrPort(a net.Addr) (netip.AddrPort, bool) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}, false
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), true
}

// hostAllowed holds for the names under which this agent is reached on its own
// port, and nothing else: a name that rebinds to loopback is not among them.
func hostAllowed(host, port string) bool {
	for _, name := range []string{"127.0.0.1", "[::1]", "localhost"} {
		if host == name+":"+port || (port == "80" && host == name) {
			return true
		}
	}
	return false
}

// soleOrigin returns the Origin header when there is exactly one.
func soleOrigin(h http.Header) (string, bool) {
	values := h.Values("Origin")
	if len(values) != 1 || values[0] == "" {
		return "", false
	}
	return values[0], true
}

// CanonicalOrigin checks an origin and returns it as browsers serialise it (RFC
// 6454 section 6.2, host in punycode). Apps are served by https, or by http on
// this machine.
func CanonicalOrigin(text string) (string, bool) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || (u.Path != "" && u.Path != "/") {
		return "", false
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	local := false
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Zone() != "" {
			return "", false
		}
		local = addr == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || addr == netip.IPv6Loopback()
		if host = addr.String(); addr.Is6() {
			host = "[" + host + "]"
		}
	} else if host, err = idna.Lookup.ToASCII(host); err != nil || host == "" || strings.HasSuffix(host, ".") {
		return "", false
	}
	local = local || host == "localhost" || strings.HasSuffix(host, ".localhost")
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return "", false
	}
	if port != "" && port != map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host += ":" + port
	}
	return u.Scheme + "://" + host, true
}

// crossSite holds when a browser says that another site asks. Chromium leaves
// these headers off WebSocket handshakes, so their absence means nothing.
func crossSite(h http.Header) bool {
	switch h.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	return true
}
