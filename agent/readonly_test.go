//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReadOnlyDataFolder starts the agent as a user who may not write there: a
// test that runs as root becomes nobody for it.
func TestReadOnlyDataFolder(t *testing.T) {
	program, err := exec.LookPath("postern")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	agent := exec.Command(program, "start", "--headless", "--port", "0")
	agent.Env = append(os.Environ(), "POSTERN_HOME="+filepath.Join(home, "data"))
	if os.Getuid() == 0 {
		agent.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		agent.Dir = "/"
		openToAll(t, home, program)
	} else if err := os.Chmod(home, 0o500); err != nil {
		t.Fatal(err)
	}
	out, err := agent.CombinedOutput()
	if agent.ProcessState.ExitCode() != exitFailed {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"cannot be written to", "--home"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("said %q, want %q in it", out, want)
		}
	}
	if entries, err := os.ReadDir(home); err != nil || len(entries) > 0 {
		t.Errorf("left %v, %v", entries, err)
	}
}

// openToAll lets another user look into the folders above, and run the program.
func openToAll(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		for ; path != "/" && path != os.TempDir(); path = filepath.Dir(path) {
			if err := os.Chmod(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
}
