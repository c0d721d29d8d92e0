package installer_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/installer"
)

const entryName = "autostart/dev.postern.Postern.desktop"

// freshUser gives the test a user, and a system, without any autostart entry.
func freshUser(t *testing.T) {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_DIRS", t.TempDir()+":relative:"+t.TempDir())
}

func userEntry() string {
	return filepath.Join(os.Getenv("XDG_CONFIG_HOME"), entryName)
}

// systemEntry is in the last of the system's folders, where only a search finds it.
func systemEntry() string {
	dirs := filepath.SplitList(os.Getenv("XDG_CONFIG_DIRS"))
	return filepath.Join(dirs[len(dirs)-1], entryName)
}

func TestEntryReallyStarts(t *testing.T) {
	folders := []string{"plain", "a folder", "it's", `"quoted"`, "$HOME", "`id`", "a;b&c|d", "~#?*()<>", "Пост 鍵"}
	args := []string{"start", "--hidden", "", "a b", "100%", "%U %%", `--home="/x y"`, "it's", "$HOME `id`", "~#?*()<>;&|", "a=b", "鍵"}
	for _, folder := range folders {
		t.Run(folder, func(t *testing.T) {
			freshUser(t)
			exe := program(t, folder)
			if err := installer.Install(installer.Options{Exe: exe, Args: args}); err != nil {
				t.Fatal(err)
			}
			wantInstalled(t, true)
			run(t, "desktop-file-validate", userEntry())
			got := startedBy(t, "gio", "launch", userEntry())
			if diff := cmp.Diff(append([]string{exe}, args...), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// dex is what window managers without a session of their own use. It finds entries
// and the user's overrides by the autostart specification.
func TestSessionStartsIt(t *testing.T) {
	freshUser(t)
	exe := program(t, "a folder")
	if err := installer.Install(installer.Options{Exe: exe, Args: []string{"start", "--hidden"}}); err != nil {
		t.Fatal(err)
	}
	got := startedBy(t, "dex", "--autostart")
	if diff := cmp.Diff([]string{exe, "start", "--hidden"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestUninstallOverridesASystemWideEntry(t *testing.T) {
	freshUser(t)
	exe := program(t, "packaged")
	text := "[Desktop Entry]\nType=Application\nName=Postern\nExec=" + exe + "\nTryExec=" + exe + "\n"
	write(t, systemEntry(), text)
	wantInstalled(t, true)
	if got := sessionWouldStart(t); !strings.Contains(got, exe) {
		t.Fatalf("the session does not know the system-wide entry: %q", got)
	}

	for range 2 {
		if err := installer.Uninstall(); err != nil {
			t.Fatal(err)
		}
		wantInstalled(t, false)
		if got := sessionWouldStart(t); got != "" {
			t.Errorf("the session would still run %q", got)
		}
		run(t, "desktop-file-validate", userEntry())
	}
	if got, err := os.ReadFile(systemEntry()); err != nil || string(got) != text {
		t.Errorf("the system's file changed: %q, %v", got, err)
	}

	if err := installer.Install(installer.Options{Exe: exe}); err != nil {
		t.Fatal(err)
	}
	wantInstalled(t, true)
}

func TestUninstallLeavesNothingBehind(t *testing.T) {
	freshUser(t)
	if err := installer.Install(installer.Options{Exe: program(t, "a folder")}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(userEntry()); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("entry: %v, %v", info, err)
	}
	if err := installer.Uninstall(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Dir(userEntry())); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestUsersSwitch(t *testing.T) {
	freshUser(t)
	options := installer.Options{Exe: program(t, "a folder")}
	for name, test := range map[string]struct {
		edit func(text string) string
		want bool
	}{
		"switched off in KDE or Xfce":    {func(text string) string { return text + "Hidden=true\n" }, false},
		"switched off in GNOME or MATE":  {func(text string) string { return text + "X-GNOME-Autostart-enabled = false \n" }, false},
		"switched on again":              {func(text string) string { return text + "Hidden=false\nX-GNOME-Autostart-enabled=true\n" }, true},
		"another group and a comment":    {func(text string) string { return text + "# Hidden=true\n[Desktop Action x]\nHidden=true\n" }, true},
		"masked by an empty file":        {func(string) string { return "" }, false},
		"program deleted since":          {func(text string) string { return strings.ReplaceAll(text, "a folder", "gone") }, false},
		"program in the path, not given": {func(string) string { return "[Desktop Entry]\r\nExec=sh\r\nTryExec=sh\r\n" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := installer.Install(options); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(userEntry())
			if err != nil {
				t.Fatal(err)
			}
			write(t, userEntry(), test.edit(string(text)))
			wantInstalled(t, test.want)
			if err := installer.Install(options); err != nil {
				t.Fatal(err)
			}
			wantInstalled(t, true)
		})
	}
}

func TestRefusesWhatSessionsCannotStart(t *testing.T) {
	freshUser(t)
	for _, options := range []installer.Options{
		{Exe: program(t, "100%")},
		{Exe: program(t, "a=b")},
		{Exe: program(t, `a\b`)},
		{Exe: program(t, "plain"), Args: []string{`a\b`}},
	} {
		if err := installer.Install(options); err == nil || !strings.Contains(err.Error(), "desktop sessions") {
			t.Errorf("Install(%q) = %v", options, err)
		}
	}
	wantInstalled(t, false)
}

// The running program is the default, unless go run started it: wherever this version
// of Go builds it, it will not be there for long.
func TestRunningProgram(t *testing.T) {
	freshUser(t)
	out := run(t, "go", "run", "./testdata/installself")
	if !strings.Contains(out, "is a temporary build of go run") {
		t.Errorf("go run: %s", out)
	}
	wantInstalled(t, false)

	exe := filepath.Join(t.TempDir(), "postern")
	run(t, "go", "build", "-buildvcs=false", "-o", exe, "./testdata/installself")
	run(t, exe)
	wantInstalled(t, true)
	if got := sessionWouldStart(t); !strings.Contains(got, exe) {
		t.Errorf("the session would run %q", got)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

var debianPackages = map[string]string{
	"desktop-file-validate": "desktop-file-utils",
	"dex":                   "dex",
	"gio":                   "libglib2.0-bin",
}

// run wants a command to succeed and returns what it printed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil && debianPackages[name] != "" {
		t.Fatalf("this test needs %s: apt-get install %s", name, debianPackages[name])
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// startedBy returns the arguments, program first, that a starter gave to a program.
func startedBy(t *testing.T, name string, args ...string) []string {
	t.Helper()
	report := filepath.Join(t.TempDir(), "argv")
	t.Setenv("POSTERN_TEST_ARGV", report)
	run(t, name, args...)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(report); err == nil {
			return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
		}
	}
	t.Fatalf("%s %q started nothing", name, args)
	return nil
}

func sessionWouldStart(t *testing.T) string {
	t.Helper()
	return run(t, "dex", "--autostart", "--dry-run")
}
