package main

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
)

// openBrowser shows the address in the owner's browser. The address holds a
// token that is good once; others of this user may see it in the process list
// and could read the owner's files as well.
func openBrowser(address string) error {
	name, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	case "darwin":
		name = "open"
	default:
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
			return errors.New("there is no display")
		}
	}
	program, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	browser := exec.Command(program, args...)
	if err := browser.Start(); err != nil {
		return err
	}
	// Some desktops keep the opener running as long as the browser.
	return browser.Process.Release()
}
