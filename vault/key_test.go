package vault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"postern/vault"
	"postern/vault/seal"
	"postern/vault/vaulttest"
)

func TestRotateKeepsEverySecret(t *testing.T) {
	for what, rotate := range map[string]func(*vault.Vault) (*seal.VaultKey, error){
		"key":  func(v *vault.Vault) (*seal.VaultKey, error) { return v.Rotate(context.Background()) },
		"deep": func(v *vault.Vault) (*seal.VaultKey, error) { return v.RotateDeep(context.Background()) },
	} {
		t.Run(what, func(t *testing.T) {
			v, dir, keys, oldKey := newVault(t)
			fill(t, v)
			want := everything(t, v)
			key, err := rotate(v)
			if err != nil {
				t.Fatal(err)
			}
			sameSecrets(t, v, want)
			set(t, v, "after", vault.Edit{Value: []byte("rotation")})
			shown, err := v.Key()
			if err != nil || shown.Text() != key.Text() || key.Text() == oldKey {
				t.Fatal("the vault shows another key than it was given:", err)
			}
			v.Lock(vault.LockerOwner)
			v = reopen(t, dir, keys)
			if err := v.Open(t.Context(), parseKey(t, oldKey)); !errors.Is(err, vault.ErrWrongKey) {
				t.Fatalf("the old key: %v", err)
			}
			open(t, v)
			want["after"] = plainSecret{Value: "rotation", Enabled: true, Domains: []string{}}
			sameSecrets(t, v, want)
			v.Lock(vault.LockerOwner)
			if err := v.Open(t.Context(), key); err != nil {
				t.Fatal("the new key:", err)
			}
			if n := keys.Len(); n != 2 {
				t.Fatalf("%d entries in the password manager: %v", n, keys.All())
			}
		})
	}
}

func sameSecrets(t testing.TB, v *vault.Vault, want map[string]plainSecret) {
	t.Helper()
	got := everything(t, v)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("secrets %v, want %v", got, want)
	}
}

// After a deep rotation no old copy of a slot or box is left, in the file or beside it.
func TestDeepRotationLeavesNothingOfTheOldFile(t *testing.T) {
	v, dir, _, _ := newVault(t)
	fill(t, v)
	v.Lock(vault.LockerOwner)
	old, err := os.ReadFile(vaultFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	held, err := os.Open(vaultFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	open(t, v)
	if _, err := v.RotateDeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	now, err := os.ReadFile(vaultFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	replaced := make([]byte, len(old))
	if _, err := held.ReadAt(replaced, 0); err != nil {
		t.Fatal(err)
	}
	for at := 0; at+64 <= len(old); at += 64 {
		part := old[at : at+64]
		if bytes.Count(part, []byte{0}) < 16 && (bytes.Contains(now, part) || bytes.Contains(replaced, part)) {
			t.Fatalf("64 bytes at %d of the old file are still there", at)
		}
	}
	if left := leftovers(t, dir); len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
}

// leftovers lists what is in the folder beside the vault.
func leftovers(t testing.TB, dir string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Name() != "local.vault" {
			names = append(names, f.Name())
		}
	}
	return names
}

// failingKeys refuses its n-th call from now, and all that follow until mended.
type failingKeys struct {
	vaulttest.Keys
	left int
}

var errRefused = fmt.Errorf("refused: %w", vault.ErrPasswordManagerLocked)

func (k *failingKeys) refuses() bool { k.left--; return k.left < 0 }

func (k *failingKeys) Get(ctx context.Context, name string) (string, error) {
	if k.refuses() {
		return "", errRefused
	}
	return k.Keys.Get(ctx, name)
}

func (k *failingKeys) Set(ctx context.Context, name, text string) error {
	if k.refuses() {
		return errRefused
	}
	return k.Keys.Set(ctx, name, text)
}

func (k *failingKeys) Delete(ctx context.Context, name string) error {
	if k.refuses() {
		return errRefused
	}
	return k.Keys.Delete(ctx, name)
}

const willing = 1 << 30

// Wherever the password manager stops to answer, the vault opens by itself at the
// next start, and every secret is there.
func TestRotationCutOffAtEachCall(t *testing.T) {
	for calls := range 8 {
		keys := &failingKeys{left: willing}
		accounts, dir := vaulttest.Accounts(t, vault.Options{Keys: keys})
		v := accounts.Vault(vault.LocalAccount)
		if _, err := v.Create(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		fill(t, v)
		want := everything(t, v)
		keys.left = calls
		key, err := v.Rotate(t.Context())
		if (err != nil) != (calls == 0) {
			t.Errorf("%d calls answered: %v", calls, err)
		}
		keys.left = willing
		v.Lock(vault.LockerOwner)
		v = reopen(t, dir, keys)
		open(t, v)
		sameSecrets(t, v, want)
		if key != nil {
			v.Lock(vault.LockerOwner)
			if err := v.Open(t.Context(), key); err != nil {
				t.Errorf("%d calls answered: the key that was shown: %v", calls, err)
			}
		}
	}
}

// A key that is not kept is rotated without the password manager.
func TestRotationWithoutAPasswordManager(t *testing.T) {
	keys := &failingKeys{}
	accounts, _ := vaulttest.Accounts(t, vault.Options{Keys: keys})
	v := accounts.Vault(vault.LocalAccount)
	if _, err := v.Create(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	key, err := v.RotateDeep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v.Lock(vault.LockerOwner)
	if err := v.Open(t.Context(), key); err != nil {
		t.Fatal(err)
	}
}

func TestEpochIsRenewedByItself(t *testing.T) {
	v, dir, keys, key := newVault(t)
	v.SetSealLimit(50)
	passphrase := []byte("correct horse battery staple")
	if err := v.SetPassphrase(t.Context(), passphrase); err != nil {
		t.Fatal(err)
	}
	want := map[string]plainSecret{}
	for i := range 60 {
		name := fmt.Sprint("secret ", i%6)
		set(t, v, name, vault.Edit{Value: fmt.Append(nil, i)})
		want[name] = plainSecret{Value: fmt.Sprint(i), Enabled: true, Domains: []string{}}
		if seals, _ := v.Seals(); seals > 55 {
			t.Fatalf("one data key sealed %d boxes", seals)
		}
	}
	if _, epoch := v.Seals(); epoch < 4 {
		t.Fatalf("epoch %d after 60 changes", epoch)
	}
	sameSecrets(t, v, want)
	v.Lock(vault.LockerOwner)
	v = reopen(t, dir, keys)
	for how, err := range map[string]error{
		"typed key": v.Open(t.Context(), parseKey(t, key)), "passphrase": v.OpenWithPassphrase(t.Context(), passphrase),
	} {
		if err != nil {
			t.Errorf("%s: %v", how, err)
		}
	}
	sameSecrets(t, v, want)
}

func TestPassphrase(t *testing.T) {
	v, dir, keys, key := newVault(t)
	passphrase := []byte("correct horse battery staple")
	if err := v.SetPassphrase(t.Context(), []byte("elf letters")); !isInvalid(err) {
		t.Errorf("11 characters: %v", err)
	}
	if err := v.RemovePassphrase(t.Context()); !errors.Is(err, vault.ErrNoPassphrase) {
		t.Errorf("remove none: %v", err)
	}
	if err := v.SetPassphrase(t.Context(), passphrase); err != nil {
		t.Fatal(err)
	}
	if _, err := v.RotateDeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.Lock(vault.LockerOwner)
	v = reopen(t, dir, keys)
	if err := v.OpenWithPassphrase(t.Context(), []byte("correct horse battery stable")); !errors.Is(err, vault.ErrWrongKey) {
		t.Errorf("wrong: %v", err)
	}
	if err := v.OpenWithPassphrase(t.Context(), passphrase); err != nil {
		t.Fatal("after a deep rotation:", err)
	}
	if err := v.RemovePassphrase(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.Lock(vault.LockerOwner)
	if err := v.OpenWithPassphrase(t.Context(), passphrase); !errors.Is(err, vault.ErrNoPassphrase) {
		t.Errorf("removed: %v", err)
	}
	if err := v.SetPassphrase(t.Context(), passphrase); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("set while locked: %v", err)
	}
	_ = key
}

func isInvalid(err error) bool {
	_, ok := errors.AsType[*vault.InvalidError](err)
	return ok
}

func TestKeepAndForgetTheKey(t *testing.T) {
	v, dir, keys, key := newVault(t)
	if err := v.ForgetKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.Lock(vault.LockerOwner)
	if n := keys.Len(); n != 0 {
		t.Fatalf("%d entries after forgetting: %v", n, keys.All())
	}
	v = reopen(t, dir, keys)
	if s := v.Status(); s.KeyStored {
		t.Errorf("%+v", s)
	}
	if err := v.Open(t.Context(), nil); !errors.Is(err, vault.ErrKeyNotStored) {
		t.Errorf("without a key: %v", err)
	}
	if err := v.Open(t.Context(), parseKey(t, key)); err != nil {
		t.Fatal(err)
	}
	if err := v.StoreKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.Lock(vault.LockerOwner)
	open(t, v)
}

// An entry that somebody removed from the password manager is noticed.
func TestEntryThatIsGone(t *testing.T) {
	v, dir, keys, _ := newVault(t)
	v.Lock(vault.LockerOwner)
	keys.SetAll(nil)
	v = reopen(t, dir, keys)
	if s := v.Status(); !s.KeyStored {
		t.Fatalf("before anybody asked: %+v", s)
	}
	if err := v.Open(t.Context(), nil); !errors.Is(err, vault.ErrKeyNotStored) {
		t.Fatal(err)
	}
	if s := v.Status(); s.KeyStored {
		t.Fatalf("after: %+v", s)
	}
}

func TestResetMakesAnEmptyVault(t *testing.T) {
	v, dir, keys, oldKey := newVault(t)
	fill(t, v)
	v.Lock(vault.LockerOwner)
	refusing := &vaulttest.Keys{Refuse: vault.ErrNoPasswordManager}
	if _, err := reopen(t, dir, refusing).Reset(t.Context(), true); !errors.Is(err, vault.ErrNoPasswordManager) {
		t.Fatalf("no password manager: %v", err)
	}
	key, err := v.Reset(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if s := v.Status(); s.State != vault.StateOpen || s.Secrets != 0 || keys.Len() != 1 {
		t.Fatalf("%+v, %d entries", s, keys.Len())
	}
	v.Lock(vault.LockerOwner)
	if err := v.Open(t.Context(), parseKey(t, oldKey)); !errors.Is(err, vault.ErrWrongKey) {
		t.Fatalf("the old key: %v", err)
	}
	if err := v.Open(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if left := leftovers(t, dir); len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
	if _, err := reopen(t, t.TempDir(), keys).Reset(t.Context(), false); !errors.Is(err, vault.ErrNoVault) {
		t.Fatalf("reset of nothing: %v", err)
	}
}

func TestSignOutDeletesForGood(t *testing.T) {
	v, dir, keys, key := newVault(t)
	set(t, v, "token", vault.Edit{Value: []byte("x")})
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.Link(vaultFile(dir), copied); err != nil {
		t.Fatal(err)
	}
	if err := v.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(copied)
	if err != nil || bytes.Count(content, []byte{0}) != len(content) {
		t.Fatal("the file was unlinked and not overwritten:", err)
	}
	if keys.Len() != 0 || len(leftovers(t, dir)) != 0 {
		t.Fatalf("left behind: %v, %v", keys.All(), leftovers(t, dir))
	}
	for what, err := range map[string]error{
		"open": v.Open(t.Context(), parseKey(t, key)), "sign-out": v.SignOut(t.Context()), "set": second(v.Set(t.Context(), "a", vault.Edit{Value: []byte("b")})),
	} {
		if !errors.Is(err, vault.ErrNoVault) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := v.Create(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if err := v.Open(t.Context(), parseKey(t, key)); !errors.Is(err, vault.ErrWrongKey) {
		t.Fatalf("the old key on the next vault: %v", err)
	}
}

func second(_ vault.Secret, err error) error { return err }

// A password manager that refuses leaves a sign-out for the next start, which
// must not touch a vault that was made since, whatever has become of that.
func TestSignOutFinishedAtTheNextStart(t *testing.T) {
	for what, spoil := range map[string]func([]byte) []byte{
		"new vault":         func(b []byte) []byte { return b },
		"damaged new vault": func(b []byte) []byte { clear(b[4096:]); clear(b[:4096]); return b },
	} {
		t.Run(what, func(t *testing.T) {
			v, dir, keys, _ := newVault(t)
			keys.Refuse = vault.ErrPasswordManagerLocked
			if err := v.SignOut(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s := v.Status(); s.State != vault.StateNone {
				t.Fatalf("%+v", s)
			}
			if _, err := v.Create(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			v.Lock(vault.LockerOwner)
			kept, err := os.ReadFile(vaultFile(dir))
			if err != nil {
				t.Fatal(err)
			}
			kept = spoil(kept)
			writeFile(t, vaultFile(dir), kept)
			keys.Refuse = nil
			if err := vault.NewAccounts(vault.Options{Dir: dir, Keys: keys}).FinishSignOuts(t.Context()); err != nil {
				t.Fatal(err)
			}
			now, err := os.ReadFile(vaultFile(dir))
			if err != nil || !bytes.Equal(now, kept) {
				t.Fatal("the vault that was made since was changed:", err)
			}
			if keys.Len() != 0 || len(leftovers(t, dir)) != 0 {
				t.Fatalf("left behind: %v, %v", keys.All(), leftovers(t, dir))
			}
		})
	}
}
