// Package tray puts Postern in the system tray: an icon with four looks and a
// menu, on Linux, macOS and Windows.
//
// State goes in, actions come out. The caller sends a State whenever something
// changed, and gets one of its Actions called when the owner chooses a row. The
// package knows nothing of vaults or bridges and decides nothing by itself.
//
//	states := make(chan tray.State, 1)
//	states <- tray.State{Vault: tray.VaultLocked, Version: "1.0.0"}
//	err := tray.Run(ctx, states, tray.Actions{Unlock: unlock, Quit: cancel})
//
// The menu itself is data: menu turns a State into rows, and a test reads them
// without a display. One goroutine owns the rows of the desktop and brings them
// in line with that data. They are made once and then only renamed, shown and
// hidden, because every tray library loses clicks or flickers when a menu is
// built anew while it is open.
//
// A row for an app or a question keeps its place while that app or question
// lasts, and a place that became free is the last to be used again. An owner
// who is about to press Allow thus never presses it for somebody else.
//
// # Libraries
//
// getlantern/systray serves Windows, macOS and, with the build tag appindicator
// (cgo and GTK), Linux. fyne.io/systray serves Linux by default: it speaks D-Bus
// in pure Go. Only the systray_*.go files know which one is in use. macOS needs
// cgo; without it the package compiles and Run says that there is no tray.
//
// Both libraries keep their state in package variables, so a process can Run a
// tray once.
package tray

import "context"

// VaultState says what the owner's vault is doing.
type VaultState string

// The states of a vault. The zero VaultState is read as VaultNone.
const (
	VaultNone   VaultState = "none"
	VaultLocked VaultState = "locked"
	VaultOpen   VaultState = "open"
)

// State is all that the tray shows. Texts may come from web pages: the tray
// drops what does not print and shortens what is long.
type State struct {
	Vault     VaultState
	Account   string
	Secrets   int
	Apps      []App
	Questions []Question
	Paused    bool
	OffLine   bool   // apps cannot reach the agent
	Autostart bool   // the agent starts at login
	Version   string // empty means unknown
	Problem   string // one plain sentence; empty means all is well
}

// App is a web application that the owner has allowed.
type App struct {
	Origin      string
	Name        string // as the app calls itself; may be empty
	Connections int    // zero means allowed, but no page of it is connected
}

// Question is something that waits for the owner's yes or no.
type Question struct {
	ID   string
	Text string // such as "app.example.com wants to connect"
	Code string // what the page shows, for the owner to compare; may be empty
}

// Actions are what the menu can do. The rows of a nil action are left out.
//
// Each call runs in a goroutine of its own, so that one that waits for the
// password manager does not hold up the menu; a second click on the same row is
// ignored until the first has returned. Run waits for the calls it made: they
// have to return soon after ctx ends.
type Actions struct {
	Unlock       func()
	Lock         func()
	OpenConsole  func()
	Disconnect   func(origin string)
	Forget       func(origin string)
	Answer       func(id string, allow bool)
	SetPaused    func(paused bool)
	SetAutostart func(on bool)

	// Quit is called when the owner chooses Quit, which also ends Run. It
	// should end the process's own work, and must not wait for Run.
	Quit func()

	// Closed has no row. It is called once and last of all when a tray that
	// was shown closes, whatever closed it. On macOS Run never returns after
	// it, and Windows ends the process soon after it at sign-out: whatever
	// has to be saved must be saved when Closed returns.
	Closed func()
}

// Run shows the tray until ctx ends or the owner chooses Quit. It blocks, and on
// macOS it must be called from the main goroutine. The icon appears with the
// first State received; closing states leaves the last one showing. A State must
// not be changed after it was sent.
//
// Run returns nil when it ended as asked, and otherwise an error that can be
// shown as it is: on Linux there is no session bus, or it went away. The caller
// can then go on without a tray.
func Run(ctx context.Context, states <-chan State, actions Actions) error {
	return run(ctx, states, actions)
}
