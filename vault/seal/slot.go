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
// The checksum tells damage from a wrong key; the MAC, keyed by what the vault
// key derives and over the header too, commits the slot to one key. time, memory
// and threads are Argon2id's, zero in a slot for the vault key.
const (
	slotVaultKey = 1

	saltSize    = 32
	wrappedSize = nonceSize + KeySize + tagSize
	slotHead    = 1 + 4 + saltSize + 4 + 4 + 1
	slotBody    = slotHead + wrappedSize
	slotSize    = slotBody + sha256.Size
)

// NewDataKey draws a data key for an epoch and returns the working keys with the
// slot that wraps it for the vault key.
func NewDataKey(h Header, key *VaultKey, epoch uint32) (*Keys, []byte, error) {
	dataKey := random(KeySize)
	defer clear(dataKey)
	slot, err := wrap(h, key, epoch, dataKey)
	if err != nil {
		return nil, nil, err
	}
	keys, err := newKeys(dataKey, h.Vault, epoch)
	return keys, slot, err
}

// OpenSlot unwraps the data key and returns the working keys. The error is
// ErrDamaged, or ErrWrongKey when the slot is whole and the key is another.
func OpenSlot(h Header, slot []byte, key *VaultKey) (*Keys, error) {
	dataKey, epoch, err := unwrap(h, slot, key)
	if err != nil {
		return nil, err
	}
	defer clear(dataKey)
	return newKeys(dataKey, h.Vault, epoch)
}

// Rewrap returns the slot for a new vault key over the same data key, so that
// replacing the vault key loses nothing.
func Rewrap(h Header, slot []byte, old, replacement *VaultKey) ([]byte, error) {
	dataKey, epoch, err := unwrap(h, slot, old)
	if err != nil {
		return nil, err
	}
	defer clear(dataKey)
	return wrap(h, replacement, epoch, dataKey)
}

func wrap(h Header, key *VaultKey, epoch uint32, dataKey []byte) ([]byte, error) {
	slot := append(make([]byte, 0, slotSize+checkSumSize), slotVaultKey)
	slot = binary.BigEndian.AppendUint32(slot, epoch)
	slot = append(slot, random(saltSize)...)
	slot = append(slot, make([]byte, slotHead-len(slot))...)
	aead, macKey, err := slotKeys(h, slot, key)
	if err != nil {
		return nil, err
	}
	slot = aead.Seal(slot, nil, dataKey, append(h.Bytes(), slot...))
	slot = append(slot, slotMAC(macKey, h, slot)...)
	return appendChecksum(slot), nil
}

func unwrap(h Header, slot []byte, key *VaultKey) (dataKey []byte, epoch uint32, err error) {
	slot, err = cutChecksum(slot, slotSize)
	if err != nil || slot[0] != slotVaultKey {
		return nil, 0, ErrDamaged
	}
	head, body, mac := slot[:slotHead], slot[:slotBody], slot[slotBody:]
	aead, macKey, err := slotKeys(h, head, key)
	if err != nil {
		return nil, 0, err
	}
	if !hmac.Equal(mac, slotMAC(macKey, h, body)) {
		return nil, 0, ErrWrongKey
	}
	dataKey, err = aead.Open(nil, nil, body[slotHead:], append(h.Bytes(), head...))
	if err != nil {
		return nil, 0, ErrDamaged
	}
	return dataKey, binary.BigEndian.Uint32(head[1:]), nil
}

// slotKeys derives the wrapping AEAD and the MAC key of one slot (RFC 5869). The
// salt is new in every slot, so each wrapping key encrypts once.
func slotKeys(h Header, head []byte, key *VaultKey) (cipher.AEAD, []byte, error) {
	salt := head[1+4 : 1+4+saltSize]
	kek, err := hkdf.Key(sha256.New, key.bytes[:], salt, "postern/v1/kek"+string(h.Vault[:]), KeySize)
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
