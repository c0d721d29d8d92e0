package vault_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"unicode/utf16"
)

func canary(what string, n int) string { return fmt.Sprintf("canary-%s-%03d", what, n) }

// countCanaries looks for every canary, raw, in hex, in base64 at each of its
// three offsets, and in UTF-16.
func countCanaries(content []byte) (n int) {
	for _, what := range []string{"name", "value", "domain"} {
		for i := range 200 {
			for _, form := range formsOf(canary(what, i)) {
				n += bytes.Count(content, form)
			}
		}
	}
	return n
}

func formsOf(text string) (forms [][]byte) {
	raw := []byte(text)
	forms = append(forms, raw, []byte(hex.EncodeToString(raw)), bytes.ToUpper([]byte(hex.EncodeToString(raw))))
	for offset := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, offset), raw...))
		forms = append(forms, []byte(encoded[4:len(encoded)-3]))
	}
	var wide []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	return append(forms, wide)
}
