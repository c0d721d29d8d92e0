package relay

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// A value can be written in more ways than can be listed, because each of its
// characters may be escaped or not. So a pattern holds, for each character, the
// ways to write that one, and is matched character by character.
type pattern struct {
	atoms []*atom
	// wraps says that lines may be broken anywhere inside.
	wraps bool
}

// atom is one character, byte or digit group, in the ways to write it.
type atom struct{ choices []choice }

// choice is one way to write an atom. With fold it is in lower case and stands
// for every case of its ASCII letters.
type choice struct {
	text string
	fold bool
}

// maxStates bounds the ways that are followed at once through a text that can be
// read in several, such as a row of backslashes.
const maxStates = 32

// patternsOf lists the forms in which a value is looked for.
func patternsOf(value string) []*pattern {
	list := []*pattern{
		textPattern(value),
		hexPattern(value),
		utf16Pattern(value, binary.LittleEndian),
		utf16Pattern(value, binary.BigEndian),
	}
	for offset := range 3 {
		list = append(list, base64Pattern(value, offset))
	}
	return list
}

// textPattern finds a text plain or escaped. Line ends may have changed on the way.
func textPattern(text string) *pattern {
	p := &pattern{}
	known := map[rune]*atom{}
	for _, r := range strings.ReplaceAll(text, "\r\n", "\n") {
		if r < utf8.RuneSelf {
			p.atoms = append(p.atoms, asciiAtoms()[r])
			continue
		}
		if known[r] == nil {
			known[r] = runeAtom(r)
		}
		p.atoms = append(p.atoms, known[r])
	}
	return p
}

var asciiAtoms = sync.OnceValue(func() (atoms [utf8.RuneSelf]*atom) {
	for r := range atoms {
		atoms[r] = runeAtom(rune(r))
	}
	return atoms
})

func runeAtom(r rune) *atom {
	a := &atom{choices: []choice{{text: lower(string(r)), fold: true}}}
	a.choices = append(a.choices, escapes(r)...)
	return a
}

// namedEscapes are the escapes of single characters in JSON, JavaScript, HTML and
// forms, and what becomes of a line end.
var namedEscapes = map[rune][]string{
	'"':  {`\"`, "&quot;"},
	'\'': {`\'`, "&apos;"},
	'\\': {`\\`},
	'/':  {`\/`},
	'&':  {"&amp;"},
	'<':  {"&lt;"},
	'>':  {"&gt;"},
	' ':  {"+", "&nbsp;"},
	'\b': {`\b`},
	'\f': {`\f`},
	'\n': {`\n`, "\r\n", `\r\n`, "%0d%0a", "\r"},
	'\r': {`\r`},
	'\t': {`\t`},
}

// escapes lists the ways to write a character other than as itself.
func escapes(r rune) []choice {
	var percent, bytewise, unicode strings.Builder
	for _, c := range []byte(string(r)) {
		fmt.Fprintf(&percent, "%%%02x", c)
		fmt.Fprintf(&bytewise, `\x%02x`, c)
	}
	for _, unit := range utf16.Encode([]rune{r}) {
		fmt.Fprintf(&unicode, `\u%04x`, unit)
	}
	texts := []string{percent.String(), bytewise.String(), unicode.String()}
	for _, format := range []string{"&#%d;", "&#%03d;", "&#x%x;", "&#x%02x;", `\u{%x}`} {
		texts = append(texts, fmt.Sprintf(format, r))
	}
	if r < 0x100 {
		texts = append(texts, fmt.Sprintf(`\x%02x`, r))
	}
	texts = append(texts, namedEscapes[r]...)
	slices.Sort(texts)
	var list []choice
	for _, text := range slices.Compact(texts) {
		list = append(list, choice{text: text, fold: true})
	}
	return list
}

func hexPattern(value string) *pattern {
	p := &pattern{wraps: true}
	var known [256]*atom
	for _, c := range []byte(value) {
		if known[c] == nil {
			known[c] = &atom{choices: []choice{{text: fmt.Sprintf("%02x", c), fold: true}}}
		}
		p.atoms = append(p.atoms, known[c])
	}
	return p
}

func utf16Pattern(value string, order binary.AppendByteOrder) *pattern {
	p := &pattern{}
	known := map[uint16]*atom{}
	for _, unit := range utf16.Encode([]rune(value)) {
		if known[unit] == nil {
			// Only a unit that is an ASCII letter has another case.
			isASCII := unit < utf8.RuneSelf
			if isASCII {
				unit = uint16(lower(string(rune(unit)))[0])
			}
			known[unit] = &atom{choices: []choice{{text: string(order.AppendUint16(nil, unit)), fold: isASCII}}}
		}
		p.atoms = append(p.atoms, known[unit])
	}
	return p
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

var base64Choices = sync.OnceValue(func() (digits [64][]choice) {
	for i, r := range base64Digits {
		digits[i] = []choice{{text: string(r)}}
		switch r {
		case '+':
			digits[i] = append(append(digits[i], choice{text: "-"}), escapes(r)...)
		case '/':
			digits[i] = append(append(digits[i], choice{text: "_"}), escapes(r)...)
		}
	}
	return digits
})

// base64Pattern finds a value inside the base64 of a longer text, where it begins
// offset bytes behind a group of three. A digit at either end shares its bits with
// the neighbour: there every digit counts that agrees in the bits of the value.
func base64Pattern(value string, offset int) *pattern {
	p := &pattern{wraps: true}
	known := map[[2]byte]*atom{}
	begin, end := 8*offset, 8*(offset+len(value))
	for digit := begin / 6; 6*digit < end; digit++ {
		var bits, mask byte
		for bit := 6 * digit; bit < 6*digit+6; bit++ {
			bits, mask = bits<<1, mask<<1
			if bit >= begin && bit < end {
				mask |= 1
				bits |= value[bit/8-offset] >> (7 - bit%8) & 1
			}
		}
		key := [2]byte{bits, mask}
		if known[key] == nil {
			known[key] = base64Atom(bits, mask)
		}
		p.atoms = append(p.atoms, known[key])
	}
	return p
}

func base64Atom(bits, mask byte) *atom {
	a := &atom{}
	for digit, choices := range base64Choices() {
		if byte(digit)&mask == bits {
			a.choices = append(a.choices, choices...)
		}
	}
	return a
}

// match follows every reading of the text that begins at position start. It gives
// the end of the longest one that is the whole pattern, or -1; more says that a
// longer text might give a later end. It takes its steps off those left.
func (p *pattern) match(b []byte, start int, steps *int) (end int, more bool) {
	var one, two [maxStates]int
	now, next := append(one[:0], start), two[:0]
	for i, a := range p.atoms {
		next = next[:0]
		*steps -= len(now)
		for _, at := range now {
			if p.wraps && i > 0 {
				var cut bool
				at, cut = skipBreaks(b, at)
				more = more || cut
			}
			for _, c := range a.choices {
				fits, cut := c.fits(b[at:])
				more = more || cut
				if to := at + len(c.text); fits && len(next) < maxStates && !slices.Contains(next, to) {
					next = append(next, to)
				}
			}
		}
		if len(next) == 0 {
			return -1, more
		}
		now, next = next, now
	}
	return slices.Max(now), more
}

// fits says whether the text begins with the choice; cut, that it ends before
// this can be told.
func (c choice) fits(b []byte) (fits, cut bool) {
	n := min(len(b), len(c.text))
	for i := range n {
		got := b[i]
		if c.fold && 'A' <= got && got <= 'Z' {
			got += 'a' - 'A'
		}
		if got != c.text[i] {
			return false, false
		}
	}
	return n == len(c.text), n < len(c.text)
}

// breaks are the ends of lines inside base64 and hexadecimal, plain and escaped.
var breaks = []choice{{text: "\r"}, {text: "\n"}, {text: `\r`}, {text: `\n`}, {text: "%0d", fold: true}, {text: "%0a", fold: true}}

// skipBreaks passes over at most one line end, which may be two characters.
func skipBreaks(b []byte, at int) (after int, cut bool) {
	for range 2 {
		for _, c := range breaks {
			fits, short := c.fits(b[at:])
			cut = cut || short
			if fits {
				at += len(c.text)
				break
			}
		}
	}
	return at, cut
}

// beginnings lists the pairs of bytes that the pattern can begin with.
func (p *pattern) beginnings() iter.Seq2[byte, byte] {
	return func(yield func(byte, byte) bool) {
		for _, c := range p.atoms[0].choices {
			seconds := []byte{}
			if len(c.text) > 1 {
				seconds = c.cases(1)
			} else {
				for _, follower := range p.followers() {
					seconds = append(seconds, follower.cases(0)...)
				}
			}
			for _, first := range c.cases(0) {
				for _, second := range seconds {
					if !yield(first, second) {
						return
					}
				}
			}
		}
	}
}

// followers are the choices that can stand behind the first atom.
func (p *pattern) followers() []choice {
	if p.wraps {
		return append(slices.Clip(p.atoms[1].choices), breaks...)
	}
	return p.atoms[1].choices
}

// cases lists the bytes that can stand at position i of the choice.
func (c choice) cases(i int) []byte {
	got := c.text[i]
	if c.fold && 'a' <= got && got <= 'z' {
		return []byte{got, got - ('a' - 'A')}
	}
	return []byte{got}
}

// lower lowers ASCII letters only, so that lengths and other letters stay.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
