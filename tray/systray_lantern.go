//go:build windows || (darwin && cgo) || (linux && appindicator)

package tray

import (
	"runtime"
	"strings"

	"github.com/getlantern/systray"
)

// What Linux has to know of the library: GTK ends the process when it finds no
// display, and libayatana-appindicator never stops listening for panels.
const (
	needsDisplay = true
	missesPanels = false
)

type menuItem = systray.MenuItem

// runLoop draws the first icon once the library is ready, and not before: on
// Windows and macOS there is nothing yet to draw it on.
func runLoop(first look, onReady, onExit func()) {
	systray.Run(func() {
		setIcon(first)
		onReady()
	}, onExit)
}

func quitLoop() { systray.Quit() }

// setIcon offers the same bytes for both kinds of icon, since iconFile holds
// what the system takes.
func setIcon(look look) { systray.SetTemplateIcon(iconFile(look), iconFile(look)) }

func setTooltip(text string) { systray.SetTooltip(text) }

func addSeparator() { systray.AddSeparator() }

func addItem(parent *menuItem, checkable bool) *menuItem {
	switch {
	case parent == nil && checkable:
		return systray.AddMenuItemCheckbox("", "", false)
	case parent == nil:
		return systray.AddMenuItem("", "")
	default:
		return parent.AddSubMenuItem("", "")
	}
}

// escape keeps Windows from taking an ampersand for a keyboard shortcut.
func escape(title string) string {
	if runtime.GOOS == "windows" {
		return strings.ReplaceAll(title, "&", "&&")
	}
	return title
}
