package tray

import (
	"fmt"
	"strings"
	"unicode"
)

// A desktop's menu rows are made once, so there is a fixed number for apps and
// for questions. A dozen apps still fit on a small screen. Few questions are ever
// open at once: only one app can pair at a time.
const (
	maxApps      = 12
	maxQuestions = 4
)

// maxTitle keeps a row narrower than a small screen.
const maxTitle = 96

// kind names a row's purpose.
type kind string

const (
	separator     kind = "separator"
	stateRow      kind = "state"
	problemRow    kind = "problem"
	unlockRow     kind = "unlock"
	lockRow       kind = "lock"
	consoleRow    kind = "console"
	questionRow   kind = "question"
	allowRow      kind = "allow"
	denyRow       kind = "deny"
	moreQuestions kind = "more questions"
	appsRow       kind = "apps"
	appRow        kind = "app"
	disconnectRow kind = "disconnect"
	forgetRow     kind = "forget"
	moreApps      kind = "more apps"
	pauseRow      kind = "pause"
	resumeRow     kind = "resume"
	autostartRow  kind = "autostart"
	versionRow    kind = "version"
	quitRow       kind = "quit"
)

// id tells a row apart from all others in a menu, and what a click on it means.
type id struct {
	kind    kind
	subject string // an app's origin or a question's ID, where the kind has many
}

// item is one visible row.
type item struct {
	id       id
	title    string
	tooltip  string
	enabled  bool
	checked  bool
	children []item
}

// look is one of the four ways that the icon can look.
type look string

const (
	lookLocked   look = "locked"
	lookOpen     look = "open"
	lookNeedsYou look = "needs-you"
	lookOffLine  look = "off-line"
)

// look puts first what the owner can do something about.
func (s State) look() look {
	switch {
	case len(s.Questions) > 0:
		return lookNeedsYou
	case s.OffLine:
		return lookOffLine
	case s.Problem != "":
		return lookNeedsYou
	case s.Paused:
		return lookOffLine
	case s.Vault == VaultOpen:
		return lookOpen
	default:
		return lookLocked
	}
}

// line is the state in a few words.
func (s State) line() string {
	switch {
	case len(s.Questions) == 1:
		return "Needs you: " + s.Questions[0].Text
	case len(s.Questions) > 1:
		return fmt.Sprintf("Needs you: %d questions", len(s.Questions))
	case s.OffLine:
		return "Off line"
	case s.Paused:
		return "Paused"
	case s.Vault == VaultOpen:
		return "Open · " + count(s.Secrets, "secret")
	case s.Vault == VaultLocked:
		return "Locked"
	default:
		return "No vault yet"
	}
}

// tooltip is what the icon says when pointed at.
func (s State) tooltip() string {
	text := s.line()
	if s.Problem != "" {
		text = s.Problem
	}
	return plain("Postern: " + text)
}

// menu is the rows that a state shows, in order. Of the actions it only asks
// which ones are there.
func menu(s State, can Actions) []item {
	rows := []item{{id: id{kind: stateRow}, title: plain(s.line()), tooltip: plain(s.Account)}}
	if s.Problem != "" {
		rows = append(rows, item{id: id{kind: problemRow}, title: plain(s.Problem)})
	}
	rows = append(rows, item{id: id{kind: separator}})
	rows = append(rows, vaultRows(s, can)...)
	rows = append(rows, questionRows(s, can)...)
	rows = append(rows, appRows(s, can)...)
	if hasVaultSection(can) {
		rows = append(rows, item{id: id{kind: separator}})
	}
	return append(rows, settingRows(s, can)...)
}

// hasVaultSection is decided by the actions alone and not by the state, since
// the libraries cannot hide a separator.
func hasVaultSection(can Actions) bool {
	return can.Unlock != nil || can.Lock != nil || can.OpenConsole != nil ||
		can.Answer != nil || can.Disconnect != nil || can.Forget != nil
}

func vaultRows(s State, can Actions) (rows []item) {
	if s.Vault == VaultLocked && can.Unlock != nil {
		rows = append(rows, choice(unlockRow, "", "Unlock"))
	}
	if s.Vault == VaultOpen && can.Lock != nil {
		rows = append(rows, choice(lockRow, "", "Lock"))
	}
	if can.OpenConsole != nil {
		rows = append(rows, choice(consoleRow, "", "Open vault"))
	}
	return rows
}

func questionRows(s State, can Actions) (rows []item) {
	if can.Answer == nil {
		return nil
	}
	for _, q := range s.Questions[:min(len(s.Questions), maxQuestions)] {
		title := q.Text
		if q.Code != "" {
			title += " · code " + q.Code
		}
		row := choice(questionRow, q.ID, title)
		row.children = []item{choice(allowRow, q.ID, "Allow"), choice(denyRow, q.ID, "Deny")}
		rows = append(rows, row)
	}
	if more := len(s.Questions) - maxQuestions; more > 0 {
		rows = append(rows, andMore(moreQuestions, more, can))
	}
	return rows
}

func appRows(s State, can Actions) []item {
	if len(s.Apps) == 0 || (can.Disconnect == nil && can.Forget == nil) {
		return nil
	}
	apps := choice(appsRow, "", "Connected apps")
	for _, app := range s.Apps[:min(len(s.Apps), maxApps)] {
		apps.children = append(apps.children, appItem(app, can))
	}
	if more := len(s.Apps) - maxApps; more > 0 {
		apps.children = append(apps.children, andMore(moreApps, more, can))
	}
	return []item{apps}
}

func appItem(app App, can Actions) item {
	row := choice(appRow, app.Origin, appTitle(app))
	if can.Disconnect != nil {
		disconnect := choice(disconnectRow, app.Origin, "Disconnect")
		disconnect.enabled = app.Connections > 0
		row.children = append(row.children, disconnect)
	}
	if can.Forget != nil {
		row.children = append(row.children, choice(forgetRow, app.Origin, "Forget"))
	}
	return row
}

// appTitle begins with the origin, which is proven; the name is only what the
// app says of itself.
func appTitle(app App) string {
	title := app.Origin
	if app.Name != "" && app.Name != app.Origin {
		title += " (" + shorten(app.Name, maxTitle/4) + ")"
	}
	if app.Connections == 0 {
		return title + " · not connected"
	}
	return title + " · " + count(app.Connections, "connection")
}

func settingRows(s State, can Actions) (rows []item) {
	if can.SetPaused != nil {
		if s.Paused {
			rows = append(rows, choice(resumeRow, "", "Resume"))
		} else {
			rows = append(rows, choice(pauseRow, "", "Pause"))
		}
	}
	if can.SetAutostart != nil {
		row := choice(autostartRow, "", "Start at login")
		row.checked = s.Autostart
		rows = append(rows, row)
	}
	version := strings.TrimSpace("Postern " + s.Version)
	rows = append(rows, item{id: id{kind: versionRow}, title: plain(version)})
	if can.Quit != nil {
		rows = append(rows, choice(quitRow, "", "Quit"))
	}
	return rows
}

func choice(kind kind, subject, title string) item {
	return item{id: id{kind, subject}, title: plain(title), enabled: true}
}

// andMore leads to the console, where the rest is.
func andMore(kind kind, n int, can Actions) item {
	row := choice(kind, "", fmt.Sprintf("and %d more", n))
	row.enabled = can.OpenConsole != nil
	return row
}

func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun + "s"
	case 1:
		return "1 " + noun
	default:
		return fmt.Sprintf("%d %ss", n, noun)
	}
}

// plain makes text fit for a row. Line breaks and direction marks would let a
// page write what looks like another row, and D-Bus refuses text that is not
// UTF-8.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		default:
			return -1
		}
	}, text)
	return shorten(text, maxTitle)
}

// shorten leaves out the middle. The end of a host name says who owns it, so the
// end has to stay.
func shorten(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	half := (limit - 1) / 2
	return string(runes[:half]) + "…" + string(runes[len(runes)-half:])
}
