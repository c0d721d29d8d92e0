package vault_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"postern/vault"
	"postern/vault/seal"
	"postern/vault/vaulttest"
)

func init() {
	children["memory"] = memoryChild
	children["harden"] = hardenChild
}

// keptForScan is the control: a copy that an ordinary program would hold.
var keptForScan []byte

// memoryChild opens a vault whose key comes on standard input, uses its secrets
// and waits in each state until it has been looked at.
func memoryChild(args []string) error {
	in := bufio.NewReader(os.Stdin)
	stage := func(name string) error {
		for range 3 {
			runtime.GC()
		}
		fmt.Println(name)
		_, err := in.ReadString('\n')
		return err
	}
	line, err := in.ReadString('\n')
	if err != nil {
		return err
	}
	key, err := seal.ParseKey(line)
	if err != nil {
		return err
	}
	v := vault.NewAccounts(vault.Options{Dir: args[0], Keys: &vaulttest.Keys{}}).Vault(vault.LocalAccount)
	if err := v.Open(context.Background(), key); err != nil {
		return err
	}
	key.Wipe()
	for range 200 {
		value, err := v.Reveal(context.Background(), "canary")
		if err != nil {
			return err
		}
		if len(args) > 1 && keptForScan == nil {
			keptForScan = bytes.Clone(value)
		}
		clear(value)
	}
	if err := stage("open"); err != nil {
		return err
	}
	v.Lock(vault.LockerOwner)
	return stage("locked")
}

// largestMapping is above what the heap of Go maps at once, and below what the
// race detector does.
const largestMapping = 128 << 20

// scanMemory counts a run of bytes in all that can be read of a process.
func scanMemory(t *testing.T, pid int, needles ...[]byte) []int {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	counts := make([]int, len(needles))
	for _, line := range strings.Split(string(maps), "\n") {
		var from, to int64
		var mode string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); n != 3 || mode[0] != 'r' || to-from > largestMapping {
			continue
		}
		data := make([]byte, to-from)
		n, _ := mem.ReadAt(data, from)
		data = data[:n]
		for i, needle := range needles {
			counts[i] += bytes.Count(data, needle)
		}
	}
	return counts
}

// What is left of values and key in the memory of an idle open vault and of a
// locked one. Values are wiped by whoever asked for them; the control keeps one,
// and must be seen.
func TestMemoryOfAnIdleVault(t *testing.T) {
	v, dir, _, key := newVault(t)
	value := []byte("canary-" + strings.ToLower(seal.NewVaultKey().Text()))
	set(t, v, "canary", vault.Edit{Value: value})
	v.Lock(vault.LockerOwner)
	rawKey, err := keyOfText(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, control := range []bool{false, true} {
		args := []string{"memory", dir}
		if control {
			args = append(args, "control")
		}
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		child := exec.Command(self, args...)
		in, err := child.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(in, key)
		lines := bufio.NewScanner(out)
		for _, state := range []string{"open", "locked"} {
			if !lines.Scan() || lines.Text() != state {
				t.Fatalf("the child says %q", lines.Text())
			}
			counts := scanMemory(t, child.Process.Pid, value, rawKey)
			t.Logf("%s, control %v: %d copies of the value, %d of the key", state, control, counts[0], counts[1])
			if (counts[0] > 0) != control {
				t.Errorf("%s, control %v: %d copies of the value", state, control, counts[0])
			}
			if counts[1] > allowedKeyCopies {
				t.Errorf("%s: %d copies of the vault key", state, counts[1])
			}
			fmt.Fprintln(in)
		}
		if err := child.Wait(); err != nil {
			t.Error(err)
		}
	}
}

func hardenChild([]string) error {
	if err := vault.Harden(); err != nil {
		return err
	}
	var core unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &core); err != nil {
		return err
	}
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		return err
	}
	var stat unix.Stat_t
	if err := unix.Stat("/proc/self/mem", &stat); err != nil {
		return err
	}
	fmt.Println(core.Cur, core.Max, dumpable, stat.Uid)
	return nil
}

func TestHarden(t *testing.T) {
	if lines := runChild(t, testDeadline, "harden"); lines[0] != "0 0 0 0" {
		t.Fatalf("core limits, dumpable and owner of the memory file: %q", lines)
	}
}
