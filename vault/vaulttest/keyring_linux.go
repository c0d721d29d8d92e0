package vaulttest

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// Bus starts a D-Bus session bus of the test's own, with no services to
// activate, and points the process at it.
func Bus(t testing.TB) (address string) {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "bus.conf")
	text := `<busconfig><type>session</type><listen>unix:dir=` + dir + `</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out := start(t, "dbus-daemon", "dbus", nil, "--config-file="+conf, "--nofork", "--print-address")
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal("dbus-daemon ended at once:", err)
	}
	address = strings.TrimSpace(line)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
	return address
}

// Keyring starts a real gnome-keyring, unlocked and empty, on a bus of its own.
func Keyring(t testing.TB) {
	t.Helper()
	address := Bus(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_DATA_HOME", filepath.Join(home, "data"))
	t.Setenv("XDG_RUNTIME_DIR", home)
	start(t, "gnome-keyring-daemon", "gnome-keyring", strings.NewReader("test password"), "--foreground", "--unlock", "--components=secrets", "--control-directory="+home)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	deadline := time.Now().Add(20 * time.Second)
	for {
		var collection dbus.ObjectPath
		err := conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets").Call("org.freedesktop.Secret.Service.ReadAlias", 0, "default").Store(&collection)
		if err == nil && collection != "/" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("gnome-keyring did not start: %v, %v", collection, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// start runs a program until the test ends and returns its output.
func start(t testing.TB, program, debianPackage string, stdin io.Reader, args ...string) io.Reader {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is missing: install the package %s", program, debianPackage)
	}
	cmd := exec.Command(path, args...)
	cmd.Stdin = stdin
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return out
}
