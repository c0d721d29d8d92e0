package relay

import (
	"encoding/base64"
	"slices"
	"strings"

	"postern/vault"
)

// A request becomes what is sent in two steps. The draft collects every text that
// may hold a reference; once all of them are resolved together, its closures
// build headers and body from the resolved texts. So each value is encoded for
// the place where it stands, and it stays known which value stands where.

// text is one text of a request, and after resolution the secrets in it.
type text struct {
	value string
	holds holds
}

// holds are the secrets that stand in something that is to be sent.
type holds []*vault.Used

func (h holds) with(more holds) holds {
	for _, u := range more {
		if !slices.Contains(h, u) {
			h = append(slices.Clip(h), u)
		}
	}
	return h
}

// mayFollow says whether each of the secrets may go there.
func (h holds) mayFollow(to vault.Destination) bool {
	return !slices.ContainsFunc(h, func(u *vault.Used) bool { return !u.MayFollow(to) })
}

type draft struct {
	address string
	texts   []*text
	method  *text
	headers []draftField
	auth    func(*message) error
	body    func() (payload, error)
}

type draftField struct{ key, value *text }

// Template gives the texts of the request, as they are checked and resolved:
// those that are switched off are left out.
func (r Request) Template() (vault.Template, error) {
	d, err := newDraft(r)
	if err != nil {
		return vault.Template{}, err
	}
	return d.template(), nil
}

func newDraft(r Request) (*draft, error) {
	if r.unsupported != "" {
		return nil, invalid("the request brings %s, which is not supported", r.unsupported)
	}
	address, err := r.URL.template()
	if err != nil {
		return nil, err
	}
	d := &draft{address: address}
	d.method = d.add(r.Method)
	for _, f := range r.Header {
		if !f.Disabled && f.Key != "" {
			d.headers = append(d.headers, draftField{d.add(f.Key), d.add(f.Value)})
		}
	}
	if d.body, err = d.draftBody(r.Body); err != nil {
		return nil, err
	}
	d.auth, err = d.draftAuth(r.Auth)
	return d, err
}

func (d *draft) add(s string) *text {
	t := &text{value: s}
	d.texts = append(d.texts, t)
	return t
}

func (d *draft) template() vault.Template {
	t := vault.Template{URL: d.address}
	for _, text := range d.texts {
		t.Texts = append(t.Texts, text.value)
	}
	return t
}

// fill puts the resolved texts back. That a text holds a value, the vault says;
// which ones, is read off the text itself, and one too many does no harm.
func (d *draft) fill(r *vault.Resolved) {
	for i, t := range d.texts {
		t.value, t.holds = r.Texts[i], nil
		if !r.HasSecret[i] {
			continue
		}
		for j := range r.Used {
			if strings.Contains(t.value, string(r.Used[j].Value)) {
				t.holds = append(t.holds, &r.Used[j])
			}
		}
	}
}

// authHelpers are the supported auth helpers by type.
var authHelpers = map[string]func(*draft, func(name string) *text) func(*message) error{
	"noauth": noAuth,
	"basic":  basicAuth,
	"bearer": bearerAuth,
	"apikey": apiKeyAuth,
}

func (d *draft) draftAuth(a *Auth) (func(*message) error, error) {
	if a == nil {
		return noAuth(d, nil), nil
	}
	helper := authHelpers[a.Type]
	if helper == nil {
		return nil, invalid("auth of type %q is not supported", a.Type)
	}
	return helper(d, func(name string) *text {
		for _, attribute := range a.Attributes {
			if attribute.Key == name {
				return d.add(string(attribute.Value))
			}
		}
		return d.add("")
	}), nil
}

func noAuth(*draft, func(string) *text) func(*message) error {
	return func(*message) error { return nil }
}

func basicAuth(_ *draft, attribute func(string) *text) func(*message) error {
	user, password := attribute("username"), attribute("password")
	return func(m *message) error {
		return m.setBasic(user.value, password.value, user.holds.with(password.holds))
	}
}

func (m *message) setBasic(user, password string, holds holds) error {
	credential := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	m.derived = append(m.derived, credential)
	return m.set(field{key: "Authorization", value: "Basic " + credential, holds: holds, isCredential: true})
}

func bearerAuth(_ *draft, attribute func(string) *text) func(*message) error {
	token := attribute("token")
	return func(m *message) error {
		if token.value == "" {
			return nil
		}
		return m.set(field{key: "Authorization", value: "Bearer " + token.value, holds: token.holds, isCredential: true})
	}
}

func apiKeyAuth(_ *draft, attribute func(string) *text) func(*message) error {
	key, value, in := attribute("key"), attribute("value"), attribute("in")
	return func(m *message) error {
		switch {
		case key.value == "":
			return nil
		case in.value == "query":
			m.addQuery(key.value, value.value)
			return nil
		case in.value != "header" && in.value != "":
			return invalid("an API key stands in the header or in the query")
		case isReserved(key.value):
			return invalid("an API key cannot stand in a header that the connection needs for itself")
		}
		return m.set(field{key: key.value, value: value.value, holds: key.holds.with(value.holds), isCredential: true})
	}
}
