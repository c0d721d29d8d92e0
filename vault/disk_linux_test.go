package vault_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"postern/vault"
	"postern/vault/vaulttest"
)

// mayMount runs the test once more where it may mount, if it may not here: as root
// of a user namespace of its own. False means that this has been done.
func mayMount(t *testing.T) bool {
	t.Helper()
	if os.Getuid() == 0 {
		return true
	}
	again := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("in a user namespace (where those are forbidden, run the tests as root): %v\n%s", err, out)
	}
	return false
}

// smallDisk mounts a tmpfs of a few pages.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("a small disk needs the right to mount (run the tests as root): %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func isStorage(err error) bool {
	_, ok := errors.AsType[*vault.StorageError](err)
	return ok
}

// On a full disk every change is refused by name, what was saved stays, is read,
// and changes go on once there is room.
func TestDiskFull(t *testing.T) {
	if !mayMount(t) {
		return
	}
	disk := smallDisk(t, "512k")
	accounts, _ := vaulttest.Accounts(t, vault.Options{Dir: filepath.Join(disk, "vaults")})
	v := accounts.Vault(vault.LocalAccount)
	if _, err := v.Create(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	set(t, v, "kept", vault.Edit{Value: []byte("first")})
	want := everything(t, v)
	ballast := filepath.Join(disk, "ballast")
	fillDisk(t, ballast)
	refused := 0
	for range 20 {
		_, err := v.Set(t.Context(), "large", vault.Edit{Value: make([]byte, vault.MaxValue)})
		if err == nil {
			t.Fatal("64 KiB were saved on a full disk")
		}
		if !isStorage(err) {
			t.Fatalf("%v", err)
		}
		refused++
		sameSecrets(t, v, want)
	}
	if _, err := v.RotateDeep(t.Context()); !isStorage(err) {
		t.Errorf("deep rotation: %v", err)
	}
	sameSecrets(t, v, want)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	set(t, v, "after", vault.Edit{Value: []byte("room")})
	v.Lock(vault.LockerOwner)
	open(t, v)
	want["after"] = plainSecret{Value: "room", Enabled: true, Domains: []string{}}
	sameSecrets(t, v, want)
	if left := leftovers(t, filepath.Join(disk, "vaults")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
}

func TestCreateOnAFullDisk(t *testing.T) {
	if !mayMount(t) {
		return
	}
	disk := smallDisk(t, "64k")
	fillDisk(t, filepath.Join(disk, "ballast"))
	keys := &vaulttest.Keys{}
	accounts, _ := vaulttest.Accounts(t, vault.Options{Dir: filepath.Join(disk, "vaults"), Keys: keys})
	v := accounts.Vault(vault.LocalAccount)
	if _, err := v.Create(t.Context(), true); !isStorage(err) {
		t.Fatal(err)
	}
	if s := v.Status(); s.State != vault.StateNone || keys.Len() != 0 {
		t.Fatalf("%+v, %v", s, keys.All())
	}
}

func TestReadOnlyDisk(t *testing.T) {
	if !mayMount(t) {
		return
	}
	disk := smallDisk(t, "1m")
	dir, keys := filepath.Join(disk, "vaults"), &vaulttest.Keys{}
	v := reopen(t, dir, keys)
	if _, err := v.Create(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	v.Lock(vault.LockerOwner)
	if err := unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if err := v.Open(t.Context(), nil); !isStorage(err) {
		t.Errorf("open: %v", err)
	}
	if s := reopen(t, dir, keys).Status(); s.State != vault.StateLocked || !s.KeyStored {
		t.Errorf("%+v", s)
	}
	if err := v.SignOut(t.Context()); !isStorage(err) {
		t.Errorf("sign-out: %v", err)
	}
	if _, err := reopen(t, filepath.Join(disk, "other"), keys).Create(t.Context(), false); !isStorage(err) {
		t.Errorf("create: %v", err)
	}
}

// The bytes of a value that is nowhere in the clear: not in the data folder, in
// no form. The control finds it in a plain file.
func TestNothingReadableOnDisk(t *testing.T) {
	if _, err := exec.LookPath("grep"); err != nil {
		t.Fatal("grep is missing: install the package grep")
	}
	v, dir, _, _ := newVault(t)
	for i := range 200 {
		name, value := canary("name", i), canary("value", i)
		set(t, v, name, vault.Edit{Value: []byte(value), Domains: &[]string{canary("domain", i) + ".example"}})
	}
	if _, err := v.RotateDeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.Lock(vault.LockerOwner)
	writeFile(t, filepath.Join(dir, "control"), []byte(canary("value", 7)))
	hits := 0
	for _, file := range append(leftovers(t, dir), "local.vault") {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		n := countCanaries(content)
		if file != "control" && n > 0 {
			t.Errorf("%s: %d canaries in the clear", file, n)
		}
		hits += n
	}
	if hits == 0 {
		t.Error("the control was not seen")
	}
}
