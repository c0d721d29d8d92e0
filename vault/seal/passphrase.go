package seal

import (
	"encoding/binary"
	"runtime/debug"

	"golang.org/x/crypto/argon2"
)

// argonCost is what Argon2id (RFC 9106) spends on one passphrase.
type argonCost struct {
	time, memory uint32
	threads      uint8
}

// usualCost takes about half a second and 256 MiB. A slot names its own cost,
// bounded before it is spent, so that a file cannot exhaust the memory.
var usualCost = argonCost{time: 3, memory: 256 << 10, threads: 4}

const (
	maxArgonTime    = 10
	maxArgonMemory  = 1 << 20 // KiB
	minArgonMemory  = 8       // KiB for each thread, by RFC 9106
	maxArgonThreads = 16
)

func (c argonCost) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, c.time)
	b = binary.BigEndian.AppendUint32(b, c.memory)
	return append(b, c.threads)
}

func parseCost(b []byte) (argonCost, error) {
	c := argonCost{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), b[8]}
	if c.time == 0 || c.time > maxArgonTime || c.threads == 0 || c.threads > maxArgonThreads ||
		c.memory > maxArgonMemory || c.memory < minArgonMemory*uint32(c.threads) {
		return argonCost{}, ErrDamaged
	}
	return c, nil
}

// PassphraseKey is a stretched passphrase. The vault keeps it as a sealed
// setting, so that a new data key can be wrapped for the same passphrase.
type PassphraseKey struct {
	bytes [KeySize]byte
	salt  [saltSize]byte
	cost  argonCost
}

// StretchPassphrase makes the key of a new passphrase slot. The passphrase stays
// the caller's to wipe.
func StretchPassphrase(passphrase []byte) *PassphraseKey {
	return stretch(passphrase, [saltSize]byte(random(saltSize)), usualCost)
}

// PassphraseKeyFor stretches a passphrase as the slot says. The error is
// ErrDamaged, also for a cost that no slot of ours has.
func PassphraseKeyFor(slot, passphrase []byte) (*PassphraseKey, error) {
	slot, err := cutChecksum(slot, slotSize)
	if err != nil || slot[0] != slotPassphrase {
		return nil, ErrDamaged
	}
	cost, err := parseCost(slot[5+saltSize:])
	if err != nil {
		return nil, err
	}
	return stretch(passphrase, [saltSize]byte(slot[5:]), cost), nil
}

func stretch(passphrase []byte, salt [saltSize]byte, cost argonCost) *PassphraseKey {
	key := argon2.IDKey(passphrase, salt[:], cost.time, cost.memory, cost.threads, KeySize)
	defer clear(key)
	// A quarter of a gigabyte is not kept for the next time.
	debug.FreeOSMemory()
	return &PassphraseKey{[KeySize]byte(key), salt, cost}
}

func (p *PassphraseKey) opener() opener {
	return opener{kind: slotPassphrase, secret: p.bytes[:], salt: p.salt, cost: p.cost}
}

// WrapForPassphrase returns a slot for the passphrase over the data key that
// the vault key opens.
func WrapForPassphrase(h Header, slot []byte, key *VaultKey, passphrase *PassphraseKey) ([]byte, error) {
	return rewrap(h, slot, key, passphrase.opener())
}

// OpenPassphraseSlot is OpenSlot for a slot with a passphrase.
func OpenPassphraseSlot(h Header, slot []byte, passphrase *PassphraseKey) (*Keys, error) {
	return openSlot(h, slot, slotPassphrase, passphrase.bytes[:])
}

// Bytes encodes the key with its salt and cost, for a sealed box only.
//
//	key 32 | salt 32 | time 4 | memory KiB 4 | threads 1
func (p *PassphraseKey) Bytes() []byte {
	b := make([]byte, 0, KeySize+saltSize+9)
	b = append(append(b, p.bytes[:]...), p.salt[:]...)
	return p.cost.append(b)
}

// ParsePassphraseKey is the inverse of Bytes; the error is ErrDamaged.
func ParsePassphraseKey(b []byte) (*PassphraseKey, error) {
	if len(b) != KeySize+saltSize+9 {
		return nil, ErrDamaged
	}
	cost, err := parseCost(b[KeySize+saltSize:])
	if err != nil {
		return nil, err
	}
	return &PassphraseKey{[KeySize]byte(b), [saltSize]byte(b[KeySize:]), cost}, nil
}

// Wipe overwrites the key.
func (p *PassphraseKey) Wipe() { clear(p.bytes[:]) }

// String hides the key from every log and error.
func (p *PassphraseKey) String() string { return "[masked]" }

// GoString hides the key from %#v.
func (p *PassphraseKey) GoString() string { return "[masked]" }
