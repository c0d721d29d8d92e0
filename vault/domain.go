package vault

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Domain is one allowed domain of a secret, in its canonical text:
//
//	example.com            https on that host, any port
//	example.com:8443       https on that host and port
//	http://localhost:3000  that scheme, host and port
//	https://example.com    that scheme and host on the scheme's own port
//	*.example.com          example.com and every host below it, https, any port
type Domain struct {
	scheme   string
	host     string
	port     string // empty: any
	wildcard bool
}

var defaultPorts = map[string]string{"http": "80", "https": "443"}

// ParseDomain reads an allowed domain as its owner types it. A pattern that
// could never match, or would match half the web, is refused with the reason.
func ParseDomain(text string) (Domain, error) {
	rest := strings.TrimSpace(text)
	if rest == "" {
		return Domain{}, invalid("an allowed domain is empty")
	}
	d := Domain{scheme: "https"}
	if scheme, after, found := strings.Cut(rest, "://"); found {
		d.scheme, rest = strings.ToLower(scheme), after
		d.port = defaultPorts[d.scheme]
		if d.port == "" {
			return Domain{}, invalid("%q cannot be an allowed domain: the scheme must be http or https", text)
		}
	}
	rest = strings.TrimSuffix(rest, "/")
	if strings.ContainsAny(rest, "/?#@\\") {
		return Domain{}, invalid("%q cannot be an allowed domain: leave out the path and the user, a domain covers every path", text)
	}
	if rest == "*" {
		return Domain{}, invalid("%q cannot be an allowed domain: leave the list empty to allow any domain", text)
	}
	if after, found := strings.CutPrefix(rest, "*."); found {
		d.wildcard, rest = true, after
	}
	host, port, err := splitHostPort(rest)
	if err != nil {
		return Domain{}, invalid("%q cannot be an allowed domain: %s", text, err)
	}
	if port != "" {
		d.port = port
	}
	if d.host, err = canonicalHost(host); err != nil {
		return Domain{}, invalid("%q cannot be an allowed domain: %s", text, err)
	}
	return d, d.checkWildcard(text)
}

func (d Domain) checkWildcard(text string) error {
	if !d.wildcard {
		return nil
	}
	if _, err := netip.ParseAddr(d.host); err == nil {
		return invalid("%q cannot be an allowed domain: an address has no subdomains", text)
	}
	if suffix, icann := publicsuffix.PublicSuffix(d.host); suffix == d.host && (icann || strings.Contains(suffix, ".")) {
		return invalid("%q cannot be an allowed domain: anyone can register a name below %q", text, d.host)
	}
	return nil
}

// String gives the canonical text, which ParseDomain reads back.
func (d Domain) String() string {
	host := d.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if d.wildcard {
		host = "*." + host
	}
	switch {
	case d.port == "":
		return host
	case d.port == defaultPorts[d.scheme]:
		return d.scheme + "://" + host
	case d.scheme == "https":
		return host + ":" + d.port
	}
	return d.scheme + "://" + host + ":" + d.port
}

// Destination is where a request goes: scheme (http or https), host in
// lower-case punycode without a trailing dot, and port.
type Destination struct{ Scheme, Host, Port string }

// String gives the destination as an origin.
func (d Destination) String() string {
	host := d.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if d.Port == defaultPorts[d.Scheme] {
		return d.Scheme + "://" + host
	}
	return d.Scheme + "://" + host + ":" + d.Port
}

// DestinationOf gives the destination of an absolute http, https, ws or wss URL.
// User-info, path, query and fragment play no part.
func DestinationOf(u *url.URL) (Destination, error) {
	scheme := strings.ToLower(u.Scheme)
	switch scheme {
	case "ws":
		scheme = "http"
	case "wss":
		scheme = "https"
	}
	port := defaultPorts[scheme]
	if port == "" {
		return Destination{}, invalid("the address must begin with http:// or https://")
	}
	host, given, err := splitHostPort(u.Host)
	if err == nil {
		host, err = canonicalHost(host)
	}
	if err != nil {
		return Destination{}, invalid("the address cannot be used: %s", err)
	}
	if given != "" {
		port = given
	}
	return Destination{Scheme: scheme, Host: host, Port: port}, nil
}

// Allows says whether the pattern covers the destination.
func (d Domain) Allows(to Destination) bool {
	if d.scheme != to.Scheme || (d.port != "" && d.port != to.Port) {
		return false
	}
	return d.host == to.Host || (d.wildcard && strings.HasSuffix(to.Host, "."+d.host))
}

// canonicalDomains reads a list, drops repetitions and keeps the order.
func canonicalDomains(list []string) ([]string, error) {
	if len(list) > maxDomains {
		return nil, &InvalidError{Reason: "a secret can have at most " + strconv.Itoa(maxDomains) + " allowed domains", TooLarge: true}
	}
	var out []string
	seen := map[string]bool{}
	for _, text := range list {
		d, err := ParseDomain(text)
		if err != nil {
			return nil, err
		}
		if s := d.String(); !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out, nil
}

// domainsAllow is the one matching function: check, preview and send all end here.
func domainsAllow(domains []string, to Destination) bool {
	for _, text := range domains {
		if d, err := ParseDomain(text); err == nil && d.Allows(to) {
			return true
		}
	}
	return len(domains) == 0
}

func splitHostPort(hostport string) (host, port string, err error) {
	host = hostport
	if after, found := strings.CutPrefix(hostport, "["); found {
		inner, tail, closed := strings.Cut(after, "]")
		if !closed || (tail != "" && !strings.HasPrefix(tail, ":")) {
			return "", "", invalid("its brackets are not closed")
		}
		if addr, e := netip.ParseAddr(inner); e != nil || !addr.Is6() || addr.Zone() != "" {
			return "", "", invalid("the brackets hold no IPv6 address")
		}
		host, port = inner, strings.TrimPrefix(tail, ":")
	} else if strings.Count(hostport, ":") > 1 {
		return "", "", invalid("an IPv6 address stands in brackets")
	} else {
		host, port, _ = strings.Cut(hostport, ":")
	}
	if port == "" {
		return host, "", nil
	}
	n, e := strconv.ParseUint(port, 10, 16)
	if e != nil || n == 0 {
		return "", "", invalid("%q is not a port", port)
	}
	return host, strconv.FormatUint(n, 10), nil
}

// canonicalHost lower-cases, turns Unicode names into punycode, drops the
// trailing dot and refuses the number forms (127.1, 0x7f000001) that some
// resolvers read as addresses and others as names.
func canonicalHost(host string) (string, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Zone() != "" {
			return "", invalid("an address with a zone cannot be used")
		}
		return addr.Unmap().String(), nil
	}
	host = strings.TrimSuffix(host, ".")
	if host == "" || strings.HasSuffix(host, ".") {
		return "", invalid("it has no host")
	}
	if !utf8.ValidString(host) {
		return "", invalid("%q is not a host name", host)
	}
	ascii, err := idna.Lookup.ToASCII(host)
	if err != nil {
		if ascii, err = strings.ToLower(host), checkLooseHost(host); err != nil {
			return "", err
		}
	}
	if ascii == "" || strings.HasPrefix(ascii, ".") || strings.Contains(ascii, "..") {
		return "", invalid("%q is not a host name", host)
	}
	if last := ascii[strings.LastIndexByte(ascii, '.')+1:]; looksNumeric(last) {
		return "", invalid("%q looks like an address but is none", host)
	}
	if ascii == "" || strings.HasPrefix(ascii, ".") || strings.HasSuffix(ascii, ".") || strings.Contains(ascii, "..") {
		return "", invalid("%q is not a host name", host)
	}
	if len(ascii) > 253 {
		return "", invalid("its host is too long")
	}
	return ascii, nil
}

// checkLooseHost lets through the plain names with underscores that private
// networks use and IDNA 2008 refuses.
func checkLooseHost(host string) error {
	for _, c := range host {
		ok := c == '-' || c == '_' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !ok {
			return invalid("%q is not a host name", host)
		}
	}
	if strings.Contains(host, "..") || strings.HasPrefix(host, ".") || strings.HasPrefix(strings.ToLower(host), "xn--") || strings.Contains(strings.ToLower(host), ".xn--") {
		return invalid("%q is not a host name", host)
	}
	return nil
}

func looksNumeric(label string) bool {
	if label == "" {
		return false
	}
	digits := strings.TrimPrefix(label, "0x")
	for _, c := range digits {
		hex := 'a' <= c && c <= 'f' && digits != label
		if !hex && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
