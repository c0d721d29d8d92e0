package installer_test

import (
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"postern/installer"
)

const approvedKey = `Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`

// freshUser replaces the user's part of the registry, for this process, by an empty key.
func freshUser(t *testing.T) {
	t.Helper()
	const path = `Software\PosternTest`
	key, _, err := registry.CreateKey(registry.CURRENT_USER, path, registry.ALL_ACCESS)
	if err != nil {
		t.Fatal(err)
	}
	call(t, "RegOverridePredefKey", uintptr(registry.CURRENT_USER), uintptr(key))
	t.Cleanup(func() {
		call(t, "RegOverridePredefKey", uintptr(registry.CURRENT_USER), 0)
		key.Close()
		call(t, "RegDeleteTreeW", uintptr(registry.CURRENT_USER), uintptr(unsafe.Pointer(windows.StringToUTF16Ptr(path))))
	})
}

func call(t *testing.T, name string, args ...uintptr) {
	t.Helper()
	if status, _, _ := windows.NewLazySystemDLL("advapi32.dll").NewProc(name).Call(args...); status != 0 {
		t.Fatalf("%s: %v", name, windows.Errno(status))
	}
}

func TestSwitchInTaskManager(t *testing.T) {
	freshUser(t)
	options := installer.Options{Exe: program(t, "a folder")}
	if err := installer.Install(options); err != nil {
		t.Fatal(err)
	}
	key, _, err := registry.CreateKey(registry.CURRENT_USER, approvedKey, registry.SET_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	if err := key.SetBinaryValue("Postern", []byte{3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	wantInstalled(t, false)
	if err := installer.Install(options); err != nil {
		t.Fatal(err)
	}
	wantInstalled(t, true)
}

func TestCommandTooLongForWindows(t *testing.T) {
	freshUser(t)
	err := installer.Install(installer.Options{Exe: program(t, "a folder"), Args: []string{strings.Repeat("x", 260)}})
	if err == nil || !strings.Contains(err.Error(), "shorter path") {
		t.Errorf("Install = %v", err)
	}
	wantInstalled(t, false)
}
