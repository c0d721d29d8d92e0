package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
)

// Header opens every vault file and never changes after creation.
//
//	magic 8 | format 2 | least reader 2 | vault id 16 | checksum 8
type Header struct {
	Format uint16
	// LeastReader is the oldest format version whose reader understands the file.
	LeastReader uint16
	Vault       VaultID
}

// Format is the version that this package writes, and the newest that it reads.
const Format = 1

const (
	magic        = "POSTERN\n"
	headerSize   = len(magic) + 2 + 2 + VaultIDSize
	checkSumSize = 8
)

// NewHeader returns the header of a new vault.
func NewHeader() Header {
	return Header{Format: Format, LeastReader: Format, Vault: VaultID(random(VaultIDSize))}
}

// Bytes encodes the header.
func (h Header) Bytes() []byte {
	b := append([]byte(nil), magic...)
	b = binary.BigEndian.AppendUint16(b, h.Format)
	b = binary.BigEndian.AppendUint16(b, h.LeastReader)
	b = append(b, h.Vault[:]...)
	return appendChecksum(b)
}

// ParseHeader decodes a header; the error is ErrDamaged or ErrNewer.
func ParseHeader(b []byte) (Header, error) {
	body, err := cutChecksum(b, headerSize)
	if err != nil || string(body[:len(magic)]) != magic {
		return Header{}, ErrDamaged
	}
	body = body[len(magic):]
	h := Header{
		Format:      binary.BigEndian.Uint16(body),
		LeastReader: binary.BigEndian.Uint16(body[2:]),
		Vault:       VaultID(body[4:]),
	}
	if h.LeastReader > Format {
		return Header{}, ErrNewer
	}
	return h, nil
}

// A slot wraps the data key for one key that opens the vault.
//
//	kind 1 | epoch 4 | salt 32 | time 4 | memory KiB 4 | threads 1 | wrapped 60 | MAC 32 | checksum 8
//
// The checksum tells damage from a wrong key; the MAC, keyed by what the opening
// key derives and over the header too, commits the slot to one key. time, memory
// and threads are Argon2id's, zero in a slot for the vault key.
const (
	slotVaultKey   = 1
	slotPassphrase = 2

	saltSize    = 32
	wrappedSize = nonceSize + KeySize + tagSize
	slotHead    = 1 + 4 + saltSize + 4 + 4 + 1
	slotBody    = slotHead + wrappedSize
	slotSize    = slotBody + sha256.Size
)

// dataKey is what a slot wraps. It lives only while working keys are derived
// from it or while it is wrapped again.
type dataKey struct {
	bytes []byte
	epoch uint32
}

func newDataKey(epoch uint32) dataKey { return dataKey{random(KeySize), epoch} }

// opener is a key that a slot is made for, and how it was made.
type opener struct {
	kind   byte
	secret []byte
	salt   [saltSize]byte
	cost   argonCost
}

func (k *VaultKey) opener() opener {
	return opener{kind: slotVaultKey, secret: k.bytes[:], salt: [saltSize]byte(random(saltSize))}
}

// NewDataKey draws a data key for an epoch and returns the working keys with the
// slot that wraps it for the vault key.
func NewDataKey(h Header, key *VaultKey, epoch uint32) (*Keys, []byte, error) {
	keys, slots, err := NewEpoch(h, epoch, key, nil)
	if err != nil {
		return nil, nil, err
	}
	return keys, slots.Key, nil
}

// Slots are all the slots of a vault. Passphrase is nil when there is none.
type Slots struct{ Key, Passphrase []byte }

// Digest is what the state remembers of the slots, so that one that was replaced
// or removed cannot be put back alone.
func (s Slots) Digest() Digest {
	sum := sha256.New()
	for _, slot := range [][]byte{s.Key, s.Passphrase} {
		sum.Write(binary.BigEndian.AppendUint32(nil, uint32(len(slot))))
		sum.Write(slot)
	}
	return Digest(sum.Sum(nil))
}

// NewEpoch draws a data key and wraps it for the vault key and, unless that is
// nil, for the passphrase.
func NewEpoch(h Header, epoch uint32, key *VaultKey, passphrase *PassphraseKey) (keys *Keys, slots Slots, err error) {
	hidden(func() {
		data := newDataKey(epoch)
		defer clear(data.bytes)
		if slots.Key, err = wrap(h, data, key.opener()); err != nil {
			return
		}
		if passphrase != nil {
			if slots.Passphrase, err = wrap(h, data, passphrase.opener()); err != nil {
				return
			}
		}
		keys, err = newKeys(data.bytes, h.Vault, epoch)
	})
	return keys, slots, err
}

// OpenSlot unwraps the data key and returns the working keys. The error is
// ErrDamaged, or ErrWrongKey when the slot is whole and the key is another.
func OpenSlot(h Header, slot []byte, key *VaultKey) (*Keys, error) {
	return openSlot(h, slot, slotVaultKey, key.bytes[:])
}

func openSlot(h Header, slot []byte, kind byte, secret []byte) (keys *Keys, err error) {
	hidden(func() {
		var data dataKey
		if data, err = unwrap(h, slot, kind, secret); err != nil {
			return
		}
		defer clear(data.bytes)
		keys, err = newKeys(data.bytes, h.Vault, data.epoch)
	})
	return keys, err
}

// Rewrap returns the slot for a new vault key over the same data key, so that
// replacing the vault key loses nothing.
func Rewrap(h Header, slot []byte, old, replacement *VaultKey) ([]byte, error) {
	return rewrap(h, slot, old, replacement.opener())
}

func rewrap(h Header, slot []byte, old *VaultKey, to opener) (wrapped []byte, err error) {
	hidden(func() {
		var data dataKey
		if data, err = unwrap(h, slot, slotVaultKey, old.bytes[:]); err != nil {
			return
		}
		defer clear(data.bytes)
		wrapped, err = wrap(h, data, to)
	})
	return wrapped, err
}

func wrap(h Header, data dataKey, to opener) ([]byte, error) {
	slot := append(make([]byte, 0, slotSize+checkSumSize), to.kind)
	slot = binary.BigEndian.AppendUint32(slot, data.epoch)
	slot = append(slot, to.salt[:]...)
	slot = to.cost.append(slot)
	aead, macKey, err := slotKeys(h, slot, to.secret)
	if err != nil {
		return nil, err
	}
	defer clear(macKey)
	slot = aead.Seal(slot, nil, data.bytes, append(h.Bytes(), slot...))
	slot = append(slot, slotMAC(macKey, h, slot)...)
	return appendChecksum(slot), nil
}

func unwrap(h Header, slot []byte, kind byte, secret []byte) (dataKey, error) {
	slot, err := cutChecksum(slot, slotSize)
	if err != nil || slot[0] != kind {
		return dataKey{}, ErrDamaged
	}
	head, body, mac := slot[:slotHead], slot[:slotBody], slot[slotBody:]
	aead, macKey, err := slotKeys(h, head, secret)
	if err != nil {
		return dataKey{}, err
	}
	defer clear(macKey)
	if !hmac.Equal(mac, slotMAC(macKey, h, body)) {
		return dataKey{}, ErrWrongKey
	}
	opened, err := aead.Open(nil, nil, body[slotHead:], append(h.Bytes(), head...))
	if err != nil {
		return dataKey{}, ErrDamaged
	}
	return dataKey{opened, binary.BigEndian.Uint32(head[1:])}, nil
}

// slotKeys derives the wrapping AEAD and the MAC key of one slot (RFC 5869). Salt
// and epoch together are new in every slot, so each wrapping key encrypts once.
func slotKeys(h Header, head, secret []byte) (cipher.AEAD, []byte, error) {
	epoch, salt := head[1:5], head[5:5+saltSize]
	kek, err := hkdf.Key(sha256.New, secret, salt, "postern/v1/kek"+string(h.Vault[:])+string(epoch), KeySize)
	if err != nil {
		return nil, nil, err
	}
	defer clear(kek)
	wrapKey, err := hkdf.Expand(sha256.New, kek, "postern/v1/wrap", KeySize)
	if err != nil {
		return nil, nil, err
	}
	defer clear(wrapKey)
	macKey, err := hkdf.Expand(sha256.New, kek, "postern/v1/slot", KeySize)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(wrapKey)
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return aead, macKey, err
}

func slotMAC(macKey []byte, h Header, body []byte) []byte {
	mac := hmac.New(sha256.New, macKey)
	mac.Write(h.Bytes())
	mac.Write(body)
	return mac.Sum(nil)
}

func appendChecksum(b []byte) []byte {
	sum := sha256.Sum256(b)
	return append(b, sum[:checkSumSize]...)
}

func cutChecksum(b []byte, size int) ([]byte, error) {
	if len(b) != size+checkSumSize {
		return nil, ErrDamaged
	}
	sum := sha256.Sum256(b[:size])
	if subtle.ConstantTimeCompare(sum[:checkSumSize], b[size:]) != 1 {
		return nil, ErrDamaged
	}
	return b[:size:size], nil
}
