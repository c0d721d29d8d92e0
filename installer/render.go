package installer

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"
)

// desktopEntry is the text of an XDG autostart entry. TryExec makes sessions skip it
// without a complaint once the program is gone.
func desktopEntry(argv []string) string {
	words := make([]string, len(argv))
	for i, arg := range argv {
		words[i] = quoteExec(arg)
	}
	return fmt.Sprintf(`[Desktop Entry]
Type=Application
Name=%s
Comment=Keeps secrets on this computer and lets allowed web apps use them
Icon=%s
Exec=%s
TryExec=%s
Terminal=false
StartupNotify=false
`, appName, appID, escapeValue(strings.Join(words, " ")), escapeValue(argv[0]))
}

// desktopOverride is the user's entry that switches a system-wide one of the same
// file name off.
const desktopOverride = `[Desktop Entry]
Type=Application
Name=` + appName + `
Hidden=true
`

var (
	execPlain   = regexp.MustCompile(`^[\w./:=@,+%-]+$`)
	execEscapes = strings.NewReplacer(`"`, `\"`, "`", "\\`", `$`, `\$`, `\`, `\\`)
)

// quoteExec writes one argument of an Exec line. The Desktop Entry Specification lets
// any argument be quoted, names the four characters that need a backslash between the
// quotes, and doubles a percent sign that begins no field code.
func quoteExec(arg string) string {
	doubled := strings.ReplaceAll(arg, "%", "%%")
	if execPlain.MatchString(arg) {
		return doubled
	}
	return `"` + execEscapes.Replace(doubled) + `"`
}

// escapeValue applies the escapes of every string value, which come on top of those
// of an Exec line.
func escapeValue(value string) string { return strings.ReplaceAll(value, `\`, `\\`) }

// launchAgent is the text of a macOS LaunchAgent. It has no KeepAlive: a Postern that
// its user quits stays away until the next login.
func launchAgent(argv []string) string {
	var words strings.Builder
	for _, arg := range argv {
		words.WriteString("\t\t<string>")
		// A strings.Builder takes every write.
		_ = xml.EscapeText(&words, []byte(arg))
		words.WriteString("</string>\n")
	}
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>%s</string>
	<key>ProgramArguments</key>
	<array>
%s	</array>
	<key>RunAtLoad</key>
	<true/>
	<key>LimitLoadToSessionType</key>
	<string>Aqua</string>
	<key>ProcessType</key>
	<string>Interactive</string>
</dict>
</plist>
`, appID, words.String())
}

// runCommand is the command line of a Run key. The program is always quoted: unquoted,
// C:\Program Files\... would first try C:\Program.exe.
func runCommand(argv []string) string {
	words := []string{`"` + argv[0] + `"`}
	for _, arg := range argv[1:] {
		words = append(words, quoteWindows(arg))
	}
	return strings.Join(words, " ")
}

var (
	quoteAndBackslashes = regexp.MustCompile(`(\\*)"`)
	lastBackslashes     = regexp.MustCompile(`(\\+)$`)
)

// quoteWindows writes one argument for CommandLineToArgvW, which takes a backslash as
// itself unless a run of them stands before a quote.
func quoteWindows(arg string) string {
	if arg != "" && !strings.ContainsAny(arg, " \t\"") {
		return arg
	}
	arg = quoteAndBackslashes.ReplaceAllString(arg, `$1$1\"`)
	return `"` + lastBackslashes.ReplaceAllString(arg, `$1$1`) + `"`
}
