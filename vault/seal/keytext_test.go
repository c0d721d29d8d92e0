package seal

import (
	"fmt"
	"strings"
	"testing"
)

func TestKeyTextAsPeopleTypeIt(t *testing.T) {
	key := NewVaultKey()
	text := key.Text()
	for _, typed := range []string{
		text, strings.ToLower(text), strings.ReplaceAll(text, "-", ""), strings.ReplaceAll(text, "-", " "), " " + text + "\r\n",
		strings.ReplaceAll(text, "0", "O"), strings.ReplaceAll(text[4:], "1", "l"), strings.ReplaceAll(strings.ToLower(text), "1", "i"),
	} {
		if !strings.HasPrefix(strings.ToUpper(strings.TrimSpace(typed)), "PV") {
			typed = "pvk1" + typed
		}
		got, err := ParseKey(typed)
		if err != nil || got.bytes != key.bytes {
			t.Errorf("%q: %v", typed, err)
		}
	}
	for _, typed := range []string{"", "PVK1", text[:len(text)-1], text + "0", text[1:], "PVK2" + text[4:], strings.Repeat(text, 2), "PVK1-" + strings.Repeat("U", 56), "\xff\xfe"} {
		if _, err := ParseKey(typed); err != ErrMistypedKey {
			t.Errorf("%q: %v", typed, err)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v %s", key, key, key, *key); strings.Contains(s, text) || !strings.Contains(s, "[masked]") {
		t.Errorf("a key prints as %s", s)
	}
}

// Every single wrong character and every exchange of two neighbours is noticed.
func TestKeyTextNoticesTypingMistakes(t *testing.T) {
	const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZU*"
	text := (&VaultKey{bytes: [KeySize]byte([]byte("a key that never changes in test"))}).Text()
	for i := range text {
		if text[i] == '-' {
			continue
		}
		for _, d := range digits {
			if byte(d) == text[i] {
				continue
			}
			if _, err := ParseKey(text[:i] + string(d) + text[i+1:]); err != ErrMistypedKey {
				t.Errorf("%q for the character at %d: %v", d, i, err)
			}
		}
		if j := i + 1; j < len(text) && text[j] != '-' && text[i] != text[j] {
			if _, err := ParseKey(text[:i] + text[j:j+1] + text[i:i+1] + text[j+1:]); err != ErrMistypedKey {
				t.Errorf("characters at %d exchanged: %v", i, err)
			}
		}
	}
}
