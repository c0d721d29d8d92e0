// Package vaulttest gives tests a vault in a folder of their own, a key store in
// memory, and, on Linux, a real password manager on a bus of its own.
package vaulttest

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"postern/vault"
)

// Keys is a KeyStore in memory. The zero Keys is empty and ready.
type Keys struct {
	mu      sync.Mutex
	entries map[string]string
	// Refuse, when set, is what every call returns.
	Refuse error
}

// Get implements vault.KeyStore.
func (k *Keys) Get(_ context.Context, name string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.Refuse != nil {
		return "", k.Refuse
	}
	text, found := k.entries[name]
	if !found {
		return "", vault.ErrKeyNotStored
	}
	return text, nil
}

// Set implements vault.KeyStore.
func (k *Keys) Set(_ context.Context, name, text string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.Refuse != nil {
		return k.Refuse
	}
	if k.entries == nil {
		k.entries = map[string]string{}
	}
	k.entries[name] = text
	return nil
}

// Delete implements vault.KeyStore.
func (k *Keys) Delete(_ context.Context, name string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.Refuse != nil {
		return k.Refuse
	}
	delete(k.entries, name)
	return nil
}

// Len counts the entries.
func (k *Keys) Len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.entries)
}

// All returns a copy of the entries.
func (k *Keys) All() map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.entries)
}

// SetAll replaces the entries.
func (k *Keys) SetAll(entries map[string]string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.entries = maps.Clone(entries)
}

// Accounts returns the vaults in a new folder, locked again when the test ends.
func Accounts(t testing.TB, options vault.Options) (*vault.Accounts, string) {
	t.Helper()
	if options.Dir == "" {
		options.Dir = filepath.Join(t.TempDir(), "vaults")
	}
	if options.Keys == nil {
		options.Keys = &Keys{}
	}
	accounts := vault.NewAccounts(options)
	t.Cleanup(func() { accounts.LockAll(vault.LockerExit) })
	return accounts, options.Dir
}

// New returns an open vault with the given secrets, by name.
func New(t testing.TB, secrets map[string]string) *vault.Vault {
	t.Helper()
	accounts, _ := Accounts(t, vault.Options{})
	v := accounts.Vault(vault.LocalAccount)
	if _, err := v.Create(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	for name, value := range secrets {
		if _, err := v.Set(t.Context(), name, vault.Edit{Value: []byte(value)}); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// HurryRaceDetector keeps programs that are built with the race detector, and are
// started from now on, from waiting a second for late reports when they end: tests
// start hundreds of them, most of which have one goroutine.
func HurryRaceDetector() {
	os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
}
