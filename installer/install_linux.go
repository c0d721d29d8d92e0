package installer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func install(argv []string) error {
	if err := startable(argv); err != nil {
		return err
	}
	path, err := userEntry()
	if err != nil {
		return err
	}
	return writeFile(path, desktopEntry(argv))
}

// uninstall overrides a system-wide entry, because deleting the user's file would
// bring that one back and the user may not delete it.
func uninstall() error {
	path, err := userEntry()
	if err != nil {
		return err
	}
	for _, system := range systemEntries() {
		if _, err := os.Stat(system); err == nil {
			return writeFile(path, desktopOverride)
		}
	}
	return removeFile(path)
}

// installed asks the most important entry only: one file hides all of the same name
// in the folders after it.
func installed() (bool, error) {
	path, err := userEntry()
	if err != nil {
		return false, err
	}
	for _, path := range append([]string{path}, systemEntries()...) {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		return desktopEnabled(string(text)), nil
	}
	return false, nil
}

// startable refuses what a correctly quoted entry still does not start. The
// specification forbids the equal sign in a program's path; GLib and systemd look a
// path with %% up before they turn that into a percent sign; and systemd's generator
// unescapes backslashes once too often.
func startable(argv []string) error {
	if strings.ContainsAny(argv[0], `=%\`) {
		return fmt.Errorf("program %q has one of = %% \\ in its path, which desktop sessions cannot start: move it to another folder", argv[0])
	}
	for _, arg := range argv[1:] {
		if strings.Contains(arg, `\`) {
			return fmt.Errorf("argument %q has a backslash, which desktop sessions do not pass on: use a path without one", arg)
		}
	}
	return nil
}

func userEntry() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no folder for autostart entries: %w", err)
	}
	return entryIn(dir), nil
}

func systemEntries() []string {
	dirs := os.Getenv("XDG_CONFIG_DIRS")
	if dirs == "" {
		dirs = "/etc/xdg"
	}
	var entries []string
	for _, dir := range filepath.SplitList(dirs) {
		if filepath.IsAbs(dir) {
			entries = append(entries, entryIn(dir))
		}
	}
	return entries
}

func entryIn(dir string) string {
	return filepath.Join(dir, "autostart", appID+".desktop")
}
