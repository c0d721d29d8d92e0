package bridge

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// sentence makes an error's reason a sentence.
func sentence(reason string) string {
	first, size := utf8.DecodeRuneInString(reason)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + reason[size:] + "."
}

// quote shows a name that somebody else chose, without what could forge a line
// or turn the direction of a text.
func quote(name string) string { return "“" + plain(name, 255) + "”" }

// plain drops what does not print, and all past limit characters.
func plain(text string, limit int) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, "") {
		if limit == 0 {
			b.WriteRune('…')
			break
		}
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			limit--
		}
	}
	return strings.TrimSpace(b.String())
}
