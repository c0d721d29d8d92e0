package vault_test

import (
	"net/url"
	"testing"

	"postern/vault"
)

func TestDomainPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, canonical string
		yes, no            []string
	}{
		{"example.com", "example.com",
			[]string{"https://example.com", "https://EXAMPLE.com:8443/x?y#z", "https://example.com.", "https://user:pw@example.com", "wss://example.com"},
			[]string{"http://example.com", "ws://example.com", "https://www.example.com", "https://example.com.evil.test", "https://evil-example.com", "https://example.co", "https://user@example.com@evil.test", "https://example.com%2eevil.test", "https://example.com\\@evil.test"}},
		{" Example.COM./ ", "example.com", []string{"https://example.com"}, []string{"https://xample.com"}},
		{"example.com:8443", "example.com:8443", []string{"https://example.com:8443", "https://example.com:08443"}, []string{"https://example.com", "http://example.com:8443"}},
		{"https://example.com", "https://example.com", []string{"https://example.com", "https://example.com:443"}, []string{"https://example.com:8443", "http://example.com:443"}},
		{"http://localhost:3000", "http://localhost:3000", []string{"http://localhost:3000/a", "ws://localhost:3000"}, []string{"https://localhost:3000", "http://localhost", "http://localhost:3001", "http://127.0.0.1:3000"}},
		{"HTTP://localhost", "http://localhost", []string{"http://localhost:80", "http://localhost"}, []string{"http://localhost:8080"}},
		{"*.example.com", "*.example.com", []string{"https://example.com", "https://a.example.com", "https://a.b.example.com:444"}, []string{"http://a.example.com", "https://aexample.com", "https://example.com.evil.test"}},
		{"https://*.example.com:8443", "*.example.com:8443", []string{"https://a.example.com:8443"}, []string{"https://a.example.com"}},
		{"bücher.example", "xn--bcher-kva.example", []string{"https://BÜCHER.example", "https://xn--bcher-kva.example"}, []string{"https://bucher.example"}},
		{"*.東京.example", "*.xn--1lqs71d.example", []string{"https://a.東京.example"}, []string{"https://a.xn--1lqs71.example"}},
		{"127.0.0.1", "127.0.0.1", []string{"https://127.0.0.1:1", "https://[::ffff:127.0.0.1]"}, []string{"https://127.0.0.2", "https://127.1", "https://2130706433", "https://0x7f.1", "https://localhost"}},
		{"[::1]:8080", "[::1]:8080", []string{"https://[::1]:8080", "https://[0:0:0:0:0:0:0:1]:8080"}, []string{"https://[::1]", "https://[::2]:8080", "https://[::1%25lo]:8080"}},
		{"http://[2001:DB8::A]", "http://[2001:db8::a]", []string{"http://[2001:db8:0::a]:80"}, []string{"https://[2001:db8::a]"}},
		{"my_host.internal", "my_host.internal", []string{"https://MY_HOST.internal"}, []string{"https://myhost.internal"}},
		{"*.localhost", "*.localhost", []string{"https://a.localhost"}, []string{"http://a.localhost"}},
		{"com", "com", []string{"https://com"}, []string{"https://example.com"}},
	} {
		d, err := vault.ParseDomain(c.pattern)
		if err != nil || d.String() != c.canonical {
			t.Errorf("%q is %q, %v", c.pattern, d, err)
			continue
		}
		if again, err := vault.ParseDomain(d.String()); err != nil || again != d {
			t.Errorf("%q is not read back: %v", d, err)
		}
		for _, address := range c.yes {
			if to, err := destination(address); err != nil || !d.Allows(to) {
				t.Errorf("%q forbids %q (%v, %v)", c.pattern, address, to, err)
			}
		}
		for _, address := range c.no {
			if to, err := destination(address); err == nil && d.Allows(to) {
				t.Errorf("%q allows %q (%v)", c.pattern, address, to)
			}
		}
	}
}

func destination(address string) (vault.Destination, error) {
	u, err := url.Parse(address)
	if err != nil {
		return vault.Destination{}, err
	}
	return vault.DestinationOf(u)
}

// A pattern that could never match, or that says more than its owner meant, is
// refused when it is saved.
func TestDomainPatternsRefused(t *testing.T) {
	for _, pattern := range []string{
		"", "  ", "*", "*.", ".", "..", "a..b", ".example.com", "example.com..", "*.*.example.com", "a.*.example.com", "*example.com", "ex*mple.com",
		"*.com", "*.co.uk", "*.github.io", "*.127.0.0.1", "*.[::1]",
		"ftp://example.com", "://example.com", "https://", "javascript:alert(1)", "https://https://example.com",
		"example.com/path", "example.com?x", "example.com#x", "user@example.com", "example.com\\x", "exam ple.com", "example.com\n", "a\x00b",
		"example.com:0", "example.com:65536", "example.com:-1", "example.com:https", "example.com:80:80", "::1", "[::1", "[example.com]", "[::1]x", "[fe80::1%eth0]", "fe80::1%eth0",
		"127.1", "2130706433", "0x7f000001", "0177.0.0.1", "256.1.1.1", "1.2.3.4.5", "127。0。0。1", "xn--a", "\xff.example",
	} {
		if pattern == "example.com\n" {
			continue // spaces around a pattern are trimmed
		}
		if d, err := vault.ParseDomain(pattern); !isInvalid(err) {
			t.Errorf("%q became %q, %v", pattern, d, err)
		}
	}
}

func FuzzParseDomain(f *testing.F) {
	for _, s := range []string{"example.com", "*.example.com:8443", "http://[::1]:80", "bücher.example", "127.1", "a_b", "*.com", "xn--bcher-kva"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := vault.ParseDomain(s)
		if err != nil {
			if !isInvalid(err) {
				t.Fatal(err)
			}
			return
		}
		again, err := vault.ParseDomain(d.String())
		if err != nil || again != d {
			t.Fatalf("%q became %q, which became %q, %v", s, d, again, err)
		}
	})
}

func FuzzDestinationOf(f *testing.F) {
	for _, s := range []string{"https://example.com", "http://user:pw@[::1]:80/x", "wss://BÜCHER.example.:444?q", "https://127.1/", "https://a@b@c/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		to, err := destination(s)
		if err != nil {
			return
		}
		again, err := destination(to.String())
		if err != nil || again != to {
			t.Fatalf("%q goes to %v, which goes to %v, %v", s, to, again, err)
		}
		// A pattern made of where a request goes allows it to go there.
		if d, err := vault.ParseDomain(to.String()); err != nil || !d.Allows(to) {
			t.Fatalf("%q: the pattern %q does not allow %v: %v", s, d, to, err)
		}
	})
}
