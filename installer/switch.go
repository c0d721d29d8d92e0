package installer

import (
	"encoding/xml"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// desktopEnabled reports whether a session will start this XDG autostart entry.
// Settings screens switch one off with Hidden (KDE, Xfce) or with GNOME's own key
// (GNOME, Cinnamon, MATE).
func desktopEnabled(text string) bool {
	keys := desktopKeys(text)
	if hidden, err := strconv.ParseBool(keys["Hidden"]); err == nil && hidden {
		return false
	}
	if enabled, err := strconv.ParseBool(keys["X-GNOME-Autostart-enabled"]); err == nil && !enabled {
		return false
	}
	if try := valueEscapes.Replace(keys["TryExec"]); try != "" {
		if _, err := exec.LookPath(try); err != nil {
			return false
		}
	}
	return keys["Exec"] != ""
}

var valueEscapes = strings.NewReplacer(`\\`, `\`, `\s`, " ", `\t`, "\t", `\n`, "\n", `\r`, "\r")

// asciiSpace is what may stand around a key and a value. Other spaces of Unicode are
// part of a file's name.
const asciiSpace = " \t\r\n\v\f"

// desktopKeys returns the raw values of the group that describes the program.
func desktopKeys(text string) map[string]string {
	keys := map[string]string{}
	group := ""
	for line := range strings.Lines(text) {
		line = strings.Trim(line, asciiSpace)
		if strings.HasPrefix(line, "[") {
			group = line
		}
		key, value, found := strings.Cut(line, "=")
		if found && group == "[Desktop Entry]" {
			keys[strings.Trim(key, asciiSpace)] = strings.Trim(value, asciiSpace)
		}
	}
	return keys
}

// launchAgentEnabled reports whether launchd will start this LaunchAgent at login.
func launchAgentEnabled(text []byte) (bool, error) {
	var plist struct {
		Dict struct {
			Items []struct {
				XMLName xml.Name
				Text    string `xml:",chardata"`
			} `xml:",any"`
		} `xml:"dict"`
	}
	if err := xml.Unmarshal(text, &plist); err != nil {
		return false, fmt.Errorf("property list is not XML: enable start at login again to write it anew: %w", err)
	}
	runAtLoad, disabled := false, false
	items := plist.Dict.Items
	for i, item := range items[:max(0, len(items)-1)] {
		isTrue := items[i+1].XMLName.Local == "true"
		switch {
		case item.XMLName.Local != "key":
		case item.Text == "RunAtLoad":
			runAtLoad = isTrue
		case item.Text == "Disabled":
			disabled = isTrue
		}
	}
	return runAtLoad && !disabled, nil
}

// startupApproved reads the value that Task Manager and Settings keep beside a Run
// entry: an odd first byte means that the user turned it off. No value means on.
func startupApproved(value []byte) bool {
	return len(value) == 0 || value[0]&1 == 0
}
