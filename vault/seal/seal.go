// Package seal is the code twin of docs/file-format.md: keys, slots and sealed
// boxes of a vault file, as pure functions over bytes. It stores nothing, logs
// nothing and knows no names of files, buckets or accounts.
//
// The hierarchy has three levels. The vault key (256 random bits, shown to its
// owner as key text) opens a slot. A slot wraps the data key. From the data key
// come the keys that do the work: one that seals boxes, one that turns names
// into record ids, one that authenticates the set of records, one that chains
// the activity log. Replacing the vault key rewrites one slot; replacing the
// data key (a deep rotation, a new epoch) re-seals every record.
//
// Everything is AES-256-GCM, HKDF-SHA256 and HMAC-SHA256 from the standard
// library. A box says as associated data which vault, epoch, part, record and
// revision it belongs to, so a box that was moved, swapped or kept from earlier
// does not open.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"slices"
)

// Sizes in bytes.
const (
	KeySize     = 32
	VaultIDSize = 16
	IDSize      = 32
	DigestSize  = 32

	nonceSize = 12
	tagSize   = 16
	// boxHead is algorithm (1) and revision (8); a nonce and a tag follow.
	boxHead = 1 + 8
	// Overhead is what a box adds to its padded plaintext.
	Overhead = boxHead + nonceSize + tagSize
)

// algAES256GCM is the one algorithm of format 1: AES-256-GCM with a random
// 96-bit nonce in front of the ciphertext (NIST SP 800-38D).
const algAES256GCM = 1

// MaxSeals bounds the boxes sealed in one epoch, far below the 2^32 that random
// 96-bit nonces allow (NIST SP 800-38D, section 8.3).
const MaxSeals = 1 << 30

// Errors of this package. ErrWrongKey means that an undamaged slot refuses this
// key; ErrDamaged that bytes are not what was written.
var (
	ErrMistypedKey = errors.New("this key text has a typing mistake")
	ErrWrongKey    = errors.New("this key does not open this vault")
	ErrDamaged     = errors.New("the vault file is damaged")
	ErrNewer       = errors.New("the vault file was written by a newer version")
)

// VaultID names one vault for its whole life. It is random and not secret.
type VaultID [VaultIDSize]byte

// ID is the key under which a record is stored: HMAC-SHA256 over its name.
type ID [IDSize]byte

// Part says what a box holds, so that a value never passes for a record.
type Part byte

// The parts of a vault file.
const (
	PartState  Part = 1
	PartRecord Part = 2
	PartValue  Part = 3
)

// Keys holds what is derived from one data key. The zero Keys opens nothing.
type Keys struct {
	vault VaultID
	epoch uint32
	aead  cipher.AEAD
	index []byte
	set   []byte
	audit []byte
}

// newKeys derives the working keys from a data key. dataKey stays the caller's to wipe.
func newKeys(dataKey []byte, vault VaultID, epoch uint32) (*Keys, error) {
	expand := func(label string) ([]byte, error) {
		info := string(binary.BigEndian.AppendUint32(append([]byte("postern/v1/"+label), vault[:]...), epoch))
		return hkdf.Expand(sha256.New, dataKey, info, KeySize)
	}
	record, err := expand("records")
	if err != nil {
		return nil, err
	}
	defer clear(record)
	block, err := aes.NewCipher(record)
	if err != nil {
		return nil, err
	}
	k := &Keys{vault: vault, epoch: epoch}
	if k.aead, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, err
	}
	if k.index, err = expand("index"); err != nil {
		return nil, err
	}
	if k.set, err = expand("set"); err != nil {
		return nil, err
	}
	if k.audit, err = expand("audit"); err != nil {
		return nil, err
	}
	return k, nil
}

// Epoch counts the data keys that this vault has had, from 1.
func (k *Keys) Epoch() uint32 { return k.epoch }

// Wipe overwrites the derived keys. The round keys inside the AEAD are the
// garbage collector's.
func (k *Keys) Wipe() {
	clear(k.index)
	clear(k.set)
	clear(k.audit)
	k.aead = nil
}

// RecordID gives the id of the record of one type under one name. The name must
// already be in Unicode normalisation form C.
func (k *Keys) RecordID(recordType byte, name string) ID {
	mac := hmac.New(sha256.New, k.index)
	mac.Write([]byte{recordType})
	mac.Write([]byte(name))
	return ID(mac.Sum(nil))
}

// Seal pads plaintext to a power of two (so that lengths tell little), seals it
// and returns the box. The plaintext stays the caller's to wipe.
func (k *Keys) Seal(part Part, id ID, revision uint64, plaintext []byte) []byte {
	padded := pad(plaintext)
	defer clear(padded)
	box := make([]byte, boxHead, boxHead+nonceSize+len(padded)+tagSize)
	box[0] = algAES256GCM
	binary.BigEndian.PutUint64(box[1:], revision)
	return k.aead.Seal(box, nil, padded, k.appendAssociated(nil, part, id, revision))
}

// Open is the inverse of Seal; the error is ErrDamaged whatever is wrong. It
// returns the revision that the box says and that the tag confirms.
func (k *Keys) Open(part Part, id ID, box []byte) (plaintext []byte, revision uint64, err error) {
	r := BoxReader{keys: k, part: part}
	return r.Open(id, box)
}

// BoxReader opens many boxes of one part and keeps its buffers between them.
type BoxReader struct {
	keys       *Keys
	part       Part
	padded     []byte
	associated []byte
}

// NewBoxReader returns a reader, which is not safe for use by several goroutines.
func (k *Keys) NewBoxReader(part Part) *BoxReader { return &BoxReader{keys: k, part: part} }

// Open is Keys.Open with a plaintext that is valid until the next call.
func (r *BoxReader) Open(id ID, box []byte) (plaintext []byte, revision uint64, err error) {
	if err := r.openPadded(id, box); err != nil {
		return nil, 0, err
	}
	plaintext, err = unpad(r.padded)
	return plaintext, binary.BigEndian.Uint64(box[1:]), err
}

func (r *BoxReader) openPadded(id ID, box []byte) (err error) {
	if len(box) < Overhead || box[0] != algAES256GCM {
		return ErrDamaged
	}
	revision := binary.BigEndian.Uint64(box[1:])
	r.associated = r.keys.appendAssociated(r.associated[:0], r.part, id, revision)
	if r.padded, err = r.keys.aead.Open(r.padded[:0], nil, box[boxHead:], r.associated); err != nil {
		return ErrDamaged
	}
	return nil
}

const boxLabel = "postern/v1/box"

func (k *Keys) appendAssociated(ad []byte, part Part, id ID, revision uint64) []byte {
	ad = slices.Grow(ad, len(boxLabel)+VaultIDSize+4+1+IDSize+8+1)
	ad = append(ad, boxLabel...)
	ad = append(ad, k.vault[:]...)
	ad = binary.BigEndian.AppendUint32(ad, k.epoch)
	ad = append(ad, byte(part))
	ad = append(ad, id[:]...)
	ad = binary.BigEndian.AppendUint64(ad, revision)
	return append(ad, algAES256GCM)
}

// Digest authenticates a set of records: the exclusive or of one keyed hash per
// record (MSet-XOR-Hash of Clarke et al., ASIACRYPT 2003, over a set, and kept
// sealed). Adding and removing a record is the same step, and order is nothing.
type Digest [DigestSize]byte

// Toggle adds the record box to the digest, or takes it out.
func (k *Keys) Toggle(d *Digest, id ID, box []byte) {
	k.NewToggler().Toggle(d, id, box)
}

// Toggler is Toggle for many records: it sets up the keyed hash once.
type Toggler struct {
	mac hash.Hash
	sum [sha256.Size]byte
}

// NewToggler returns a Toggler; it is not safe for use by several goroutines.
func (k *Keys) NewToggler() *Toggler { return &Toggler{mac: hmac.New(sha256.New, k.set)} }

// Toggle adds the record box to the digest, or takes it out.
func (t *Toggler) Toggle(d *Digest, id ID, box []byte) {
	t.mac.Reset()
	t.mac.Write(id[:])
	t.mac.Write(box[:min(boxHead, len(box))])
	t.mac.Write(box[max(0, len(box)-tagSize):])
	for i, b := range t.mac.Sum(t.sum[:0]) {
		d[i] ^= b
	}
}

// minPadded hides the length of short names and tokens altogether.
const minPadded = 64

func pad(plaintext []byte) []byte {
	size := minPadded
	for size < len(plaintext)+4 {
		size *= 2
	}
	padded := make([]byte, size)
	binary.BigEndian.PutUint32(padded, uint32(len(plaintext)))
	copy(padded[4:], plaintext)
	return padded
}

func unpad(padded []byte) ([]byte, error) {
	if len(padded) < minPadded {
		return nil, ErrDamaged
	}
	n := binary.BigEndian.Uint32(padded)
	if uint64(n) > uint64(len(padded)-4) {
		return nil, ErrDamaged
	}
	return padded[4 : 4+n : 4+n], nil
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
