//go:build powercut

package vault_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cutDisk is a file system in a file that can lose power.
type cutDisk struct{ image, dir string }

func newCutDisk(t *testing.T) cutDisk {
	t.Helper()
	d := cutDisk{filepath.Join(t.TempDir(), "image"), t.TempDir()}
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, 64<<20); err != nil {
		t.Fatal(err)
	}
	run(t, "e2fsprogs", "mkfs.ext4", "-q", d.image)
	d.mount(t)
	t.Cleanup(func() { _ = unix.Unmount(d.dir, unix.MNT_DETACH) })
	return d
}

func run(t *testing.T, debianPackage, program string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is missing: install the package %s", program, debianPackage)
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s (loop devices and root are needed)", program, args, err, out)
	}
}

func (d cutDisk) mount(t *testing.T) {
	t.Helper()
	run(t, "mount", "mount", "-o", "loop", d.image, d.dir)
}

// cut stops the file system at once and throws away what it had not written.
func (d cutDisk) cut(t *testing.T) {
	t.Helper()
	f, err := os.Open(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const (
		shutdown = 2<<30 | 4<<16 | 'X'<<8 | 125 // FS_IOC_SHUTDOWN
		noFlush  = 2
	)
	flag := uint32(noFlush)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), shutdown, uintptr(unsafe.Pointer(&flag))); errno != 0 {
		t.Fatal(errno)
	}
}

// cutRounds cuts the power round after round, and tells how many rounds lost
// something that was acknowledged.
func cutRounds(t *testing.T, rounds int, extra ...string) (lost int) {
	t.Helper()
	disk, keyDir := newCutDisk(t), t.TempDir()
	dir := filepath.Join(disk.dir, "vaults")
	var model workModel
	for round := range rounds {
		seed := strconv.Itoa(round + 1)
		did, pending := workRound(t, uint64(round), append([]string{dir, keyDir, seed}, extra...), func(p *os.Process) {
			disk.cut(t)
			_ = p.Kill()
			_, _ = p.Wait()
		})
		run(t, "mount", "umount", disk.dir)
		disk.mount(t)
		if len(extra) > 0 {
			if lost += lostUnsynced(t, dir, keyDir, model, did, pending); lost > 0 {
				return lost
			}
		}
		var kept bool
		if model, kept = judgeRound(t, dir, keyDir, model, did, pending); !kept {
			lost++
		}
	}
	return lost
}

// lostUnsynced is 1 when the vault cannot even be opened.
func lostUnsynced(t *testing.T, dir, keyDir string, model workModel, did []string, pending string) int {
	t.Helper()
	v, got, err := workVault(dir, keyDir)
	if err != nil {
		return 1
	}
	v.Lock(0)
	for _, op := range did {
		model = model.after(op)
	}
	if same := fmt.Sprint(got) == fmt.Sprint(model) || pending != "" && fmt.Sprint(got) == fmt.Sprint(model.after(pending)); !same {
		return 1
	}
	return 0
}

// A power cut at any moment loses nothing that was acknowledged. The control does
// not sync, and must lose something: else the rig cuts nothing.
func TestPowerCutAtAnyMoment(t *testing.T) {
	rounds := 40
	if text := os.Getenv("POSTERN_CUT_ROUNDS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	if lost := cutRounds(t, rounds); lost != 0 {
		t.Errorf("%d of %d power cuts lost what was acknowledged", lost, rounds)
	}
	if lost := cutRounds(t, 20, "nosync"); lost == 0 {
		t.Error("the control that does not sync lost nothing: the rig does not cut the power")
	}
}
