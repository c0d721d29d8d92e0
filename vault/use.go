package vault

import (
	"context"
	"net/url"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// Visibility of a workspace, as the app states it.
type Visibility string

// The visibilities of a workspace. A public one is written by strangers.
const (
	VisibilityPersonal Visibility = "personal"
	VisibilityPrivate  Visibility = "private"
	VisibilityTeam     Visibility = "team"
	VisibilityPartner  Visibility = "partner"
	VisibilityPublic   Visibility = "public"
)

// Workspace is what an app says its user is working in.
type Workspace struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Visibility Visibility `json:"visibility"`
}

// Check fails unless the workspace has an id and a known visibility.
func (w Workspace) Check() error {
	known := []Visibility{VisibilityPersonal, VisibilityPrivate, VisibilityTeam, VisibilityPartner, VisibilityPublic}
	switch {
	case w.ID == "":
		return invalid("a workspace needs an id")
	case !slices.Contains(known, w.Visibility):
		return invalid("a workspace is personal, private, team, partner or public")
	}
	return nil
}

// Purpose says who wants to use a secret and in what.
type Purpose struct {
	// App is the origin of the app; empty is the owner.
	App       string
	Workspace Workspace
}

// Template is a request before its references are replaced: the URL decides
// where values may go, and each other text may hold references too.
type Template struct {
	URL   string
	Texts []string
}

// Resolved is a request with the values in it. It is wiped, as far as strings
// can be, by letting it go; nothing of it may be stored or logged.
type Resolved struct {
	URL   *url.URL
	Texts []string
	// HasSecret says for each text whether a value stands in it.
	HasSecret []bool
	Used      []Used
}

// Used is one secret whose value stands in a resolved request.
type Used struct {
	Name    string
	Value   []byte
	domains []string
	// home is where the request first goes: the only place for a secret
	// without allowed domains.
	home Destination
}

// MayFollow says whether the secret may go where a redirect leads: to a domain
// that it names, or, when it names none, to where the request went first.
func (u Used) MayFollow(to Destination) bool {
	if len(u.domains) == 0 {
		return u.home == to
	}
	return domainsAllow(u.domains, to)
}

// Resolve replaces variables and references in a template and is, beside Reveal,
// the only way that values leave the vault. It gives all values or none: the
// error is an UnresolvedError that names each reference that did not resolve and
// why, unless allowUnresolved lets those stand as literal text. A domain that
// forbids is never overruled, and an app gets values only for an address.
func (v *Vault) Resolve(ctx context.Context, t Template, scopes []Scope, p Purpose, allowUnresolved bool) (*Resolved, error) {
	if t.URL == "" && p.App != "" {
		return nil, invalid("a request needs an address")
	}
	r, err := parseTemplate(t, scopes)
	if err != nil {
		return nil, err
	}
	if len(r.names) == 0 {
		return r.finish()
	}
	var out *Resolved
	err = v.withOpen(func(o *opened) error {
		if err := o.db.View(func(tx *bolt.Tx) error { return r.decide(o, tx, p) }); err != nil {
			return err
		}
		if bad := r.unresolved(allowUnresolved); len(bad) > 0 {
			return &UnresolvedError{References: bad}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		out, err = r.finish()
		return err
	})
	if err != nil {
		r.wipe()
		return nil, err
	}
	return out, nil
}

// Check tells what would become of each reference, by the same decisions, and
// without giving a value. An empty URL leaves the domains aside.
func (v *Vault) Check(_ context.Context, t Template, scopes []Scope, p Purpose) ([]Reference, error) {
	r, err := parseTemplate(t, scopes)
	if err != nil {
		return nil, err
	}
	err = v.withOpen(func(o *opened) error {
		defer r.wipe()
		return o.db.View(func(tx *bolt.Tx) error { return r.decide(o, tx, p) })
	})
	references := []Reference{}
	for _, name := range r.names {
		switch {
		case err == ErrLocked:
			references = append(references, Reference{Name: name, State: StateUnresolved, Cause: CauseLocked, Fix: "Unlock the vault."})
		case err == ErrNoVault:
			references = append(references, Reference{Name: name, State: StateEmpty, Cause: CauseNotFound, Fix: "Create the vault, then add this secret."})
		case err != nil:
			return nil, err
		default:
			references = append(references, r.found[name].reference)
		}
	}
	return references, nil
}

// resolution is one template on its way: texts in pieces, the names in them in
// the order in which they first appear, and what was decided about each. The
// first text is the URL.
type resolution struct {
	texts   [][]piece
	names   []string
	checkTo bool
	found   map[string]*finding
}

type finding struct {
	reference Reference
	value     []byte
	domains   []string
	home      Destination
	inHost    bool
}

func parseTemplate(t Template, scopes []Scope) (*resolution, error) {
	r := &resolution{found: map[string]*finding{}, checkTo: t.URL != ""}
	seen := map[string]bool{}
	for i, text := range append([]string{t.URL}, t.Texts...) {
		pieces, err := expandVariables(text, scopes)
		if err != nil {
			return nil, err
		}
		if i == 0 && r.checkTo {
			pieces = withScheme(pieces)
		}
		length := 0
		for _, p := range pieces {
			length += len(p.text)
			if p.isReference && !seen[p.name] {
				seen[p.name] = true
				r.names = append(r.names, p.name)
			}
		}
		if i == 0 && length > maxURL {
			return nil, &InvalidError{Reason: "the address of the request is too long", TooLarge: true}
		}
		r.texts = append(r.texts, pieces)
	}
	if len(r.names) > maxNames {
		return nil, &InvalidError{Reason: "a request can have references to at most 1000 secrets", TooLarge: true}
	}
	return r, nil
}

// wipe overwrites the values.
func (r *resolution) wipe() {
	for _, f := range r.found {
		clear(f.value)
	}
}

// withScheme puts http:// before an address that begins with a host, as curl and
// API clients do.
func withScheme(pieces []piece) []piece {
	if len(pieces) == 0 || pieces[0].isReference {
		return pieces
	}
	before, _, found := strings.Cut(pieces[0].text, "://")
	if found && !strings.ContainsAny(before, "/?#") {
		return pieces
	}
	return append([]piece{{text: "http://"}}, pieces...)
}

// decide looks each name up, then decides about all of them by the final URL,
// and keeps the value only of those that may be used.
func (r *resolution) decide(o *opened, tx *bolt.Tx, p Purpose) error {
	for _, name := range r.names {
		f, err := lookUp(o, tx, name)
		if err != nil {
			return err
		}
		r.found[name] = f
	}
	var to Destination
	var destinationError error
	shown := ""
	if r.checkTo {
		to, destinationError = r.destination()
		shown = r.shown(to)
	}
	for _, f := range r.found {
		if f.value == nil {
			continue
		}
		if f.home = to; destinationError != nil {
			f.refuse(CauseDomain, "Correct the address of the request.")
		} else {
			f.decide(to, shown, p)
		}
	}
	return nil
}

func lookUp(o *opened, tx *bolt.Tx, name string) (*finding, error) {
	f := &finding{reference: Reference{Name: name, State: StateResolved}}
	canonical, err := CanonicalName(name)
	if err != nil {
		f.reference.State, f.reference.Cause, f.reference.Fix = StateEmpty, CauseNotFound, "Write a name that a secret can have."
		return f, nil
	}
	secret := o.secrets.byName[canonical]
	switch {
	case secret == nil:
		f.reference.State, f.reference.Cause, f.reference.Fix = StateEmpty, CauseNotFound, "Add this secret to the vault, or correct the name."
		return f, nil
	case !secret.Enabled:
		f.refuse(CauseDisabled, "Enable the secret in the vault.")
		return f, nil
	}
	f.domains = secret.Domains
	f.value, err = openValue(o.keys, tx, secret.id, secret.value)
	return f, err
}

// shown names the destination in an answer. A value in the host part must not be
// told that way.
func (r *resolution) shown(to Destination) string {
	for _, f := range r.found {
		if f.inHost {
			return "the host of this request"
		}
	}
	return to.String()
}

// decide is the one decision about a secret that exists and is enabled; shown is
// empty when there is no destination to check.
func (f *finding) decide(to Destination, shown string, p Purpose) {
	switch {
	case shown != "" && !domainsAllow(f.domains, to):
		f.refuse(CauseDomain, "Add "+shown+" to the allowed domains of the secret.")
	case f.inHost && len(f.domains) == 0:
		f.refuse(CauseDomain, "A secret in the host part needs allowed domains that name the host.")
	case p.Workspace.Visibility == VisibilityPublic:
		f.refuse(CauseNeedsGrant, "Allow this secret for the public workspace first.")
	}
}

func (f *finding) refuse(cause, fix string) {
	clear(f.value)
	f.value = nil
	f.reference.State, f.reference.Cause, f.reference.Fix = StateUnresolved, cause, fix
}

// destination builds the final URL inside the vault, tells where it goes, and
// marks every secret that had a hand in scheme, user-info, host or port.
func (r *resolution) destination() (Destination, error) {
	u, err := r.buildURL()
	if err != nil {
		return Destination{}, err
	}
	return DestinationOf(u)
}

func (r *resolution) buildURL() (*url.URL, error) {
	var raw strings.Builder
	afterAuthority := false
	for _, p := range r.texts[0] {
		text := p.text
		if f := r.found[p.name]; p.isReference && f != nil && f.value != nil {
			text = string(f.value)
			f.inHost = f.inHost || !afterAuthority
			if afterAuthority {
				text = escapeInURL(text)
			}
		}
		raw.WriteString(text)
		afterAuthority = afterAuthority || authorityEnds(raw.String())
	}
	u, err := url.Parse(escapeLoose(raw.String()))
	if err != nil || u.Host == "" || u.Opaque != "" {
		return nil, invalid("the address of the request is not a URL")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

func authorityEnds(raw string) bool {
	_, rest, found := strings.Cut(raw, "://")
	return found && strings.ContainsAny(rest, "/?#")
}

const upperHex = "0123456789ABCDEF"

// escapeInURL percent-encodes a value behind the host, so that it arrives as it
// is and cannot add a parameter, a fragment or a host. Slashes stay: a value may
// be a path of several parts.
func escapeInURL(value string) string {
	return escapeBytes(value, func(c byte) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~!$'()*,;:@/=", c) >= 0
	})
}

// escapeLoose encodes what people type into an address and a URL cannot hold.
func escapeLoose(raw string) string {
	return escapeBytes(raw, func(c byte) bool { return c > ' ' && c < 0x7f && strings.IndexByte("\"<>`", c) < 0 })
}

func escapeBytes(s string, keep func(byte) bool) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; keep(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
		}
	}
	return b.String()
}

// unresolved lists what keeps the request from being sent.
func (r *resolution) unresolved(allowLiteral bool) []Reference {
	var bad []Reference
	for _, name := range r.names {
		ref := r.found[name].reference
		literal := allowLiteral && (ref.Cause == CauseNotFound || ref.Cause == CauseDisabled)
		if ref.State != StateResolved && !literal {
			bad = append(bad, ref)
		}
	}
	return bad
}

// finish puts the texts together.
func (r *resolution) finish() (out *Resolved, err error) {
	out = &Resolved{}
	if r.checkTo {
		if out.URL, err = r.buildURL(); err != nil {
			return nil, err
		}
		if _, err := DestinationOf(out.URL); err != nil {
			return nil, err
		}
	}
	for _, pieces := range r.texts[1:] {
		var text strings.Builder
		hasSecret := false
		for _, p := range pieces {
			if f := r.found[p.name]; p.isReference && f != nil && f.value != nil {
				text.Write(f.value)
				hasSecret = true
			} else {
				text.WriteString(p.text)
			}
		}
		out.Texts = append(out.Texts, text.String())
		out.HasSecret = append(out.HasSecret, hasSecret)
	}
	for _, name := range r.names {
		if f := r.found[name]; f != nil && f.value != nil {
			out.Used = append(out.Used, Used{Name: name, Value: f.value, domains: f.domains, home: f.home})
		}
	}
	return out, nil
}
