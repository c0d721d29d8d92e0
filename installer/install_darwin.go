package installer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// install only writes the file. launchd reads the folder at each login, and
// `launchctl bootstrap` would, because of RunAtLoad, start a second Postern now.
func install(argv []string) error {
	path, err := agentFile()
	if err != nil {
		return err
	}
	return writeFile(path, launchAgent(argv))
}

// uninstall only removes the file. `launchctl bootout` would end the Postern that
// launchd started, perhaps the very one that is running this.
func uninstall() error {
	path, err := agentFile()
	if err != nil {
		return err
	}
	return removeFile(path)
}

// installed knows the switch in the file. The one that System Settings and
// `launchctl disable` set is launchd's own, in no file that a program may read.
func installed() (bool, error) {
	path, err := agentFile()
	if err != nil {
		return false, err
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return launchAgentEnabled(text)
}

func agentFile() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no folder for LaunchAgents: %w", err)
	}
	return filepath.Join(home, "Library", "LaunchAgents", appID+".plist"), nil
}
