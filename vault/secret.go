package vault

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"postern/vault/seal"
)

// Limits of a secret.
const (
	MaxName  = 255
	MaxValue = 64 << 10

	maxDomains = 100
)

// Kind says where the value of a secret comes from.
type Kind string

// The kinds of secret.
const (
	KindPlain  Kind = "plain"
	KindGuided Kind = "guided"
	KindLinked Kind = "linked"
)

var kinds = []Kind{1: KindPlain, 2: KindGuided, 3: KindLinked}

// Secret is what may be shown of a secret: everything but its value.
type Secret struct {
	Name    string    `json:"name"`
	Kind    Kind      `json:"kind"`
	Enabled bool      `json:"enabled"`
	Domains []string  `json:"domains"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

// Edit says what to change of a secret; nil leaves a thing as it is. A new
// secret needs a value, is enabled, and may go to any domain.
type Edit struct {
	Value   []byte
	Domains *[]string
	Enabled *bool
}

func secretOf(record seal.Record) (Secret, error) {
	body, err := seal.DecodeSecretBody(record.Body)
	if err != nil {
		return Secret{}, err
	}
	if body.Kind == 0 || int(body.Kind) >= len(kinds) {
		return Secret{}, ErrDamaged
	}
	domains := body.Domains
	if domains == nil {
		domains = []string{}
	}
	return Secret{
		Name: record.Name, Kind: kinds[body.Kind], Enabled: body.Enabled,
		Domains: domains, Created: record.Created, Updated: record.Updated,
	}, nil
}

func recordOf(s Secret, valueRevision uint64) (seal.Record, error) {
	body, err := seal.SecretBody{
		Kind: byte(slices.Index(kinds, s.Kind)), Enabled: s.Enabled, Domains: s.Domains,
	}.Encode()
	return seal.Record{
		Type: seal.TypeSecret, Created: s.Created, Updated: s.Updated,
		ValueRevision: valueRevision, Name: s.Name, Body: body,
	}, err
}

// CanonicalName checks a secret's name and returns it trimmed and in Unicode
// normalisation form C.
func CanonicalName(name string) (string, error) {
	if !utf8.ValidString(name) {
		return "", invalid("a secret's name must be UTF-8 text")
	}
	name = norm.NFC.String(strings.TrimSpace(name))
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "", invalid("a secret needs a name")
	case n > MaxName:
		return "", &InvalidError{Reason: "a secret's name can have at most 255 characters", TooLarge: true}
	}
	for _, r := range name {
		switch {
		case r == '{' || r == '}':
			return "", invalid("a secret's name cannot have braces: they end a reference")
		case r == ':':
			return "", invalid("a secret's name cannot have a colon: it parts a Guided Auth suffix")
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return "", invalid("a secret's name cannot have control characters")
		case isDeceptive(r):
			return "", invalid("a secret's name cannot have characters that are unseen or turn the reading direction")
		}
	}
	return name, nil
}

// isDeceptive tells the characters that make one name look like another where a
// person is asked about it. The joiners that Indic and Persian words and emoji
// need are none of them.
func isDeceptive(r rune) bool {
	switch {
	case r == '\u200b', r == '\u200e', r == '\u200f', r == '\u061c', r == '\u2060', r == '\ufeff', r == '\u00ad':
		return true
	}
	return '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

func checkValue(value []byte) error {
	if value != nil && len(value) == 0 {
		return invalid("a secret's value cannot be empty")
	}
	if len(value) > MaxValue {
		return &InvalidError{Reason: "a secret's value can have at most 64 KiB", TooLarge: true}
	}
	if !utf8.Valid(value) {
		return invalid("a secret's value must be UTF-8 text")
	}
	return nil
}

// Set adds a secret or changes one, and returns what it is now. The value stays
// the caller's to wipe.
func (v *Vault) Set(_ context.Context, name string, edit Edit) (Secret, error) {
	name, err := CanonicalName(name)
	if err != nil {
		return Secret{}, err
	}
	if err := checkValue(edit.Value); err != nil {
		return Secret{}, err
	}
	var domains []string
	if edit.Domains != nil {
		if domains, err = canonicalDomains(*edit.Domains); err != nil {
			return Secret{}, err
		}
	}
	var saved Secret
	err = v.update(func(w *writer) error {
		secret, revision, err := w.secretOrNew(name, edit.Value != nil)
		if err != nil {
			return err
		}
		if edit.Domains != nil {
			secret.Domains = append([]string{}, domains...)
		}
		if edit.Enabled != nil {
			secret.Enabled = *edit.Enabled
		}
		secret.Created, secret.Updated = stamp(secret.Created)
		saved = secret
		return w.putSecret(secret, revision, edit.Value)
	})
	if err == nil {
		v.changed(true)
	}
	return saved, err
}

// secretOrNew reads a secret, or, when there is none and a value comes with it,
// begins one.
func (w *writer) secretOrNew(name string, hasValue bool) (Secret, uint64, error) {
	secret, revision, err := w.secret(w.keys.RecordID(seal.TypeSecret, name))
	switch {
	case err == ErrNotFound && hasValue:
		return Secret{Name: name, Kind: KindPlain, Enabled: true, Domains: []string{}}, 0, nil
	case err == ErrNotFound:
		return Secret{}, 0, invalid("the new secret %q needs a value", name)
	}
	return secret, revision, err
}

// putSecret seals a secret, and its value unless that is nil.
func (w *writer) putSecret(secret Secret, valueRevision uint64, value []byte) error {
	record, err := recordOf(secret, valueRevision)
	if err != nil {
		return err
	}
	if valueRevision, err = w.put(record, value); err != nil {
		return err
	}
	id := w.keys.RecordID(seal.TypeSecret, secret.Name)
	w.after = append(w.after, func(x *index) { x.add(newEntry(id, secret, valueRevision)) })
	return nil
}

// secret reads a secret and the revision of its value inside the transaction.
func (w *writer) secret(id seal.ID) (Secret, uint64, error) {
	record, err := record(w.keys, w.tx, id)
	if err != nil {
		return Secret{}, 0, err
	}
	secret, err := secretOf(record)
	return secret, record.ValueRevision, err
}

// Rename gives a secret another name. References to the old name become empty.
func (v *Vault) Rename(_ context.Context, from, to string) error {
	from, err := CanonicalName(from)
	if err != nil {
		return err
	}
	if to, err = CanonicalName(to); err != nil {
		return err
	}
	err = v.update(func(w *writer) error {
		oldID, newID := w.keys.RecordID(seal.TypeSecret, from), w.keys.RecordID(seal.TypeSecret, to)
		secret, revision, err := w.secret(oldID)
		if err != nil {
			return err
		}
		if _, _, err := w.secret(newID); err != ErrNotFound {
			return cmp.Or(err, ErrExists)
		}
		value, err := openValue(w.keys, w.tx, oldID, revision)
		if err != nil {
			return err
		}
		defer clear(value)
		if err := w.remove(oldID); err != nil {
			return err
		}
		w.after = append(w.after, func(x *index) { x.drop(from) })
		secret.Name = to
		_, secret.Updated = stamp(secret.Created)
		return w.putSecret(secret, 0, value)
	})
	if err == nil {
		v.changed(true)
	}
	return err
}

// Delete deletes secrets, all of them or, when one is missing, none.
func (v *Vault) Delete(_ context.Context, names ...string) error {
	err := v.update(func(w *writer) error {
		for _, name := range names {
			name, err := CanonicalName(name)
			if err != nil {
				return err
			}
			id := w.keys.RecordID(seal.TypeSecret, name)
			if _, _, err := w.secret(id); err != nil {
				return err
			}
			if err := w.remove(id); err != nil {
				return err
			}
			w.after = append(w.after, func(x *index) { x.drop(name) })
		}
		return nil
	})
	if err == nil {
		v.changed(true)
	}
	return err
}

// Query selects secrets. Filter is a part of the name in any case; Sort is
// "name", "-name", "updated" or "-updated", by name when empty; Limit 0 means all.
type Query struct {
	Filter string
	Sort   string
	Offset int
	Limit  int
}

// List returns the selected secrets and how many there are without Offset and Limit.
func (v *Vault) List(_ context.Context, q Query) (page []Secret, total int, err error) {
	if q.Offset < 0 || q.Limit < 0 {
		return nil, 0, invalid("offset and limit cannot be negative")
	}
	page = []Secret{}
	err = v.withOpen(func(o *opened) error {
		selected, err := o.secrets.query(q)
		if err != nil {
			return err
		}
		total = len(selected)
		selected = selected[min(q.Offset, total):]
		if q.Limit > 0 {
			selected = selected[:min(q.Limit, len(selected))]
		}
		page = slices.Grow(page, len(selected))
		for _, s := range selected {
			page = append(page, s.Secret)
		}
		return nil
	})
	return page, total, err
}

// alphabet of generated values: letters and digits without the look-alikes.
const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"

// Generate sets the secret to a random value of length characters (0 means 32)
// that nobody has seen.
func (v *Vault) Generate(ctx context.Context, name string, length int, edit Edit) (Secret, error) {
	if length == 0 {
		length = 32
	}
	if length < 8 || length > 1024 {
		return Secret{}, invalid("a generated value has 8 to 1024 characters")
	}
	edit.Value = randomText(length)
	defer clear(edit.Value)
	return v.Set(ctx, name, edit)
}

// randomText draws each character with the same chance: bytes above the greatest
// multiple of the alphabet are drawn again.
func randomText(length int) []byte {
	text := make([]byte, 0, length)
	var draw [64]byte
	defer clear(draw[:])
	for {
		rand.Read(draw[:])
		for _, b := range draw {
			if len(text) == length {
				return text
			}
			if int(b) < 256/len(alphabet)*len(alphabet) {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
}

// Reveal returns a secret's value, for the owner's eyes. The result is the
// caller's to wipe. Whether somebody may see it is decided before.
func (v *Vault) Reveal(_ context.Context, name string) (value []byte, err error) {
	if name, err = CanonicalName(name); err != nil {
		return nil, err
	}
	err = v.withOpen(func(o *opened) error {
		secret := o.secrets.byName[name]
		if secret == nil {
			return ErrNotFound
		}
		value, err = o.value(secret.id, secret.value)
		return err
	})
	return value, err
}
