// Package installer makes Postern start when its user logs in, and stop doing so.
//
// Each system has one place that its own settings screens show, so that is where
// Postern writes, always for this user alone and never with more rights:
//
//   - Linux: an XDG autostart entry. It starts in a graphical session only, after
//     the panel that will hold the tray icon.
//   - macOS: a LaunchAgent with RunAtLoad.
//   - Windows: a value under the user's Run key.
//
// The switch belongs to the user. Every system lets its user turn an entry off
// without deleting it, and [Installed] reports what will happen at the next login,
// not whether something is written somewhere. [Install] is the user's own wish too:
// it turns such a switch on again.
//
// Some programs cannot be started by every session however carefully their path is
// quoted. Install refuses those instead of writing an entry that does nothing.
package installer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	appID   = "dev.postern.Postern"
	appName = "Postern"
)

// Options say what is started at login. The zero value means the program that is
// running, without arguments.
type Options struct {
	// Exe is the absolute path of the program. Empty means the program that is running.
	Exe string
	// Args are its arguments, passed on exactly as they are. Nil means none.
	Args []string
}

// Install makes the program start at each login of this user. Installing again
// replaces the entry.
func Install(o Options) error {
	argv, err := o.argv()
	if err != nil {
		return err
	}
	return install(argv)
}

// Uninstall keeps Postern from starting at login. It is no error if it did not.
func Uninstall() error { return uninstall() }

// Installed reports whether Postern will start at the next login.
func Installed() (bool, error) { return installed() }

// goRunFolder matches the two places where `go run` leaves a program: a folder that
// is deleted when the program ends, and the build cache, which is trimmed.
var goRunFolder = regexp.MustCompile(`[/\\](go-build\d+[/\\]b\d+|[0-9a-f]{64}-d)[/\\]`)

func (o Options) argv() ([]string, error) {
	exe := o.Exe
	if exe == "" {
		running, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("path of the running program: %w: give the path of the installed postern", err)
		}
		exe = running
	}
	if !filepath.IsAbs(exe) {
		return nil, fmt.Errorf("program %q is not an absolute path: give the whole path of the installed postern", exe)
	}
	if goRunFolder.MatchString(exe) {
		return nil, fmt.Errorf("program %q is a temporary build of go run and may be gone at the next login: "+
			"build one to keep (go build -o bin/postern ./agent) and enable start at login from that", exe)
	}
	exe, err := exec.LookPath(exe)
	if err != nil {
		return nil, fmt.Errorf("program to start at login: %w: give the path of an installed postern", err)
	}
	argv := append([]string{exe}, o.Args...)
	for _, arg := range argv {
		if !utf8.ValidString(arg) || strings.ContainsFunc(arg, unicode.IsControl) {
			return nil, fmt.Errorf("%q holds a control character or is not UTF-8, which no login entry can carry: choose another path or argument", arg)
		}
	}
	return argv, nil
}
