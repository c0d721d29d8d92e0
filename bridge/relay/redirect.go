package relay

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"postern/vault"
)

// follow builds the message that a redirect asks for, or refuses it. A secret
// goes along only to where it may go; what was left behind once stays behind,
// because each hop is built from the one before.
func (m *message) follow(code int, location string, used []vault.Used) (*message, []string, error) {
	target, to, err := m.target(location)
	if err != nil {
		return nil, nil, err
	}
	for _, u := range used {
		if u.MayFollow(to) {
			continue
		}
		if newMasker([][]byte{u.Value}, nil).finds(location, target.String()) {
			return nil, nil, redirectError("the address that it leads to holds the secret %q, which may not go there", u.Name)
		}
		if m.to.Scheme == "https" && to.Scheme == "http" {
			return nil, nil, redirectError("it leaves https, and the secret %q may not", u.Name)
		}
	}
	next := &message{method: m.method, url: target, to: to, host: m.host, fields: slices.Clone(m.fields), body: m.body}
	if changesToGet(code, m.method) {
		next.dropBody()
	}
	if to == m.to {
		return next, nil, nil
	}
	if !next.body.holds.mayFollow(to) {
		return nil, nil, redirectError("the body holds a secret that may not go to where it leads")
	}
	next.host = ""
	return next, next.dropHeaders(), nil
}

func redirectError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRedirect, fmt.Sprintf(format, args...))
}

func (m *message) target(location string) (*url.URL, vault.Destination, error) {
	u, err := m.url.Parse(location)
	if err == nil {
		var to vault.Destination
		if u, to, err = address(u); err == nil {
			return u, to, nil
		}
	}
	// The server wrote the address, and may have put a value into it: no part of
	// it is repeated.
	return nil, vault.Destination{}, redirectError("it does not lead to an http or https address")
}

// changesToGet follows the Fetch standard.
func changesToGet(code int, method string) bool {
	switch code {
	case http.StatusMovedPermanently, http.StatusFound:
		return method == http.MethodPost
	case http.StatusSeeOther:
		return method != http.MethodGet && method != http.MethodHead
	}
	return false
}

func (m *message) dropBody() {
	m.method, m.body = http.MethodGet, payload{}
	m.fields = slices.DeleteFunc(m.fields, func(f field) bool {
		return strings.HasPrefix(http.CanonicalHeaderKey(f.key), "Content-")
	})
}

// dropHeaders takes out what may not go to another origin, and names it.
func (m *message) dropHeaders() (dropped []string) {
	m.fields = slices.DeleteFunc(m.fields, func(f field) bool {
		stays := f.holds.mayFollow(m.to) && (!f.isCredential || len(f.holds) > 0)
		if !stays {
			dropped = append(dropped, f.key)
		}
		return !stays
	})
	return dropped
}

func isRedirect(code int) bool {
	switch code {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}
