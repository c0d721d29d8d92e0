package vault_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/argon2"

	"postern/vault"
	"postern/vault/seal"
	"postern/vault/vaulttest"
)

// update writes the vectors anew. The golden vault of a format is written once,
// when its file is missing, and never again.
var update = flag.Bool("update", false, "write the files in testdata anew")

type golden struct {
	Key        string     `json:"key"`
	Passphrase string     `json:"passphrase"`
	Vault      plainVault `json:"vault"`
}

const (
	goldenVault = "testdata/v1.vault"
	goldenTruth = "testdata/v1.json"
)

// Every version of Postern to come opens the vault of format 1, and so does the
// reader that was written from the document alone.
func TestGoldenVault(t *testing.T) {
	if _, err := os.Stat(goldenVault); err != nil && *update {
		writeGolden(t)
	}
	var want golden
	readJSON(t, goldenTruth, &want)
	rawKey, err := keyOfText(want.Key)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("second reader", func(t *testing.T) {
		got, err := readVault(goldenVault, rawKey, false)
		if diff := cmp.Diff(want.Vault, got); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
		if got, err = readVault(goldenVault, []byte(want.Passphrase), true); err != nil || !cmp.Equal(want.Vault, got) {
			t.Fatal("by passphrase:", err)
		}
		if _, err = readVault(goldenVault, make([]byte, 32), false); err == nil {
			t.Fatal("another key opened it")
		}
	})
	t.Run("this version", func(t *testing.T) {
		accounts, dir := vaulttest.Accounts(t, vault.Options{})
		copyFile(t, goldenVault, filepath.Join(dir, "local.vault"))
		v := accounts.Vault(vault.LocalAccount)
		if err := v.Open(t.Context(), parseKey(t, want.Key)); err != nil {
			t.Fatal(err)
		}
		got := everything(t, v)
		if diff := cmp.Diff(want.Vault.Secrets, got); diff != "" {
			t.Fatal(diff)
		}
		v.Lock(vault.LockerOwner)
		if err := v.OpenWithPassphrase(t.Context(), []byte(want.Passphrase)); err != nil {
			t.Fatal("by passphrase:", err)
		}
	})
}

// What this version writes today, the reader from the document reads.
func TestSecondReaderReadsWhatIsWritten(t *testing.T) {
	accounts, dir := vaulttest.Accounts(t, vault.Options{})
	v := accounts.Vault(vault.LocalAccount)
	if _, err := v.Create(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	fill(t, v)
	if err := v.Rename(t.Context(), "plain", "renamed"); err != nil {
		t.Fatal(err)
	}
	key, err := v.RotateDeep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := everything(t, v)
	v.Lock(vault.LockerOwner)
	rawKey, err := keyOfText(key.Text())
	if err != nil {
		t.Fatal(err)
	}
	got, err := readVault(filepath.Join(dir, "local.vault"), rawKey, false)
	if diff := cmp.Diff(want, got.Secrets); err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
	if got.Settings["vault key"] != hex.EncodeToString([]byte(key.Text())) {
		t.Fatal("the key text in the vault is another")
	}
}

func fill(t *testing.T, v *vault.Vault) {
	t.Helper()
	disabled := false
	set(t, v, "plain", vault.Edit{Value: []byte("value of plain")})
	set(t, v, "Große Stadt 東京 🔑", vault.Edit{Value: []byte("täglich\nzwei Zeilen"), Domains: &[]string{"*.example.com", "http://localhost:3000"}})
	set(t, v, "off", vault.Edit{Value: []byte("not now"), Enabled: &disabled})
	set(t, v, "long", vault.Edit{Value: make([]byte, vault.MaxValue)})
}

func set(t testing.TB, v *vault.Vault, name string, edit vault.Edit) {
	t.Helper()
	if _, err := v.Set(t.Context(), name, edit); err != nil {
		t.Fatal(err)
	}
}

// everything reads the vault through its public door.
func everything(t testing.TB, v *vault.Vault) map[string]plainSecret {
	t.Helper()
	list, _, err := v.List(t.Context(), vault.Query{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]plainSecret{}
	for _, s := range list {
		value, err := v.Reveal(t.Context(), s.Name)
		if err != nil {
			t.Fatalf("%q: %v", s.Name, err)
		}
		all[s.Name] = plainSecret{Value: string(value), Enabled: s.Enabled, Domains: s.Domains}
	}
	return all
}

func writeGolden(t *testing.T) {
	accounts, dir := vaulttest.Accounts(t, vault.Options{})
	v := accounts.Vault(vault.LocalAccount)
	key, err := v.Create(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	set(t, v, "plain", vault.Edit{Value: []byte("value of plain")})
	set(t, v, "Große Stadt 東京 🔑", vault.Edit{Value: []byte("täglich\nzwei Zeilen"), Domains: &[]string{"*.example.com", "http://localhost:3000"}})
	disabled := false
	set(t, v, "off", vault.Edit{Value: []byte("not now"), Enabled: &disabled})
	out := golden{Key: key.Text(), Passphrase: "correct horse battery staple"}
	if err := v.SetPassphrase(t.Context(), []byte(out.Passphrase)); err != nil {
		t.Fatal(err)
	}
	v.Lock(vault.LockerOwner)
	rawKey, err := keyOfText(out.Key)
	if err != nil {
		t.Fatal(err)
	}
	if out.Vault, err = readVault(filepath.Join(dir, "local.vault"), rawKey, false); err != nil {
		t.Fatal(err)
	}
	writeJSON(t, goldenTruth, out)
	copyFile(t, filepath.Join(dir, "local.vault"), goldenVault)
}

// vectors are the steps of docs/file-format.md with given inputs; bytes are in hex.
type vectors struct {
	VaultKey   string       `json:"vaultKey"`
	KeyText    string       `json:"keyText"`
	VaultID    string       `json:"vaultId"`
	Header     string       `json:"header"`
	DataKey    string       `json:"dataKey"`
	Epoch      uint32       `json:"epoch"`
	RecordKey  string       `json:"recordKey"`
	IndexKey   string       `json:"indexKey"`
	SetKey     string       `json:"setKey"`
	Slots      []slotVector `json:"slots"`
	SlotDigest string       `json:"slotDigest"`
	Records    []boxVector  `json:"records"`
	SetDigest  string       `json:"setDigest"`
	State      boxVector    `json:"state"`
}

type slotVector struct {
	Kind       byte   `json:"kind"`
	Passphrase string `json:"passphrase,omitempty"`
	Stretched  string `json:"stretched,omitempty"`
	Salt       string `json:"salt"`
	Time       uint32 `json:"time"`
	Memory     uint32 `json:"memory"`
	Threads    byte   `json:"threads"`
	Nonce      string `json:"nonce"`
	WrapKey    string `json:"wrapKey"`
	MACKey     string `json:"macKey"`
	Slot       string `json:"slot"`
}

type boxVector struct {
	Part      byte   `json:"part"`
	Type      byte   `json:"type,omitempty"`
	Name      string `json:"name,omitempty"`
	ID        string `json:"id"`
	Revision  uint64 `json:"revision"`
	Nonce     string `json:"nonce"`
	Plaintext string `json:"plaintext"`
	Box       string `json:"box"`
}

// counted gives n bytes that a person can check: from, from+1, …
func counted(from byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = from + byte(i)
	}
	return b
}

// makeVectors goes the steps of the document.
func makeVectors() vectors {
	vaultKey, dataKey, id, epoch := counted(0, 32), counted(64, 32), counted(0xa0, 16), uint32(7)
	body := join([]byte("POSTERN\n\x00\x01\x00\x01"), id)
	header := join(body, first(8, body))
	k := workingKeysOf(dataKey, header, epoch)
	v := vectors{
		VaultKey: hex.EncodeToString(vaultKey), KeyText: keyTextOf(vaultKey), VaultID: hex.EncodeToString(id),
		Header: hex.EncodeToString(header), DataKey: hex.EncodeToString(dataKey), Epoch: epoch,
		RecordKey: hex.EncodeToString(k.record), IndexKey: hex.EncodeToString(k.index), SetKey: hex.EncodeToString(k.set),
	}
	one := slotVector{Kind: 1, Salt: hex.EncodeToString(counted(0x10, 32)), Nonce: hex.EncodeToString(counted(0x30, 12))}
	one.seal(header, dataKey, vaultKey, epoch)
	two := slotVector{Kind: 2, Passphrase: "correct horse battery staple", Time: 1, Memory: 64, Threads: 2, Salt: hex.EncodeToString(counted(0x50, 32)), Nonce: hex.EncodeToString(counted(0x70, 12))}
	stretched := argon2.IDKey([]byte(two.Passphrase), counted(0x50, 32), two.Time, two.Memory, two.Threads, 32)
	two.Stretched = hex.EncodeToString(stretched)
	two.seal(header, dataKey, stretched, epoch)
	v.Slots = []slotVector{one, two}
	slots := sha256.Sum256(join(be32(146), unhex(one.Slot), be32(146), unhex(two.Slot)))
	v.SlotDigest = hex.EncodeToString(slots[:])
	v.makeRecords(k)
	digest := make([]byte, 32)
	for _, r := range v.Records {
		if r.Part == 2 {
			box := unhex(r.Box)
			for i, b := range hmac256(k.set, unhex(r.ID), box[:9], box[len(box)-16:]) {
				digest[i] ^= b
			}
		}
	}
	v.SetDigest = hex.EncodeToString(digest)
	v.State = boxVector{Part: 1, ID: hex.EncodeToString(make([]byte, 32)), Revision: 9, Nonce: hex.EncodeToString(counted(0xc0, 12))}
	v.State.Plaintext = hex.EncodeToString(join(be64(9), be64(20), be64(2), digest, slots[:], []byte{1}))
	v.State.seal(k)
	return v
}

func (v *vectors) makeRecords(k readerKeys) {
	value := "täglich"
	secretBody := join([]byte{1, 1, 0, 0, 15, 0, 13}, []byte("*.example.com"), []byte{0, 0, 0})
	for i, r := range []struct {
		kind        byte
		name, value string
		body        []byte
	}{{1, "token", value, secretBody}, {5, "vault key", v.KeyText, nil}} {
		id := k.recordID(r.kind, r.name)
		plaintext := join([]byte{r.kind}, be64(1700000000000), be64(1700000001000), be64(uint64(8+i)),
			[]byte{0, byte(len(r.name))}, []byte(r.name), []byte{0, 0, byte(len(r.body))}, r.body)
		record := boxVector{Part: 2, Type: r.kind, Name: r.name, ID: hex.EncodeToString(id), Revision: 9, Nonce: hex.EncodeToString(counted(byte(0xd0+i), 12)), Plaintext: hex.EncodeToString(plaintext)}
		record.seal(k)
		box := boxVector{Part: 3, Type: r.kind, Name: r.name, ID: hex.EncodeToString(id), Revision: uint64(8 + i), Nonce: hex.EncodeToString(counted(byte(0xe0+i), 12)), Plaintext: hex.EncodeToString([]byte(r.value))}
		box.seal(k)
		v.Records = append(v.Records, record, box)
	}
}

func (s *slotVector) seal(header, dataKey, secret []byte, epoch uint32) {
	head := join([]byte{s.Kind}, be32(epoch), unhex(s.Salt), be32(s.Time), be32(s.Memory), []byte{s.Threads})
	wrap, mac := slotKeysOf(secret, unhex(s.Salt), header[12:28], be32(epoch))
	slot := join(head, gcm(wrap).Seal(unhex(s.Nonce), unhex(s.Nonce), dataKey, join(header, head)))
	slot = join(slot, hmac256(mac, header, slot))
	s.WrapKey, s.MACKey = hex.EncodeToString(wrap), hex.EncodeToString(mac)
	s.Slot = hex.EncodeToString(join(slot, first(8, slot)))
}

func (b *boxVector) seal(k readerKeys) {
	content := unhex(b.Plaintext)
	padded := join(be32(uint32(len(content))), content)
	size := 64
	for size < len(padded) {
		size *= 2
	}
	padded = append(padded, make([]byte, size-len(padded))...)
	head := join([]byte{1}, be64(b.Revision))
	b.Box = hex.EncodeToString(join(head, gcm(k.record).Seal(unhex(b.Nonce), unhex(b.Nonce), padded, k.associated(b.Part, unhex(b.ID), be64(b.Revision)))))
}

// The vectors are what the document says; package seal runs the same file.
func TestVectorsAreWhatTheDocumentSays(t *testing.T) {
	const path = "seal/testdata/vectors.json"
	made := makeVectors()
	if *update {
		writeJSON(t, path, made)
	}
	var want vectors
	readJSON(t, path, &want)
	if diff := cmp.Diff(want, made); diff != "" {
		t.Fatal(diff)
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func parseKey(t testing.TB, text string) *seal.VaultKey {
	t.Helper()
	key, err := seal.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
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

func writeJSON(t testing.TB, path string, from any) {
	t.Helper()
	text, err := json.MarshalIndent(from, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, append(text, '\n'))
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, to, content)
}

func writeFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
