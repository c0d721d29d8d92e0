package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

type boxVector struct {
	Part          Part
	Type          byte
	Name, ID, Box string
	Revision      uint64
	Plaintext     string
}

func TestVectors(t *testing.T) {
	var v struct {
		VaultKey, KeyText, VaultID, Header, IndexKey, SetKey, SlotDigest, SetDigest string
		Epoch                                                                       uint32
		Slots                                                                       []struct {
			Kind             byte
			Passphrase, Slot string
		}
		Records []boxVector
		State   boxVector
	}
	readJSON(t, "testdata/vectors.json", &v)
	key, err := ParseKey(v.KeyText)
	if err != nil || !bytes.Equal(key.bytes[:], unhex(t, v.VaultKey)) || key.Text() != v.KeyText {
		t.Fatal("key text:", err)
	}
	header, err := ParseHeader(unhex(t, v.Header))
	if err != nil || hex.EncodeToString(header.Vault[:]) != v.VaultID || !bytes.Equal(header.Bytes(), unhex(t, v.Header)) {
		t.Fatal("header:", err)
	}
	slots := Slots{Key: unhex(t, v.Slots[0].Slot), Passphrase: unhex(t, v.Slots[1].Slot)}
	if d := slots.Digest(); hex.EncodeToString(d[:]) != v.SlotDigest {
		t.Fatal("slot digest")
	}
	k, err := OpenSlot(header, slots.Key, key)
	if err != nil || k.Epoch() != v.Epoch || hex.EncodeToString(k.index) != v.IndexKey || hex.EncodeToString(k.set) != v.SetKey {
		t.Fatal("slot of the key:", err)
	}
	stretched, err := PassphraseKeyFor(slots.Passphrase, []byte(v.Slots[1].Passphrase))
	if err != nil {
		t.Fatal(err)
	}
	if k, err = OpenPassphraseSlot(header, slots.Passphrase, stretched); err != nil || hex.EncodeToString(k.index) != v.IndexKey {
		t.Fatal("slot of the passphrase:", err)
	}
	var digest Digest
	for _, r := range v.Records {
		id := k.RecordID(r.Type, r.Name)
		plaintext, revision, err := k.Open(r.Part, id, unhex(t, r.Box))
		if err != nil || revision != r.Revision || hex.EncodeToString(plaintext) != r.Plaintext || hex.EncodeToString(id[:]) != r.ID {
			t.Fatalf("box of part %d, %q: %v", r.Part, r.Name, err)
		}
		if r.Part != PartRecord {
			continue
		}
		k.Toggle(&digest, id, unhex(t, r.Box))
		record, err := DecodeRecord(plaintext)
		if again, _ := record.Encode(); err != nil || record.Name != r.Name || !bytes.Equal(again, plaintext) {
			t.Fatalf("record %+v, %v", record, err)
		}
	}
	state, err := k.OpenState(unhex(t, v.State.Box))
	if err != nil || state != (State{Generation: 9, Seals: 20, Count: 2, Digest: digest, Slots: slots.Digest(), Anchored: true}) {
		t.Fatalf("state %+v, %v", state, err)
	}
	if hex.EncodeToString(digest[:]) != v.SetDigest {
		t.Fatal("set digest")
	}
}

// Wycheproof goes through Keys.Open: its associated data takes the place of ours.
func TestWycheproof(t *testing.T) {
	var file struct {
		Tests []struct {
			TcID                          int
			Key, IV, AAD, Msg, CT, Tag    string
			Comment, Result, Source, Note string
		}
	}
	readJSON(t, "testdata/wycheproof_aes_gcm.json", &file)
	valid := 0
	for _, c := range file.Tests {
		block, err := aes.NewCipher(unhex(t, c.Key))
		if err != nil {
			t.Fatal(err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			t.Fatal(err)
		}
		k := &Keys{aead: otherData{aead, unhex(t, c.AAD)}}
		box := append([]byte{algAES256GCM, 0, 0, 0, 0, 0, 0, 0, 1}, unhex(t, c.IV+c.CT+c.Tag)...)
		r := k.NewBoxReader(PartRecord)
		err = r.openPadded(ID{}, box)
		if (err == nil) != (c.Result == "valid") || (err == nil && hex.EncodeToString(r.padded) != c.Msg) {
			t.Errorf("case %d (%s): %v", c.TcID, c.Comment, err)
		}
		if err == nil {
			valid++
		}
	}
	if len(file.Tests) != 66 || valid != 39 {
		t.Fatalf("%d cases, %d of them valid", len(file.Tests), valid)
	}
}

// otherData opens with associated data of its own.
type otherData struct {
	cipher.AEAD
	data []byte
}

func (o otherData) Open(dst, nonce, ciphertext, _ []byte) ([]byte, error) {
	return o.AEAD.Open(dst, nonce, ciphertext, o.data)
}

func testKeys(t testing.TB) (Header, *VaultKey, *Keys, []byte) {
	t.Helper()
	h, key := NewHeader(), NewVaultKey()
	k, slot, err := NewDataKey(h, key, 1)
	if err != nil {
		t.Fatal(err)
	}
	return h, key, k, slot
}

func TestSlotTellsWrongKeyFromDamage(t *testing.T) {
	h, key, _, slot := testKeys(t)
	if _, err := OpenSlot(h, slot, NewVaultKey()); err != ErrWrongKey {
		t.Errorf("another key: %v", err)
	}
	other := NewHeader()
	if _, err := OpenSlot(other, slot, key); err != ErrWrongKey {
		t.Errorf("another vault's slot: %v", err)
	}
	for i := range slot {
		bad := bytes.Clone(slot)
		bad[i] ^= 1 << (i % 8)
		if _, err := OpenSlot(h, bad, key); err != ErrDamaged {
			t.Errorf("byte %d: %v", i, err)
		}
	}
	for n := range slot {
		if _, err := OpenSlot(h, slot[:n], key); err != ErrDamaged {
			t.Errorf("cut to %d: %v", n, err)
		}
	}
	replacement := NewVaultKey()
	rewrapped, err := Rewrap(h, slot, key, replacement)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSlot(h, rewrapped, key); err != ErrWrongKey {
		t.Errorf("the old key: %v", err)
	}
	if _, err := OpenSlot(h, rewrapped, replacement); err != nil {
		t.Errorf("the new key: %v", err)
	}
}

func TestHeaderDamageAndVersions(t *testing.T) {
	h := NewHeader()
	b := h.Bytes()
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1 << (i % 8)
		if _, err := ParseHeader(bad); err != ErrDamaged {
			t.Errorf("byte %d: %v", i, err)
		}
	}
	h.Format, h.LeastReader = 2, 1
	if got, err := ParseHeader(h.Bytes()); err != nil || got != h {
		t.Errorf("a newer format that this reader understands: %v", err)
	}
	h.LeastReader = 2
	if _, err := ParseHeader(h.Bytes()); err != ErrNewer {
		t.Errorf("a newer format: %v", err)
	}
}

// A slot that asks for more than our bounds is refused before Argon2 runs. It
// would take 4 TiB of memory otherwise, so the test ends only if it is.
func TestPassphraseCostIsBoundedFirst(t *testing.T) {
	h, key, _, slot := testKeys(t)
	for _, cost := range []argonCost{
		{1 << 31, 64, 1}, {1, 1<<32 - 1, 1}, {1, 64, 0}, {0, 64, 1}, {11, 64, 1}, {1, 1<<20 + 1, 1}, {1, 256, 17}, {1, 15, 2},
	} {
		p := &PassphraseKey{bytes: key.bytes, cost: cost}
		hostile, err := WrapForPassphrase(h, slot, key, p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := PassphraseKeyFor(hostile, []byte("any")); err != ErrDamaged {
			t.Errorf("%+v: %v", cost, err)
		}
		if _, err := ParsePassphraseKey(p.Bytes()); err != ErrDamaged {
			t.Errorf("%+v as a setting: %v", cost, err)
		}
	}
	if _, err := PassphraseKeyFor(slot, []byte("any")); err != ErrDamaged {
		t.Error("the slot of a vault key was taken for one of a passphrase")
	}
}

func TestPassphraseSlot(t *testing.T) {
	h, key, k, slot := testKeys(t)
	p := stretch([]byte("a good passphrase"), [saltSize]byte{1}, argonCost{1, 64, 1})
	wrapped, err := WrapForPassphrase(h, slot, key, p)
	if err != nil {
		t.Fatal(err)
	}
	again, err := PassphraseKeyFor(wrapped, []byte("a good passphrase"))
	if err != nil || again.bytes != p.bytes {
		t.Fatal(err)
	}
	same, err := OpenPassphraseSlot(h, wrapped, again)
	if err != nil || same.RecordID(1, "x") != k.RecordID(1, "x") {
		t.Fatal("another data key:", err)
	}
	wrong, _ := PassphraseKeyFor(wrapped, []byte("a good passphrasf"))
	if _, err := OpenPassphraseSlot(h, wrapped, wrong); err != ErrWrongKey {
		t.Errorf("wrong passphrase: %v", err)
	}
	if _, err := OpenSlot(h, wrapped, &VaultKey{bytes: p.bytes}); err != ErrDamaged {
		t.Errorf("a slot of another kind: %v", err)
	}
	next, slots, err := NewEpoch(h, 2, key, again)
	if err != nil || next.RecordID(1, "x") == k.RecordID(1, "x") {
		t.Fatal("a new epoch with the old data key:", err)
	}
	for _, c := range []error{second(OpenPassphraseSlot(h, slots.Passphrase, p)), second(OpenSlot(h, slots.Key, key))} {
		if c != nil {
			t.Errorf("after a new epoch: %v", c)
		}
	}
}

func second(_ *Keys, err error) error { return err }

func TestBoxesOpenOnlyInTheirPlace(t *testing.T) {
	h, key, k, slot := testKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		plaintext := rapid.SliceOfN(rapid.Byte(), 0, 700).Draw(t, "plaintext")
		id, revision := k.RecordID(1, rapid.String().Draw(t, "name")), rapid.Uint64().Draw(t, "revision")
		box := k.Seal(PartRecord, id, revision, plaintext)
		got, gotRevision, err := k.Open(PartRecord, id, box)
		if err != nil || !bytes.Equal(got, plaintext) || gotRevision != revision {
			t.Fatalf("%v, revision %d", err, gotRevision)
		}
		if n := len(box) - Overhead; n < minPadded || n&(n-1) != 0 {
			t.Fatalf("%d bytes of plaintext show as %d", len(plaintext), n)
		}
		at := rapid.IntRange(0, len(box)-1).Draw(t, "damaged byte")
		bad := bytes.Clone(box)
		bad[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, _, err := k.Open(PartRecord, id, bad); err != ErrDamaged {
			t.Fatalf("byte %d: %v", at, err)
		}
		cut := rapid.IntRange(0, len(box)-1).Draw(t, "cut")
		if _, _, err := k.Open(PartRecord, id, box[:cut]); err != ErrDamaged {
			t.Fatalf("cut to %d: %v", cut, err)
		}
	})
	box, id := k.Seal(PartRecord, ID{1}, 5, []byte("x")), ID{1}
	otherVault := NewHeader()
	otherKeys, _, _ := NewDataKey(otherVault, key, 1)
	sameKeyOtherEpoch := *k
	sameKeyOtherEpoch.epoch++
	sameKeyOtherVault := *k
	sameKeyOtherVault.vault = otherVault.Vault
	for what, try := range map[string]error{
		"as a value":        third(k.Open(PartValue, id, box)),
		"under another id":  third(k.Open(PartRecord, ID{2}, box)),
		"in another vault":  third(sameKeyOtherVault.Open(PartRecord, id, box)),
		"in another epoch":  third(sameKeyOtherEpoch.Open(PartRecord, id, box)),
		"with another key":  third(otherKeys.Open(PartRecord, id, box)),
		"as another alg":    third(k.Open(PartRecord, id, append([]byte{2}, box[1:]...))),
		"as a later change": third(k.Open(PartRecord, id, append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 6}, box[9:]...))),
	} {
		if try != ErrDamaged {
			t.Errorf("%s: %v", what, try)
		}
	}
	if _, err := OpenSlot(h, slot, key); err != nil {
		t.Error(err)
	}
}

func third(_ []byte, _ uint64, err error) error { return err }

// The digest is the same whatever the order, and differs for each other set.
func TestDigestIsOfTheSet(t *testing.T) {
	_, _, k, _ := testKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		type item struct {
			id  ID
			box []byte
		}
		var items []item
		for i := range rapid.IntRange(1, 12).Draw(t, "records") {
			id := ID{byte(i)}
			items = append(items, item{id, k.Seal(PartRecord, id, uint64(i), nil)})
		}
		var forth, back Digest
		toggler := k.NewToggler()
		for i := range items {
			toggler.Toggle(&forth, items[i].id, items[i].box)
			k.Toggle(&back, items[len(items)-1-i].id, items[len(items)-1-i].box)
		}
		if forth != back {
			t.Fatal("the order counts")
		}
		one := items[rapid.IntRange(0, len(items)-1).Draw(t, "one")]
		less, older := forth, forth
		k.Toggle(&less, one.id, one.box)
		k.Toggle(&older, one.id, one.box)
		k.Toggle(&older, one.id, k.Seal(PartRecord, one.id, 99, nil))
		if less == forth || older == forth {
			t.Fatal("a removed or replaced record is not noticed")
		}
		k.Toggle(&less, one.id, one.box)
		if less != forth {
			t.Fatal("put back, and not the same")
		}
	})
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	text := rapid.StringN(-1, -1, 300)
	rapid.Check(t, func(t *rapid.T) {
		body := SecretBody{Kind: rapid.Byte().Draw(t, "kind"), Enabled: rapid.Bool().Draw(t, "enabled"), Extra: rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "extra")}
		for range rapid.IntRange(0, 5).Draw(t, "domains") {
			body.Domains = append(body.Domains, text.Draw(t, "domain"))
		}
		b, err := body.Encode()
		if err != nil {
			t.Fatal(err)
		}
		r := Record{Type: rapid.Byte().Draw(t, "type"), Name: text.Draw(t, "name"), Body: b, ValueRevision: rapid.Uint64().Draw(t, "revision"),
			Created: time.UnixMilli(rapid.Int64().Draw(t, "created")).UTC(), Updated: time.UnixMilli(rapid.Int64().Draw(t, "updated")).UTC()}
		plaintext, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeRecord(plaintext)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(r) {
			t.Fatalf("%+v became %+v, %v", r, got, err)
		}
		gotBody, err := DecodeSecretBody(got.Body)
		if err != nil || fmt.Sprint(gotBody) != fmt.Sprint(body) {
			t.Fatalf("%+v became %+v, %v", body, gotBody, err)
		}
		for n := range len(plaintext) {
			if _, err := DecodeRecord(plaintext[:n]); !errors.Is(err, ErrDamaged) {
				t.Fatalf("cut to %d: %v", n, err)
			}
		}
	})
}

func FuzzDecodeRecord(f *testing.F) {
	body, _ := SecretBody{Kind: 1, Enabled: true, Domains: []string{"a.example", "*.b.example"}, Extra: []byte{1}}.Encode()
	plaintext, _ := Record{Type: TypeSecret, Name: "token", ValueRevision: 3, Body: body}.Encode()
	f.Add(plaintext)
	f.Add(body)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := DecodeRecord(b); err == nil {
			again, err := r.Encode()
			if err != nil || !bytes.Equal(again, b) {
				t.Fatalf("%x became %x, %v", b, again, err)
			}
		} else if err != ErrDamaged {
			t.Fatal(err)
		}
		if s, err := DecodeSecretBody(b); err == nil {
			again, err := s.Encode()
			if err != nil || !bytes.Equal(again, b) {
				t.Fatalf("%x became %x, %v", b, again, err)
			}
		} else if err != ErrDamaged {
			t.Fatal(err)
		}
	})
}

func TestNonces(t *testing.T) {
	_, _, k, _ := testKeys(t)
	seen := map[[nonceSize]byte]bool{}
	for range 100_000 {
		box := k.Seal(PartState, ID{}, 1, nil)
		nonce := [nonceSize]byte(box[boxHead:])
		if seen[nonce] {
			t.Fatal("a nonce came twice")
		}
		seen[nonce] = true
	}
}
