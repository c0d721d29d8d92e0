package installer

import (
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

var awkward = []string{
	"/opt/Postern é/100%/$HOME/`id`/it's \"it\"/back\\slash/postern",
	"start", "--hidden", "", "a b", `C:\dir\`, `C:\a b\`, `\\"quoted\"`, "50%", "%U", "$HOME `id`", "<&>", "~", "鍵",
}

func TestGolden(t *testing.T) {
	for name, text := range map[string]string{
		"entry.desktop":    desktopEntry(awkward),
		"override.desktop": desktopOverride,
		"agent.plist":      launchAgent(awkward),
		"run.txt":          runCommand(append([]string{`C:\Program Files\Postern\postern.exe`}, awkward[1:]...)) + "\n",
	} {
		file := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), text); diff != "" {
			t.Errorf("%s (run with -update if this is meant):\n%s", name, diff)
		}
	}
}

func TestEveryArgumentComesBack(t *testing.T) {
	readers := map[string]func(argv []string) []string{
		"desktop entry": func(argv []string) []string { return readDesktopEntry(desktopEntry(argv)) },
		"launch agent":  func(argv []string) []string { return readLaunchAgent(launchAgent(argv)) },
		"run command":   func(argv []string) []string { return readCommandLine(runCommand(argv)) },
	}
	// Characters that quoting is about come up often; all others may.
	char := rapid.OneOf(
		rapid.SampledFrom([]rune("\\\\\\\"\"'`$%% =~;#&*?<>()|abé")),
		rapid.Rune().Filter(func(r rune) bool { return r >= ' ' && r != 0x7f && r != 0xfffe && r != 0xffff }))
	for name, read := range readers {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			args := rapid.SliceOf(rapid.StringOf(char)).Draw(t, "args")
			argv := append([]string{"/opt/a program"}, args...)
			if diff := cmp.Diff(argv, read(argv)); diff != "" {
				t.Fatal(diff)
			}
		}))
	}
}

// readDesktopEntry reads Exec by the text of the Desktop Entry Specification: the
// escapes of a string value first, then quoting, then field codes.
func readDesktopEntry(text string) []string {
	exec := valueEscapes.Replace(desktopKeys(text)["Exec"])
	var argv []string
	for exec = strings.TrimLeft(exec, " "); exec != ""; exec = strings.TrimLeft(exec, " ") {
		var word strings.Builder
		if exec[0] != '"' {
			plain, rest, _ := strings.Cut(exec, " ")
			word.WriteString(plain)
			exec = rest
		} else {
			for exec = exec[1:]; exec[0] != '"'; exec = exec[1:] {
				if exec[0] == '\\' {
					exec = exec[1:]
				}
				word.WriteByte(exec[0])
			}
			exec = exec[1:]
		}
		argv = append(argv, strings.ReplaceAll(word.String(), "%%", "%"))
	}
	return argv
}

func readLaunchAgent(text string) []string {
	var plist struct {
		Argv []string `xml:"dict>array>string"`
	}
	if err := xml.Unmarshal([]byte(text), &plist); err != nil {
		return []string{err.Error()}
	}
	return plist.Argv
}

// readCommandLine splits as CommandLineToArgvW does.
func readCommandLine(line string) []string {
	program, line, _ := strings.Cut(strings.TrimPrefix(line, `"`), `"`)
	argv := []string{program}
	for line = strings.TrimLeft(line, " \t"); line != ""; line = strings.TrimLeft(line, " \t") {
		var word strings.Builder
		for quoted := false; line != "" && (quoted || line[0] != ' ' && line[0] != '\t'); {
			rest := strings.TrimLeft(line, `\`)
			backslashes := len(line) - len(rest)
			if !strings.HasPrefix(rest, `"`) {
				word.WriteString(line[:backslashes])
				if rest != "" && backslashes == 0 {
					word.WriteByte(rest[0])
					rest = rest[1:]
				}
			} else {
				word.WriteString(line[:backslashes/2])
				if backslashes%2 == 1 {
					word.WriteByte('"')
				} else {
					quoted = !quoted
				}
				rest = rest[1:]
			}
			line = rest
		}
		argv = append(argv, word.String())
	}
	return argv
}

func TestLaunchAgentSwitch(t *testing.T) {
	agent := launchAgent([]string{"/opt/postern"})
	for text, want := range map[string]bool{
		agent: true,
		strings.Replace(agent, "<dict>", "<dict><key>Disabled</key><true/>", 1):        false,
		strings.Replace(agent, "<dict>", "<dict><key>Disabled</key>\n<false/>", 1):     true,
		strings.Replace(agent, "<true/>", "<false/>", 1):                               false,
		`<plist version="1.0"><dict><key>Label</key><string>x</string></dict></plist>`: false,
		`<plist version="1.0"><dict/></plist>`:                                         false,
	} {
		got, err := launchAgentEnabled([]byte(text))
		if err != nil || got != want {
			t.Errorf("launchAgentEnabled = %v, %v; want %v for\n%s", got, err, want, text)
		}
	}
	if _, err := launchAgentEnabled([]byte("bplist00\xd1")); err == nil {
		t.Error("a binary property list was understood")
	}
}

// The bytes are what Task Manager writes: a state, then since when it is off.
func TestStartupApproved(t *testing.T) {
	for value, want := range map[string]bool{
		"":                                 true,
		"\x02\x00\x00\x00":                 true,
		"\x06\x00\x00\x00":                 true,
		"\x03\x00\x00\x00\x9c\x4e\x01\xd6": false,
		"\x07\x00\x00\x00":                 false,
	} {
		if got := startupApproved([]byte(value)); got != want {
			t.Errorf("startupApproved(%q) = %v", value, got)
		}
	}
}
