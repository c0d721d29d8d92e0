package relay

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"postern/vault"
)

// message is one HTTP request with the values in it, on its way to one place.
type message struct {
	method string
	url    *url.URL
	to     vault.Destination
	// host replaces the URL's own host in the Host header; empty means that one.
	host   string
	fields []field
	body   payload
	// derived are texts made from values, such as basic credentials, that are
	// masked like the values.
	derived []string
}

// field is one header as it is sent.
type field struct {
	key, value string
	holds      holds
	// isCredential says that the header proves who asks, so that another origin
	// gets it only if its secrets may go there.
	isCredential bool
}

// ownHeaders are made from the body and the connection; what a page puts there
// is left out, because collections carry them along from earlier answers.
var ownHeaders = []string{"Accept-Encoding", "Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding"}

// refusedHeaders would turn the exchange into something else than a request to
// a server and its answer.
var refusedHeaders = []string{"Proxy-Authorization", "Upgrade"}

var credentialHeaders = []string{"Authorization", "Cookie", "Cookie2"}

// message builds what is sent from the resolved texts.
func (d *draft) message(r *vault.Resolved) (*message, error) {
	d.fill(r)
	m := &message{}
	var err error
	if m.method, err = methodOf(d.method); err != nil {
		return nil, err
	}
	user := r.URL.User
	if m.url, m.to, err = address(r.URL); err != nil {
		return nil, err
	}
	if m.body, err = d.body(); err != nil {
		return nil, err
	}
	if err := m.addHeaders(d.headers, len(r.Used) > 0); err != nil {
		return nil, err
	}
	if user != nil && !m.has("Authorization") {
		if err := m.addUser(user, r.Used); err != nil {
			return nil, err
		}
	}
	if err := d.auth(m); err != nil {
		return nil, err
	}
	return m, m.addDefaults()
}

// addUser sends the user of an address as browsers do. A value that its decoding
// changed is not found, and the credential then counts as one without secrets,
// which no other origin gets.
func (m *message) addUser(user *url.Userinfo, used []vault.Used) error {
	password, _ := user.Password()
	var held holds
	for i := range used {
		if strings.Contains(user.Username()+":"+password, string(used[i].Value)) {
			held = append(held, &used[i])
		}
	}
	return m.setBasic(user.Username(), password, held)
}

// address gives the URL with its host spelled as it was checked, so that what is
// dialled is what was allowed. The user is taken out, and kept off every report.
func address(u *url.URL) (*url.URL, vault.Destination, error) {
	to, err := vault.DestinationOf(u)
	if err == nil && (u.Scheme != to.Scheme || u.Opaque != "") {
		err = invalid("the address must begin with http:// or https://")
	}
	if err != nil {
		return nil, to, err
	}
	clean := *u
	clean.User, clean.Fragment, clean.RawFragment = nil, "", ""
	clean.Host = strings.TrimPrefix(to.String(), to.Scheme+"://")
	return &clean, to, nil
}

func methodOf(t *text) (string, error) {
	switch upper := strings.ToUpper(t.value); {
	case len(t.holds) > 0:
		return "", invalid("a secret cannot be the method of a request")
	case t.value == "":
		return http.MethodGet, nil
	case upper == http.MethodConnect:
		return "", invalid("a request cannot have the method CONNECT")
	case !httpguts.ValidHeaderFieldName(t.value):
		return "", invalid("the method of the request is not one word")
	case slices.Contains([]string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}, upper):
		return upper, nil
	}
	return t.value, nil
}

func (m *message) addHeaders(headers []draftField, hasSecret bool) error {
	for _, h := range headers {
		f := field{key: h.key.value, value: h.value.value, holds: h.key.holds.with(h.value.holds)}
		key := http.CanonicalHeaderKey(f.key)
		switch {
		case slices.Contains(refusedHeaders, key):
			return invalid("the header %q cannot be sent", key)
		case slices.Contains(ownHeaders, key), key == "Content-Type" && m.body.isOwnType:
			continue
		case key == "Host":
			if err := m.setHost(f.value, hasSecret); err != nil {
				return err
			}
			continue
		}
		f.isCredential = slices.Contains(credentialHeaders, key)
		if err := m.add(f); err != nil {
			return err
		}
	}
	return nil
}

// setHost takes a Host header. One that names another host than the address may
// lead a shared server to somebody else's site, which no allowed domain covers.
func (m *message) setHost(host string, hasSecret bool) error {
	to, err := vault.DestinationOf(&url.URL{Scheme: m.to.Scheme, Host: host})
	switch {
	case err != nil:
		return invalid("the header %q does not hold a host", "Host")
	case to == m.to:
		return nil
	case hasSecret:
		return invalid("a request that uses a secret cannot name another host in the header %q than in its address", "Host")
	}
	m.host = strings.TrimPrefix(to.String(), to.Scheme+"://")
	return nil
}

func (m *message) addDefaults() error {
	defaults := []field{{key: "Accept", value: "*/*"}, {key: "User-Agent", value: "Postern"}}
	if len(m.body.data) > 0 {
		defaults = append(defaults, field{key: "Content-Type", value: m.body.contentType})
	}
	for _, f := range defaults {
		if m.has(f.key) {
			continue
		}
		if err := m.add(f); err != nil {
			return err
		}
	}
	return m.set(field{key: "Accept-Encoding", value: "gzip, deflate"})
}

func (m *message) add(f field) error {
	switch {
	case !httpguts.ValidHeaderFieldName(f.key) && len(f.holds) > 0:
		return invalid("a header's name holds a character that no header may have")
	case !httpguts.ValidHeaderFieldName(f.key):
		return invalid("the header %q has a character in its name that no header may have", f.key)
	case !httpguts.ValidHeaderFieldValue(f.value):
		return invalid("the header %q holds a line break or another control character", f.key)
	}
	m.fields = append(m.fields, f)
	return nil
}

// isReserved says whether a header is not the page's to set as it likes.
func isReserved(key string) bool {
	key = http.CanonicalHeaderKey(key)
	return key == "Host" || slices.Contains(ownHeaders, key) || slices.Contains(refusedHeaders, key)
}

// set adds a header in place of those of the same name.
func (m *message) set(f field) error {
	m.remove(f.key)
	return m.add(f)
}

func (m *message) remove(key string) {
	m.fields = slices.DeleteFunc(m.fields, func(f field) bool { return strings.EqualFold(f.key, key) })
}

func (m *message) has(key string) bool {
	return slices.ContainsFunc(m.fields, func(f field) bool { return strings.EqualFold(f.key, key) })
}

func (m *message) addQuery(key, value string) {
	if m.url.RawQuery != "" {
		m.url.RawQuery += "&"
	}
	m.url.RawQuery += url.QueryEscape(key) + "=" + url.QueryEscape(value)
}

func (m *message) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, m.method, "", bytes.NewReader(m.body.data))
	if err != nil {
		return nil, invalid("the method of the request is not one word")
	}
	// Set and not parsed once more: what was checked is what is sent.
	req.URL, req.Host = m.url, m.url.Host
	for _, f := range m.fields {
		req.Header.Add(f.key, f.value)
	}
	if m.host != "" {
		req.Host = m.host
	}
	return req, nil
}
