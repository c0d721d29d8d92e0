package vault_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/google/go-cmp/cmp"

	"postern/vault"
	"postern/vault/seal"
	"postern/vault/vaulttest"
)

// damageTruth is what a child needs to judge a damaged vault.
type damageTruth struct {
	Key     string
	Anchor  map[string]string
	Secrets map[string]plainSecret
}

const testPage = 4096

// variation returns the n-th damaged copy of a file, nil after the last.
type variation func(good []byte, n int) []byte

var variations = map[string]variation{
	// flip turns one bit of each byte.
	"flip even": func(good []byte, n int) []byte { return flip(good, 2*n*flipStep) },
	"flip odd":  func(good []byte, n int) []byte { return flip(good, 2*n*flipStep+1) },
	"zero": func(good []byte, n int) []byte {
		if n*512 >= len(good) {
			return nil
		}
		bad := bytes.Clone(good)
		clear(bad[n*512 : n*512+512])
		return bad
	},
	"cut": func(good []byte, n int) []byte {
		if n*512 >= len(good) {
			return nil
		}
		return good[:n*512]
	},
	// copy writes one page over another.
	"copy": func(good []byte, n int) []byte {
		pages := len(good) / testPage
		from, to := n/pages, n%pages
		if from >= pages {
			return nil
		}
		bad := bytes.Clone(good)
		copy(bad[to*testPage:(to+1)*testPage], good[from*testPage:])
		return bad
	},
	// point makes each pointer of a branch page point to each page, its own included.
	"point": func(good []byte, n int) []byte {
		pages := len(good) / testPage
		at := branchPointers(good)
		if n/pages >= len(at) {
			return nil
		}
		bad := bytes.Clone(good)
		binary.LittleEndian.PutUint64(bad[at[n/pages]:], uint64(n%pages))
		return bad
	},
}

func flip(good []byte, n int) []byte {
	if n >= len(good) {
		return nil
	}
	bad := bytes.Clone(good)
	bad[n] ^= 1 << ((n/2 + n/16) % 8)
	return bad
}

func branchPointers(file []byte) (offsets []int) {
	for page := 2 * testPage; page < len(file); page += testPage {
		if binary.LittleEndian.Uint16(file[page+8:]) == 1 {
			for i := range int(binary.LittleEndian.Uint16(file[page+10:])) {
				offsets = append(offsets, page+16+i*16+8)
			}
		}
	}
	return offsets
}

// Whatever happens to a vault file, either everything in it is right or the vault
// says that it is damaged or older; and the process goes on.
func TestDamagedFile(t *testing.T) {
	for _, c := range []struct {
		kind        string
		secrets     int
		least, most int
	}{
		{"flip even", 3, 10_000 / flipStep, 100_000}, {"flip odd", 3, 10_000 / flipStep, 100_000}, {"zero", 3, 30, 400}, {"cut", 3, 30, 400}, {"copy", 3, 49, 1000},
		{"point", 120, 500, 20_000}, {"zero", 120, 100, 2000},
	} {
		t.Run(fmt.Sprint(c.kind, c.secrets), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			prepareDamage(t, dir, c.secrets)
			lines := runChild(t, 2*time.Minute, "damage", dir, c.kind)
			for _, line := range lines {
				if strings.HasPrefix(line, "wrong") {
					t.Error(line)
				}
			}
			tried, noticed := countLines(lines, "try "), countLines(lines, "noticed")
			if tried < c.least || tried > c.most || noticed < 3 {
				t.Errorf("%d damaged files, %d noticed", tried, noticed)
			}
			t.Logf("%d damaged files: %d noticed, the others whole", tried, noticed)
		})
	}
}

func prepareDamage(t *testing.T, dir string, secrets int) {
	t.Helper()
	keys := &vaulttest.Keys{}
	v := reopen(t, filepath.Join(dir, "vaults"), keys)
	key, err := v.Create(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range secrets {
		set(t, v, fmt.Sprint("secret ", i), vault.Edit{Value: []byte(fmt.Sprint("value ", i)), Domains: &[]string{"a.example.com"}})
	}
	if err := v.Delete(t.Context(), "secret 1"); err != nil {
		t.Fatal(err)
	}
	truth := damageTruth{Key: key.Text(), Secrets: everything(t, v)}
	v.Lock(vault.LockerOwner)
	truth.Anchor = keys.All()
	writeJSON(t, filepath.Join(dir, "truth.json"), truth)
}

func damageChild(args []string) error {
	dir, variation := args[0], variations[args[1]]
	var truth damageTruth
	text, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &truth); err != nil {
		return err
	}
	path := vaultFile(filepath.Join(dir, "vaults"))
	good, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	key, err := seal.ParseKey(truth.Key)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		bad := variation(good, n)
		if bad == nil {
			return os.WriteFile(path, good, 0o600)
		}
		fmt.Println("try", n)
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			return err
		}
		found := truth.judge(filepath.Dir(path), key)
		if found == "whole" && (!strings.HasPrefix(args[1], "flip") || n%4 == 0) {
			found = soundForBolt(path)
		}
		fmt.Println(found, n)
	}
}

// judge opens a damaged vault and says what came of it in one word.
func (truth damageTruth) judge(dir string, key *seal.VaultKey) string {
	keys := &vaulttest.Keys{}
	keys.SetAll(truth.Anchor)
	v := vault.NewAccounts(vault.Options{Dir: dir, Keys: keys}).Vault(vault.LocalAccount)
	defer v.Lock(vault.LockerExit)
	err := v.Open(context.Background(), key)
	switch {
	case errors.Is(err, vault.ErrDamaged), errors.Is(err, vault.ErrOlderCopy):
		return "noticed"
	case err != nil:
		return "wrong error " + strconv.Quote(err.Error())
	}
	if s := v.Status(); s.Secrets != len(truth.Secrets) {
		return fmt.Sprintf("wrong count %d", s.Secrets)
	}
	for name, want := range truth.Secrets {
		value, err := v.Reveal(context.Background(), name)
		if errors.Is(err, vault.ErrDamaged) {
			return "noticed"
		}
		if err != nil || string(value) != want.Value {
			return fmt.Sprintf("wrong value of %q, %v", name, err)
		}
	}
	return "whole"
}

// harmless is what bbolt's check says of a page that nobody uses, and of the head
// of a meta page, which every commit writes anew.
var harmless = regexp.MustCompile(`unreachable unfreed|Page expected to be: [01],|page [01]: has unexpected type`)

// soundForBolt asks bbolt's own check, which a file that opened must pass: else
// the next write might do harm.
func soundForBolt(path string) string {
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		return "wrong for bbolt: " + err.Error()
	}
	defer db.Close()
	found := "whole"
	_ = db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			if !harmless.MatchString(err.Error()) {
				found = "wrong for bbolt: " + err.Error()
			}
		}
		return nil
	})
	return found
}

// edit changes a locked vault file as somebody could who has no key.
func editFile(t *testing.T, dir string, change func(records, values, meta *bolt.Bucket) error) {
	t.Helper()
	db, err := bolt.Open(vaultFile(dir), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		return change(tx.Bucket([]byte("records")), tx.Bucket([]byte("values")), tx.Bucket([]byte("postern")))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// entries returns copies of a bucket's keys and values in order.
func entries(b *bolt.Bucket) (keys, values [][]byte) {
	_ = b.ForEach(func(k, v []byte) error {
		keys, values = append(keys, bytes.Clone(k)), append(values, bytes.Clone(v))
		return nil
	})
	return keys, values
}

func TestRecordsThatSomebodyMoved(t *testing.T) {
	for what, change := range map[string]func(records, values, meta *bolt.Bucket) error{
		"two records exchanged": func(records, _, _ *bolt.Bucket) error {
			k, v := entries(records)
			return errors.Join(records.Put(k[0], v[1]), records.Put(k[1], v[0]))
		},
		"a record deleted": func(records, _, _ *bolt.Bucket) error {
			k, _ := entries(records)
			return records.Delete(k[0])
		},
		"a record deleted with its value": func(records, values, _ *bolt.Bucket) error {
			k, _ := entries(records)
			return errors.Join(records.Delete(k[0]), values.Delete(k[0]))
		},
		"a record added": func(records, _, _ *bolt.Bucket) error {
			_, v := entries(records)
			return records.Put(make([]byte, 32), v[0])
		},
		"a value put for a record": func(records, values, _ *bolt.Bucket) error {
			k, _ := entries(records)
			return records.Put(k[0], values.Get(k[0]))
		},
		"a record with a key of another size": func(records, _, _ *bolt.Bucket) error { return records.Put([]byte("short"), []byte("x")) },
		"the state deleted":                   func(_, _, meta *bolt.Bucket) error { return meta.Delete([]byte("state")) },
		"the slot deleted":                    func(_, _, meta *bolt.Bucket) error { return meta.Delete([]byte("slot/key")) },
		"a passphrase slot added": func(_, _, meta *bolt.Bucket) error {
			return meta.Put([]byte("slot/passphrase"), meta.Get([]byte("slot/key")))
		},
		"the header deleted": func(_, _, meta *bolt.Bucket) error { return meta.Delete([]byte("header")) },
	} {
		t.Run(what, func(t *testing.T) {
			v, dir, keys, _ := newVault(t)
			set(t, v, "one", vault.Edit{Value: []byte("1")})
			set(t, v, "two", vault.Edit{Value: []byte("2")})
			v.Lock(vault.LockerOwner)
			editFile(t, dir, change)
			if err := reopen(t, dir, keys).Open(t.Context(), nil); !errors.Is(err, vault.ErrDamaged) {
				t.Fatalf("open: %v", err)
			}
		})
	}
}

// Values are sealed apart from records, and are checked when they are used.
func TestValuesThatSomebodyMoved(t *testing.T) {
	v, dir, keys, _ := newVault(t)
	set(t, v, "one", vault.Edit{Value: []byte("old")})
	set(t, v, "two", vault.Edit{Value: []byte("2")})
	v.Lock(vault.LockerOwner)
	var ids, old [][]byte
	editFile(t, dir, func(_, values, _ *bolt.Bucket) error { ids, old = entries(values); return nil })
	v = reopen(t, dir, keys)
	open(t, v)
	set(t, v, "one", vault.Edit{Value: []byte("new")})
	set(t, v, "two", vault.Edit{Value: []byte("newer")})
	v.Lock(vault.LockerOwner)
	good, err := os.ReadFile(vaultFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(_, values, _ *bolt.Bucket) error{
		"older": func(_, values, _ *bolt.Bucket) error {
			return errors.Join(values.Put(ids[0], old[0]), values.Put(ids[1], old[1]), values.Put(ids[2], old[2]))
		},
		"exchanged": func(_, values, _ *bolt.Bucket) error {
			_, now := entries(values)
			return errors.Join(values.Put(ids[0], now[1]), values.Put(ids[1], now[2]), values.Put(ids[2], now[0]))
		},
		"gone": func(_, values, _ *bolt.Bucket) error {
			return errors.Join(values.Delete(ids[0]), values.Delete(ids[1]), values.Delete(ids[2]))
		},
	} {
		t.Run(what, func(t *testing.T) {
			writeFile(t, vaultFile(dir), good)
			editFile(t, dir, change)
			v := reopen(t, dir, keys)
			open(t, v)
			for _, name := range []string{"one", "two"} {
				if value, err := v.Reveal(t.Context(), name); !errors.Is(err, vault.ErrDamaged) {
					t.Errorf("%s: %q, %v", name, value, err)
				}
			}
			_, err := v.Resolve(t.Context(), vault.Template{URL: "https://a.example", Texts: []string{"{{vault:one}}"}}, nil, vault.Purpose{}, true)
			if !errors.Is(err, vault.ErrDamaged) {
				t.Errorf("resolve: %v", err)
			}
			v.Lock(vault.LockerOwner)
		})
	}
}

func open(t testing.TB, v *vault.Vault) {
	t.Helper()
	if err := v.Open(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// A whole older file is sound in itself; the generation in the password manager
// gives it away. A newer one is what a crash leaves.
func TestOlderCopyOfTheWholeFile(t *testing.T) {
	v, dir, keys, key := newVault(t)
	set(t, v, "one", vault.Edit{Value: []byte("1")})
	v.Lock(vault.LockerOwner)
	older, err := os.ReadFile(vaultFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	anchors := keys.All()
	open(t, v)
	set(t, v, "one", vault.Edit{Value: []byte("2")})
	v.Lock(vault.LockerOwner)
	newer, err := os.ReadFile(vaultFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, vaultFile(dir), older)
	for what, by := range map[string]*seal.VaultKey{"stored key": nil, "typed key": parseKey(t, key)} {
		if err := reopen(t, dir, keys).Open(t.Context(), by); !errors.Is(err, vault.ErrOlderCopy) {
			t.Errorf("%s: %v", what, err)
		}
	}
	writeFile(t, vaultFile(dir), newer)
	keys.SetAll(anchors)
	open(t, reopen(t, dir, keys))
}

// A slot of an earlier key does not come back alone.
func TestSlotOfARotatedKeyPutBack(t *testing.T) {
	v, dir, keys, oldKey := newVault(t)
	v.Lock(vault.LockerOwner)
	var slot []byte
	editFile(t, dir, func(_, _, meta *bolt.Bucket) error { slot = bytes.Clone(meta.Get([]byte("slot/key"))); return nil })
	v = reopen(t, dir, keys)
	open(t, v)
	if _, err := v.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.Lock(vault.LockerOwner)
	editFile(t, dir, func(_, _, meta *bolt.Bucket) error { return meta.Put([]byte("slot/key"), slot) })
	if err := reopen(t, dir, keys).Open(t.Context(), parseKey(t, oldKey)); !errors.Is(err, vault.ErrDamaged) {
		t.Fatalf("open: %v", err)
	}
}

func TestDamageNeverMakesAnEmptyVault(t *testing.T) {
	for what, content := range map[string][]byte{"empty": {}, "other": []byte("not a vault"), "zeros": make([]byte, 64<<10)} {
		dir := t.TempDir()
		writeFile(t, vaultFile(dir), content)
		v := reopen(t, dir, &vaulttest.Keys{})
		if err := v.Open(t.Context(), seal.NewVaultKey()); !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("%s: open: %v", what, err)
		}
		if _, err := v.Create(t.Context(), false); !errors.Is(err, vault.ErrVaultExists) {
			t.Errorf("%s: create: %v", what, err)
		}
		if s := v.Status(); s.State != vault.StateLocked {
			t.Errorf("%s: %+v", what, s)
		}
		got, err := os.ReadFile(vaultFile(dir))
		if diff := cmp.Diff(content, got); err != nil || diff != "" {
			t.Errorf("%s: the file was changed: %v", what, err)
		}
		if err := v.SignOut(t.Context()); err != nil {
			t.Errorf("%s: sign-out: %v", what, err)
		}
		if s := v.Status(); s.State != vault.StateNone {
			t.Errorf("%s: after sign-out %+v", what, s)
		}
	}
}
