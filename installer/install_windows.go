package installer

import (
	"errors"
	"fmt"
	"unicode/utf16"

	"golang.org/x/sys/windows/registry"
)

const (
	runKey      = `Software\Microsoft\Windows\CurrentVersion\Run`
	approvedKey = `Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`

	// maxRunCommand is the documented limit of a Run value, in UTF-16 units.
	maxRunCommand = 260
)

func install(argv []string) error {
	command := runCommand(argv)
	if n := len(utf16.Encode([]rune(command))); n > maxRunCommand {
		return fmt.Errorf("command %q has %d characters and Windows starts none over %d: move the program to a shorter path", command, n, maxRunCommand)
	}
	key, _, err := registry.CreateKey(registry.CURRENT_USER, runKey, registry.SET_VALUE)
	if err != nil {
		return fmt.Errorf("registry key %q: %w", runKey, err)
	}
	defer key.Close()
	if err := key.SetStringValue(appName, command); err != nil {
		return fmt.Errorf("registry key %q: %w", runKey, err)
	}
	// The user's earlier "off" outlives the entry it was about.
	return withKey(approvedKey, registry.SET_VALUE, deleteValue)
}

func uninstall() error {
	return errors.Join(
		withKey(runKey, registry.SET_VALUE, deleteValue),
		withKey(approvedKey, registry.SET_VALUE, deleteValue))
}

func installed() (bool, error) {
	var command string
	var approved []byte
	err := errors.Join(
		withKey(runKey, registry.QUERY_VALUE, func(key registry.Key) (err error) {
			command, _, err = key.GetStringValue(appName)
			return err
		}),
		withKey(approvedKey, registry.QUERY_VALUE, func(key registry.Key) (err error) {
			approved, _, err = key.GetBinaryValue(appName)
			return err
		}))
	return err == nil && command != "" && startupApproved(approved), err
}

func deleteValue(key registry.Key) error { return key.DeleteValue(appName) }

// withKey lets use work on one of the user's keys. A key or value that is not there
// is no error.
func withKey(path string, access uint32, use func(registry.Key) error) error {
	key, err := registry.OpenKey(registry.CURRENT_USER, path, access)
	if err == nil {
		defer key.Close()
		err = use(key)
	}
	if err != nil && !errors.Is(err, registry.ErrNotExist) {
		return fmt.Errorf("registry key %q: %w", path, err)
	}
	return nil
}
