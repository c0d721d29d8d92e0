package seal

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"strings"
)

// VaultKey is the 256-bit key that opens a vault. It prints as [masked]; Text is
// the one way to show it.
type VaultKey struct{ bytes [KeySize]byte }

// NewVaultKey returns a random vault key.
func NewVaultKey() *VaultKey {
	return &VaultKey{bytes: [KeySize]byte(random(KeySize))}
}

const (
	keyPrefix    = "PVK1"
	checksumSize = 3
	groupSize    = 7
)

// crockford is Douglas Crockford's base32: no I, L, O or U.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// Text gives the key as its owner keeps it: PVK1 and eight groups of seven
// characters of Crockford base32, over 32 bytes of key and 3 of checksum.
func (k *VaultKey) Text() string {
	payload := append(k.bytes[:len(k.bytes):len(k.bytes)], keyChecksum(k.bytes[:])...)
	defer clear(payload)
	digits := crockford.EncodeToString(payload)
	var text strings.Builder
	text.WriteString(keyPrefix)
	for i := 0; i < len(digits); i += groupSize {
		text.WriteByte('-')
		text.WriteString(digits[i : i+groupSize])
	}
	return text.String()
}

// ParseKey reads key text as a person types it: any case, spaces or hyphens
// anywhere, O for 0, I and L for 1. The error is ErrMistypedKey.
func ParseKey(text string) (*VaultKey, error) {
	digits := []byte(strings.ToUpper(text))
	digits = bytes.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '\t', '\r', '\n':
			return -1
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		return r
	}, digits)
	defer clear(digits)
	rest, found := bytes.CutPrefix(digits, []byte(keyPrefix))
	if !found || len(rest) != crockford.EncodedLen(KeySize+checksumSize) {
		return nil, ErrMistypedKey
	}
	payload := make([]byte, crockford.DecodedLen(len(rest)))
	defer clear(payload)
	n, err := crockford.Decode(payload, rest)
	if err != nil || n != KeySize+checksumSize {
		return nil, ErrMistypedKey
	}
	if subtle.ConstantTimeCompare(keyChecksum(payload[:KeySize]), payload[KeySize:n]) != 1 {
		return nil, ErrMistypedKey
	}
	return &VaultKey{bytes: [KeySize]byte(payload[:KeySize])}, nil
}

// Wipe overwrites the key.
func (k *VaultKey) Wipe() { clear(k.bytes[:]) }

// String hides the key from every log and error.
func (k *VaultKey) String() string { return "[masked]" }

// GoString hides the key from %#v.
func (k *VaultKey) GoString() string { return "[masked]" }

func keyChecksum(key []byte) []byte {
	const label = "postern/v1/key text"
	var text [len(label) + KeySize]byte
	defer clear(text[:])
	copy(text[copy(text[:], label):], key)
	sum := sha256.Sum256(text[:])
	return sum[:checksumSize]
}
