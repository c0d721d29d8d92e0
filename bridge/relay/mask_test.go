package relay

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"math/rand"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// encodings write a value as servers do, by code that is not ours.
var encodings = map[string]func(string) string{
	"plain":       func(s string) string { return s },
	"upper":       upper,
	"query":       url.QueryEscape,
	"query lower": func(s string) string { return lowerEscapes(url.QueryEscape(s)) },
	"path":        url.PathEscape,
	"every byte":  func(s string) string { return everyByte(s, "%%%02X") },
	"base64":      func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 +1":   func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte("u" + s)) },
	"base64 +2":   func(s string) string { return base64.StdEncoding.EncodeToString([]byte("u:" + s + "?")) },
	"base64 url":  func(s string) string { return base64.URLEncoding.EncodeToString([]byte("?>" + s + "\xff")) },
	"base64 raw":  func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("\xff" + s)) },
	"base64 json": func(s string) string { return b64JSON("\xfb" + s) },
	"base64 mime": func(s string) string { return wrap(base64.StdEncoding.EncodeToString([]byte(s)), "\r\n") },
	"base64 form": func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))) },
	"hex":         func(s string) string { return hex.EncodeToString([]byte(s)) },
	"hex upper":   func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"json":        mustJSON,
	"json ascii":  asciiJSON,
	"json slash":  func(s string) string { return strings.ReplaceAll(mustJSON(s), "/", `\/`) },
	"js hex":      func(s string) string { return everyByte(s, `\x%02x`) },
	"html":        html.EscapeString,
	"html number": func(s string) string { return everyRune(s, "&#%d;") },
	"html hex":    func(s string) string { return everyRune(s, "&#x%X;") },
	"utf16":       wide,
	"utf16 big":   func(s string) string { return swapped(wide(s)) },
}

func upper(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 32
		}
		return r
	}, s)
}

func lowerEscapes(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] == '%' {
			copy(b[i:], strings.ToLower(string(b[i:i+3])))
		}
	}
	return string(b)
}

func everyByte(s, format string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

func everyRune(s, format string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, format, r)
	}
	return b.String()
}

func mustJSON(s string) string {
	b, _ := json.Marshal(s)
	return string(b[1 : len(b)-1])
}

func b64JSON(s string) string {
	return strings.ReplaceAll(mustJSON(base64.StdEncoding.EncodeToString([]byte(s))), "/", `\/`)
}

func asciiJSON(s string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, `\u%04X`, unit)
	}
	return b.String()
}

func wide(s string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		b = append(b, byte(unit), byte(unit>>8))
	}
	return string(b)
}

func swapped(s string) string {
	b := []byte(s)
	for i := 0; i < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
	return string(b)
}

func wrap(s, end string) string {
	const width = 8
	var b strings.Builder
	for len(s) > width {
		b.WriteString(s[:width] + end)
		s = s[width:]
	}
	return b.String() + s
}

func stream(t interface{ Fatal(...any) }, m *masker, text string, sizes func() int) string {
	var out bytes.Buffer
	w := m.writer(&out)
	for rest := text; rest != ""; {
		n := min(sizes(), len(rest))
		if _, err := io.WriteString(w, rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// valueGen draws values of every length and kind; the ends are not white space,
// which is not looked for.
func valueGen() *rapid.Generator[string] {
	core := rapid.OneOf(
		rapid.StringMatching(`[A-Za-z0-9_\-]{4,60}`),
		rapid.StringMatching(`[ -~]{4,200}`),
		rapid.StringOfN(rapid.RuneFrom([]rune("a\\\"'&<>%+/ \n\té中😀{}=")), 4, 40, -1),
	)
	return rapid.Map(core, func(s string) string { return "x" + s + "y" })
}

// Whatever the value, its encoding, what stands around it and where the text is
// cut, nothing of the encoded value comes through.
func TestMaskFindsEveryEncoding(t *testing.T) {
	for name, encode := range encodings {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				value := valueGen().Draw(t, "value")
				before := rapid.SampledFrom([]string{"", "x", "xx", `"`, "\\", "%", "Basic ", "{\"a\":\""}).Draw(t, "before")
				after := rapid.SampledFrom([]string{"", "y", `"}`, "=", "%2", "&", "\\u00"}).Draw(t, "after")
				encoded := encode(value)
				m := newMasker([][]byte{[]byte(value)}, nil)
				got := stream(t, m, before+encoded+after, func() int { return rapid.IntRange(1, 9).Draw(t, "chunk") })
				if whole := m.whole(before + encoded + after); whole != got {
					t.Fatalf("in pieces %q, at once %q", got, whole)
				}
				if strings.Contains(got, encoded) || !strings.Contains(got, masked) {
					t.Fatalf("%q came through as %q", encoded, got)
				}
				// Edges of base64 share digits with their neighbours, and only those may stay.
				if left := len(strings.ReplaceAll(got, masked, "")); left > len(before+after)+10 {
					t.Fatalf("%d bytes are left of %q: %q", left, encoded, got)
				}
			})
		})
	}
}

// A server may escape any character or none.
func TestMaskFindsMixedEscapes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := valueGen().Draw(t, "value")
		ways := []func(string) string{encodings["plain"], encodings["every byte"], asciiJSON, encodings["html number"], encodings["upper"]}
		var b strings.Builder
		for _, r := range value {
			b.WriteString(rapid.SampledFrom(ways).Draw(t, "way")(string(r)))
		}
		if got := newMasker([][]byte{[]byte(value)}, nil).whole("<" + b.String() + ">"); got != "<"+masked+">" {
			t.Fatalf("%q came through as %q", b.String(), got)
		}
	})
}

func TestMaskLeavesTheRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune(`abcdefgh\%&"=+/0123`))).Draw(t, "text")
		m := newMasker([][]byte{[]byte("ZZ_not_in_there_ZZ")}, nil)
		if got := stream(t, m, text, func() int { return 3 }); got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

func TestMaskOverlaps(t *testing.T) {
	values := func(list ...string) (out [][]byte) {
		for _, s := range list {
			out = append(out, []byte(s))
		}
		return out
	}
	tests := []struct {
		values     [][]byte
		text, want string
	}{
		{values("abcd", "abcdef"), "xabcdefx abcdx", "x[masked]x [masked]x"},
		{values("abcdef", "defghi"), "xabcdefghix", "x[masked]x"},
		{values("aaaa"), "aaaaaa", "[masked]"},
		{values("abcdef", "cdxx"), "abcdxx", "ab[masked]"},
		{values("pass"), "password", "[masked]word"},
		{values(" spaced \r\n"), "x spaced x", "x [masked] x"},
		{values("line1\nline2"), "line1\r\nline2", "[masked]"},
		{values("line1\r\nline2"), "line1\nline2", "[masked]"},
		{values("abc", "abcd"), "abc abcd", "abc [masked]"},
	}
	for _, test := range tests {
		m := newMasker(test.values, nil)
		for size := 1; size < 8; size++ {
			if got := stream(t, m, test.text, func() int { return size }); got != test.want {
				t.Errorf("%q in pieces of %d: got %q, want %q", test.text, size, got, test.want)
			}
		}
	}
}

func TestMaskShortValues(t *testing.T) {
	m := newMasker([][]byte{[]byte("ab1")}, []string{"dTphYjE="})
	for text, want := range map[string]string{"ab1": masked, "ab12": "ab12", "Basic dTphYjE=": "Basic " + masked} {
		if got := m.whole(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestMaskWriterPassesErrorsOn(t *testing.T) {
	m := newMasker([][]byte{[]byte("abcd")}, nil)
	r, failing := io.Pipe()
	r.CloseWithError(io.ErrClosedPipe)
	if _, err := io.WriteString(m.writer(failing), "plain abcd"); err != io.ErrClosedPipe {
		t.Errorf("got %v", err)
	}
}

func BenchmarkMask(b *testing.B) {
	text := make([]byte, 8<<20)
	for i := range text {
		text[i] = base64Digits[rand.Intn(64)]
	}
	m := newMasker([][]byte{[]byte("sk_live_4eC39HqLyjWDarjtT1zdp7dc"), []byte("another-value-of-some-length")}, nil)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		w := m.writer(io.Discard)
		for i := 0; i < len(text); i += 32 << 10 {
			w.Write(text[i : i+32<<10])
		}
		w.Close()
	}
}

// A text that nearly is a long value of one letter would be searched for minutes.
func TestMaskGivesUp(t *testing.T) {
	m := newMasker([][]byte{bytes.Repeat([]byte("a"), 64<<10)}, nil)
	text := bytes.Repeat([]byte("a"), 64<<10-1)
	begin := time.Now()
	w := m.writer(io.Discard)
	w.Write(text)
	if err := w.Close(); err != errUnsearchable {
		t.Errorf("got %v", err)
	}
	if got := m.whole(string(text)); got != masked {
		t.Errorf("%d bytes came through", len(got))
	}
	if !m.finds(string(text)) {
		t.Error("a text that could not be searched counts as free of values")
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

// A long text may take many steps in all.
func TestMaskLongText(t *testing.T) {
	m := newMasker([][]byte{bytes.Repeat([]byte("a"), 40)}, nil)
	text := strings.Repeat(strings.Repeat("a", 39)+"b", 20_000)
	if got := stream(t, m, text, func() int { return 32 << 10 }); got != text {
		t.Error("the text was changed")
	}
}

// An ordinary long value is found in ordinary time, in small pieces too.
func TestMaskLongValue(t *testing.T) {
	value := make([]byte, 64<<10)
	for i := range value {
		value[i] = base64Digits[rand.Intn(64)]
	}
	m := newMasker([][]byte{value}, nil)
	for _, encode := range []string{"plain", "json ascii", "base64", "hex"} {
		text := encodings[encode](string(value))
		if got := stream(t, m, "<"+text+">", func() int { return 4 << 10 }); len(got) > 20 {
			t.Errorf("%s: %d bytes came through", encode, len(got))
		}
	}
}
