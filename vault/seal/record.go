package seal

import (
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// Types of record. The type is part of a record's id, so two types never share
// a name by accident.
const (
	TypeSecret  byte = 1
	TypeGrant   byte = 2
	TypeLink    byte = 3
	TypeGuided  byte = 4
	TypeSetting byte = 5
)

// Record is the plaintext of a record box: everything about a secret (or
// whatever Type says) but its value, which has a box of its own.
//
//	type 1 | created 8 | updated 8 | value revision 8 | name 2+n | body 3+n
//
// Numbers are big-endian, times are Unix milliseconds, lengths stand before
// their bytes.
type Record struct {
	Type    byte
	Created time.Time
	Updated time.Time
	// ValueRevision is the revision of the value box; 0 means there is none.
	ValueRevision uint64
	Name          string
	Body          []byte
}

// Encode returns the plaintext of the record.
func (r Record) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddUint8(r.Type)
	b.AddUint64(uint64(r.Created.UnixMilli()))
	b.AddUint64(uint64(r.Updated.UnixMilli()))
	b.AddUint64(r.ValueRevision)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(r.Name)) })
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(r.Body) })
	return b.Bytes()
}

// DecodeRecord is the inverse of Encode; the error is ErrDamaged.
func DecodeRecord(plaintext []byte) (Record, error) {
	s := cryptobyte.String(plaintext)
	var r Record
	var created, updated uint64
	var name, body cryptobyte.String
	if !s.ReadUint8(&r.Type) || !s.ReadUint64(&created) || !s.ReadUint64(&updated) ||
		!s.ReadUint64(&r.ValueRevision) || !s.ReadUint16LengthPrefixed(&name) ||
		!s.ReadUint24LengthPrefixed(&body) || !s.Empty() {
		return Record{}, ErrDamaged
	}
	r.Created, r.Updated = time.UnixMilli(int64(created)).UTC(), time.UnixMilli(int64(updated)).UTC()
	r.Name, r.Body = string(name), body
	return r, nil
}

// SecretBody is the body of a record of TypeSecret.
//
//	kind 1 | enabled 1 | domains 3+(2+n)* | extra 3+n
type SecretBody struct {
	Kind    byte
	Enabled bool
	Domains []string
	// Extra belongs to the kind: empty for a plain secret.
	Extra []byte
}

// Encode returns the bytes of the body.
func (s SecretBody) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddUint8(s.Kind)
	if s.Enabled {
		b.AddUint8(1)
	} else {
		b.AddUint8(0)
	}
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, domain := range s.Domains {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(domain)) })
		}
	})
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(s.Extra) })
	return b.Bytes()
}

// DecodeSecretBody is the inverse of Encode; the error is ErrDamaged.
func DecodeSecretBody(body []byte) (SecretBody, error) {
	s := cryptobyte.String(body)
	var out SecretBody
	var enabled uint8
	var domains, extra cryptobyte.String
	if !s.ReadUint8(&out.Kind) || !s.ReadUint8(&enabled) || enabled > 1 ||
		!s.ReadUint24LengthPrefixed(&domains) || !s.ReadUint24LengthPrefixed(&extra) || !s.Empty() {
		return SecretBody{}, ErrDamaged
	}
	out.Enabled = enabled == 1
	for !domains.Empty() {
		var domain cryptobyte.String
		if !domains.ReadUint16LengthPrefixed(&domain) {
			return SecretBody{}, ErrDamaged
		}
		out.Domains = append(out.Domains, string(domain))
	}
	out.Extra = extra
	return out, nil
}
