//go:build linux || darwin || windows

package installer_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"postern/installer"
)

func TestOffThenOnThenOff(t *testing.T) {
	freshUser(t)
	options := installer.Options{Exe: program(t, "a folder"), Args: []string{"start"}}
	wantInstalled(t, false)
	if err := installer.Uninstall(); err != nil {
		t.Fatalf("uninstall with nothing installed: %v", err)
	}
	for range 2 {
		if err := installer.Install(options); err != nil {
			t.Fatal(err)
		}
		wantInstalled(t, true)
	}
	for range 2 {
		if err := installer.Uninstall(); err != nil {
			t.Fatal(err)
		}
		wantInstalled(t, false)
	}
}

func TestRefusedPrograms(t *testing.T) {
	freshUser(t)
	dir, good := t.TempDir(), program(t, "good")
	for _, test := range []struct{ exe, arg, want string }{
		{exe: "postern", want: "not an absolute path"},
		{exe: filepath.Join(dir, "missing"), want: "give the path of an installed postern"},
		{exe: dir, want: "give the path of an installed postern"},
		{exe: filepath.Join(dir, "go-build123", "b001", "exe", "postern"), want: "temporary build of go run"},
		{exe: filepath.Join(dir, "de", strings.Repeat("0f", 32)+"-d", "postern"), want: "temporary build of go run"},
		{exe: good, arg: "two\nlines", want: "control character"},
		{exe: good, arg: "\xff", want: "not UTF-8"},
	} {
		err := installer.Install(installer.Options{Exe: test.exe, Args: []string{test.arg}})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Install(%q, %q) = %v, want %q", test.exe, test.arg, err, test.want)
		}
	}
	wantInstalled(t, false)
}

// program makes one called postern in a folder of that name. On Unix it writes its
// arguments, itself first and a NUL after each, to $POSTERN_TEST_ARGV.
func program(t *testing.T, folder string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), folder)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "postern")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	script := "#!/bin/sh\nprintf '%s\\0' \"$0\" \"$@\" > \"$POSTERN_TEST_ARGV.part\"\nmv \"$POSTERN_TEST_ARGV.part\" \"$POSTERN_TEST_ARGV\"\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantInstalled(t *testing.T, want bool) {
	t.Helper()
	if got, err := installer.Installed(); err != nil || got != want {
		t.Fatalf("Installed() = %v, %v; want %v", got, err, want)
	}
}
