package vault_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/vault"
	"postern/vault/vaulttest"
)

// children are what the test program does when it is started with one of these
// names as its first argument.
var children = map[string]func(args []string) error{
	vault.KeyringCommand: func([]string) error { return vault.KeyringMain(os.Stdin, os.Stdout) },
	"damage":             damageChild,
	"work":               workChild,
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if child := children[os.Args[1]]; child != nil {
			if err := child(os.Args[2:]); err != nil {
				fmt.Println("child:", err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	vaulttest.HurryRaceDetector()
	os.Exit(m.Run())
}

// testDeadline is how long a child may take that should take no time.
const testDeadline = time.Minute

// runChild runs one of the children and returns its lines. A child that dies, or
// that is not done at the deadline, fails the test with the last line it wrote.
func runChild(t *testing.T, deadline time.Duration, args ...string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(ctx, self, args...)
	child.Stderr = child.Stdout
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for scan := bufio.NewScanner(out); scan.Scan(); {
		lines = append(lines, scan.Text())
	}
	if err := child.Wait(); err != nil {
		t.Fatalf("the child ended with %v (%v) after %q", err, ctx.Err(), lines[max(0, len(lines)-8):])
	}
	return lines
}

// newVault returns an open vault with its folder, key store and key text.
func newVault(t testing.TB) (v *vault.Vault, dir string, keys *vaulttest.Keys, key string) {
	t.Helper()
	keys = &vaulttest.Keys{}
	accounts, dir := vaulttest.Accounts(t, vault.Options{Keys: keys})
	v = accounts.Vault(vault.LocalAccount)
	k, err := v.Create(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	return v, dir, keys, k.Text()
}

// reopen gives the same vault to a process that starts anew.
func reopen(t testing.TB, dir string, keys vault.KeyStore) *vault.Vault {
	t.Helper()
	accounts, _ := vaulttest.Accounts(t, vault.Options{Dir: dir, Keys: keys})
	return accounts.Vault(vault.LocalAccount)
}

func vaultFile(dir string) string { return filepath.Join(dir, "local.vault") }

func countLines(lines []string, prefix string) (n int) {
	for _, line := range lines {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}
