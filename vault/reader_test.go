package vault_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/crypto/argon2"
)

// This file is a second reader of vault files, written from docs/file-format.md
// with the standard library, and no use of package seal.

type plainSecret struct {
	Value   string   `json:"value"`
	Enabled bool     `json:"enabled"`
	Domains []string `json:"domains"`
}

// plainVault is everything in a vault file.
type plainVault struct {
	Generation uint64                 `json:"generation"`
	Secrets    map[string]plainSecret `json:"secrets"`
	// Settings are in hex.
	Settings map[string]string `json:"settings"`
}

type readerKeys struct {
	id                 []byte
	epoch              uint32
	record, index, set []byte
}

func be32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
func be64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func first(n int, parts ...[]byte) []byte {
	sum := sha256.Sum256(join(parts...))
	return sum[:n]
}

func hmac256(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(join(parts...))
	return mac.Sum(nil)
}

func expand(key []byte, info string) []byte {
	out, err := hkdf.Expand(sha256.New, key, info, 32)
	if err != nil {
		panic(err)
	}
	return out
}

func gcm(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

var keyDigits = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

func keyTextOf(key []byte) string {
	digits := keyDigits.EncodeToString(join(key, first(3, []byte("postern/v1/key text"), key)))
	groups := []string{"PVK1"}
	for i := 0; i < len(digits); i += 7 {
		groups = append(groups, digits[i:i+7])
	}
	return strings.Join(groups, "-")
}

func keyOfText(text string) ([]byte, error) {
	text = strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "\t", "", "\r", "", "\n", "").Replace(text))
	text = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(text)
	rest, found := strings.CutPrefix(text, "PVK1")
	raw, err := keyDigits.DecodeString(rest)
	if !found || err != nil || len(raw) != 35 || keyTextOf(raw[:32])[5:] != withDashes(rest) {
		return nil, errors.New("mistyped")
	}
	return raw[:32], nil
}

func withDashes(digits string) string {
	var groups []string
	for len(digits) >= 7 {
		groups, digits = append(groups, digits[:7]), digits[7:]
	}
	return strings.Join(groups, "-")
}

// slotKeysOf derives wrapKey and macKey.
func slotKeysOf(secret, salt, vaultID, epoch []byte) (wrap, mac []byte) {
	kek, err := hkdf.Key(sha256.New, secret, salt, "postern/v1/kek"+string(vaultID)+string(epoch), 32)
	if err != nil {
		panic(err)
	}
	return expand(kek, "postern/v1/wrap"), expand(kek, "postern/v1/slot")
}

// openSlotOf returns the data key and the epoch.
func openSlotOf(header, slot, secret []byte) ([]byte, uint32, error) {
	if len(slot) != 146 || string(first(8, slot[:138])) != string(slot[138:]) {
		return nil, 0, errors.New("damaged slot")
	}
	head, body, mac := slot[:46], slot[:106], slot[106:138]
	if slot[0] == 2 {
		secret = argon2.IDKey(secret, slot[5:37], binary.BigEndian.Uint32(slot[37:]), binary.BigEndian.Uint32(slot[41:]), slot[45], 32)
	}
	wrap, macKey := slotKeysOf(secret, slot[5:37], header[12:28], slot[1:5])
	if !hmac.Equal(mac, hmac256(macKey, header, body)) {
		return nil, 0, errors.New("wrong key")
	}
	data, err := gcm(wrap).Open(nil, slot[46:58], slot[58:106], join(header, head))
	return data, binary.BigEndian.Uint32(slot[1:]), err
}

func workingKeysOf(dataKey, header []byte, epoch uint32) readerKeys {
	id := header[12:28]
	key := func(label string) []byte {
		return expand(dataKey, "postern/v1/"+label+string(id)+string(be32(epoch)))
	}
	return readerKeys{id: id, epoch: epoch, record: key("records"), index: key("index"), set: key("set")}
}

func (k readerKeys) associated(part byte, id, revision []byte) []byte {
	return join([]byte("postern/v1/box"), k.id, be32(k.epoch), []byte{part}, id, revision, []byte{1})
}

func (k readerKeys) openBox(part byte, id, box []byte) (content []byte, revision uint64, err error) {
	if len(box) < 9+12+64+16 || box[0] != 1 {
		return nil, 0, errors.New("no box")
	}
	padded, err := gcm(k.record).Open(nil, box[9:21], box[21:], k.associated(part, id, box[1:9]))
	if err != nil {
		return nil, 0, err
	}
	return padded[4 : 4+binary.BigEndian.Uint32(padded)], binary.BigEndian.Uint64(box[1:]), nil
}

func (k readerKeys) recordID(kind byte, name string) []byte {
	return hmac256(k.index, []byte{kind}, []byte(name))
}

// readVault reads a whole vault file with its vault key or passphrase.
func readVault(path string, secret []byte, passphrase bool) (out plainVault, err error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return out, err
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		meta := tx.Bucket([]byte("postern"))
		header := meta.Get([]byte("header"))
		if len(header) != 36 || string(header[:12]) != "POSTERN\n\x00\x01\x00\x01" || string(first(8, header[:28])) != string(header[28:]) {
			return errors.New("damaged header")
		}
		slots := [2][]byte{meta.Get([]byte("slot/key")), meta.Get([]byte("slot/passphrase"))}
		slot := slots[0]
		if passphrase {
			slot = slots[1]
		}
		dataKey, epoch, err := openSlotOf(header, slot, secret)
		if err != nil {
			return err
		}
		k := workingKeysOf(dataKey, header, epoch)
		out, err = k.readAll(tx, meta.Get([]byte("state")), slots)
		return err
	})
	return out, err
}

func (k readerKeys) readAll(tx *bolt.Tx, stateBox []byte, slots [2][]byte) (out plainVault, err error) {
	state, generation, err := k.openBox(1, make([]byte, 32), stateBox)
	if err != nil {
		return out, err
	}
	out = plainVault{Generation: generation, Secrets: map[string]plainSecret{}, Settings: map[string]string{}}
	digest := make([]byte, 32)
	count := uint64(0)
	err = tx.Bucket([]byte("records")).ForEach(func(id, box []byte) error {
		count++
		for i, b := range hmac256(k.set, id, box[:9], box[len(box)-16:]) {
			digest[i] ^= b
		}
		return k.readRecord(tx, id, box, &out)
	})
	if err != nil {
		return out, err
	}
	slotSum := sha256.Sum256(join(be32(uint32(len(slots[0]))), slots[0], be32(uint32(len(slots[1]))), slots[1]))
	if len(state) != 89 || binary.BigEndian.Uint64(state) != generation || binary.BigEndian.Uint64(state[16:]) != count ||
		string(state[24:56]) != string(digest) || string(state[56:88]) != string(slotSum[:]) {
		return out, errors.New("the records are not those of the state")
	}
	return out, nil
}

func (k readerKeys) readRecord(tx *bolt.Tx, id, box []byte, out *plainVault) error {
	record, _, err := k.openBox(2, id, box)
	if err != nil {
		return err
	}
	kind, valueRevision := record[0], binary.BigEndian.Uint64(record[17:])
	nameEnd := 27 + int(binary.BigEndian.Uint16(record[25:]))
	name, body := string(record[27:nameEnd]), record[nameEnd+3:]
	if string(k.recordID(kind, name)) != string(id) {
		return fmt.Errorf("record %q has another id", name)
	}
	value, revision, err := k.openBox(3, id, tx.Bucket([]byte("values")).Get(id))
	if err != nil || revision != valueRevision {
		return fmt.Errorf("value of %q: %v", name, err)
	}
	if kind == 5 {
		out.Settings[name] = hex.EncodeToString(value)
		return nil
	}
	secret := plainSecret{Value: string(value), Enabled: body[1] == 1, Domains: []string{}}
	domains := body[5 : 5+int(body[2])<<16+int(body[3])<<8+int(body[4])]
	for len(domains) > 0 {
		n := int(binary.BigEndian.Uint16(domains))
		secret.Domains = append(secret.Domains, string(domains[2:2+n]))
		domains = domains[2+n:]
	}
	out.Secrets[name] = secret
	return nil
}
