package vault_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"postern/vault"
	"postern/vault/vaulttest"
)

func osKeyring(t *testing.T) vault.OSKeyring {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return vault.OSKeyring{Command: self}
}

func TestPasswordManagerKeepsTheKey(t *testing.T) {
	vaulttest.Keyring(t)
	dir := t.TempDir()
	accounts := func() *vault.Vault {
		return vault.NewAccounts(vault.Options{Dir: dir, Keys: osKeyring(t)}).Vault(vault.LocalAccount)
	}
	v := accounts()
	if _, err := v.Create(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Set(t.Context(), "token", vault.Edit{Value: []byte("s3cret")}); err != nil {
		t.Fatal(err)
	}
	v.Lock(vault.LockerOwner)

	again := accounts()
	if err := again.Open(t.Context(), nil); err != nil {
		t.Fatal("nobody typed anything:", err)
	}
	value, err := again.Reveal(t.Context(), "token")
	if err != nil || string(value) != "s3cret" {
		t.Fatalf("revealed %q, %v", value, err)
	}
	if err := again.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := storedEntries(t); n != 0 {
		t.Fatalf("%d entries are left in the password manager after sign-out", n)
	}
}

// storedEntries counts our items by the Secret Service API, not through our own code.
func storedEntries(t *testing.T) int {
	t.Helper()
	conn, err := dbus.Connect(os.Getenv("DBUS_SESSION_BUS_ADDRESS"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var unlocked, locked []dbus.ObjectPath
	err = conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets").Call(
		"org.freedesktop.Secret.Service.SearchItems", 0, map[string]string{"service": "Postern vault key"}).Store(&unlocked, &locked)
	if err != nil {
		t.Fatal(err)
	}
	return len(unlocked) + len(locked)
}

func TestPasswordManagerMissing(t *testing.T) {
	check := func(t *testing.T) {
		t.Helper()
		v := vault.NewAccounts(vault.Options{Dir: t.TempDir(), Keys: osKeyring(t)}).Vault(vault.LocalAccount)
		if _, err := v.Create(t.Context(), true); !errors.Is(err, vault.ErrNoPasswordManager) {
			t.Fatalf("create: %v", err)
		}
		if s := v.Status(); s.State != vault.StateNone {
			t.Fatalf("a vault whose key nobody has was left behind: %+v", s)
		}
		if _, err := v.Create(t.Context(), false); err != nil {
			t.Fatal("without the password manager:", err)
		}
	}
	t.Run("no bus", func(t *testing.T) {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
		t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
		check(t)
	})
	t.Run("dead bus", func(t *testing.T) {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+t.TempDir()+"/none")
		check(t)
	})
	t.Run("no service", func(t *testing.T) {
		vaulttest.Bus(t)
		check(t)
	})
}

func TestPasswordManagerLocked(t *testing.T) {
	vaulttest.Keyring(t)
	t.Setenv("DISPLAY", "")
	v := vault.NewAccounts(vault.Options{Dir: t.TempDir(), Keys: osKeyring(t)}).Vault(vault.LocalAccount)
	if _, err := v.Create(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	v.Lock(vault.LockerApp)
	lockKeyring(t)
	if err := v.Open(t.Context(), nil); !errors.Is(err, vault.ErrPasswordManagerLocked) {
		t.Fatalf("open: %v", err)
	}
}

func lockKeyring(t *testing.T) {
	t.Helper()
	conn, err := dbus.Connect(os.Getenv("DBUS_SESSION_BUS_ADDRESS"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	call := conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets").Call(
		"org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{"/org/freedesktop/secrets/aliases/default"})
	if call.Err != nil {
		t.Fatal(call.Err)
	}
}

// silentService owns the name of the Secret Service and never answers, as one
// does whose prompt nobody sees.
type silentService struct{ ended chan struct{} }

func (s silentService) LookupObject(dbus.ObjectPath) (dbus.ServerObject, bool) {
	<-s.ended
	return nil, false
}

func TestPasswordManagerThatNeverAnswers(t *testing.T) {
	address := vaulttest.Bus(t)
	silent := silentService{ended: make(chan struct{})}
	defer close(silent.ended)
	conn, err := dbus.Connect(address, dbus.WithHandler(silent))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.RequestName("org.freedesktop.secrets", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	keys := osKeyring(t)
	keys.PromptTime = 300 * time.Millisecond
	if _, err := keys.Get(t.Context(), "local"); !errors.Is(err, vault.ErrPasswordManagerLocked) {
		t.Fatalf("deadline: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	keys.PromptTime = 0
	if _, err := keys.Get(ctx, "local"); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
}

func TestKeyringChildPrintsNoKeyInItsArguments(t *testing.T) {
	vaulttest.Keyring(t)
	trace := t.TempDir() + "/arguments"
	script := t.TempDir() + "/child"
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := "#!/bin/sh\necho \"$@\" >> " + trace + "\nexec " + self + " \"$@\"\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	keys := vault.OSKeyring{Command: script}
	if err := keys.Set(t.Context(), "name", "the key text"); err != nil {
		t.Fatal(err)
	}
	seen, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(seen), "key text") {
		t.Fatalf("arguments: %s", seen)
	}
}
