package bridge

import (
	"encoding/json"
	"strings"
	"testing"
)

// goodJSON, badJSON and oddJSON are after the grammar of RFC 8259, rule by rule.
// What is odd may be taken or refused; the connection has to live on.
var (
	goodJSON = []string{
		`null`, `true`, `false`, `""`, `[]`, `{}`, " \t\r\n[ ] ", `[ 1 , 2 ]`, `{"a":{"b":[{}]}}`, `{"":0}`, `[[[[]]]]`,
		`0`, `-0`, `-1`, `123`, `0.5`, `-0.1`, `1e1`, `1E1`, `1e+2`, `1e-2`, `0e+1`, `20e1`, `1.5e10`, `123456789012345678901234567890`,
		`"a"`, `" "`, `"\"\\\/\b\f\n\r\t"`, `"\u0041"`, `"\uD834\uDD1E"`, `"\u0000"`, `"\u00e9é€𝄞"`, `"\uFFFF"`, "\"\u2028\u2029\x7f\"", `"//"`, `"/*"`, `"\\u"`,
		`{"a":1,"b":1}`, `{"a":1,"A":2}`, `{"\u0061":1,"b":2}`, strings.Repeat("[", 500) + strings.Repeat("]", 500), `"` + strings.Repeat("x", 100_000) + `"`,
	}
	badJSON = []string{
		``, ` `, `nul`, `nulll`, `True`, `NaN`, `Infinity`, `-Infinity`, `undefined`, `a`, `'a'`, `<null>`, `*`, "\x00", "\x1e1", "\ufeff1", "\u00a01", "\f1", "\v1",
		`[`, `]`, `{`, `}`, `[}`, `{]`, `[1`, `[1,`, `[1,]`, `[,1]`, `[,]`, `[1,,2]`, `[1 2]`, `[1:2]`, `[1]]`, `[]]`, `["x"`, `[x`, `[1;2]`, `[#]`, `[[[`, `[1]x`,
		`{"a"}`, `{"a":}`, `{"a":1,}`, `{,"a":1}`, `{"a":1,,"b":2}`, `{"a" 1}`, `{"a"=1}`, `{"a"::1}`, `{a:1}`, `{1:1}`, `{null:1}`, `{'a':1}`, `{[]:1}`, `{"a":1`, `{"a":1}}`, `{"a":1}#`, `{}{}`, `{"a":"b"}/**/`,
		`01`, `-01`, `00`, `-`, `+1`, `++1`, `--1`, `- 1`, `.5`, `-.5`, `1.`, `1.e1`, `1e`, `1e+`, `1eE2`, `1e1.5`, `1e 2`, `0x1`, `0xG`, `1_0`, `1,0`, `1 0`, `1a`, `1f`, `١`, `１`, `1.5.5`, `.`, `e1`, `∞`,
		`"`, `"a`, `a"`, `"a""b"`, `"\"`, `"\x41"`, `"\a"`, `"\'"`, `"\u"`, `"\u1"`, `"\u12"`, `"\u123"`, `"\u123G"`, `"\u 123"`, `"\U0041"`, `"\ "`, `"\é"`, "\"\n\"", "\"\t\"", "\"\x00\"", "\"\x1f\"", `"\uD800\"`,
		"[1]/*", "//\n1", "1//", "1 /**/", "#\n1", "[1,\n//x\n2]",
		// What the grammar leaves open and this protocol does not: a name twice, and
		// texts that are not Unicode.
		`{"a":1,"a":2}`, `{"a":1,"a":1}`, `{"a":1,"\u0061":2}`, `[{"b":{"a":1,"a":2}}]`,
		"\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "\"\x80\"", "{\"\xff\":1}", "\xff", "\xff\xfe1\x00", `"\uD800"`, `"\uDC00"`, `"\uD800\u0041"`, `"\uDD1E\uD834"`,
		strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 40_000), strings.Repeat("[", 12_000) + strings.Repeat("]", 12_000),
	}
	oddJSON = []string{`1e999`, `-1e999`, `1e-999`, `0.` + strings.Repeat("0", 1000) + `1`, strings.Repeat("9", 10_000), "\ufeff{}", "\"\ufffe\ufdd0\""}
)

// offer tells what a text was answered with as a frame of its own, and as a
// parameter.
func (p *client) offer(text string) (frame, param int) {
	p.t.Helper()
	p.writeFrame([]byte(text))
	frame = p.code()
	// request.cancel takes any JSON for an id.
	p.writeFrame([]byte(`{"jsonrpc":"2.0","id":1,"method":"request.cancel","params":{"id":` + text + `}}`))
	return frame, p.code()
}

// code is that of the next answer; 0 is a result. A batch has its first answer's.
func (p *client) code() int {
	p.t.Helper()
	text := p.readFrame()
	var one answer
	var all []answer
	if err := json.Unmarshal(text, &one); err != nil {
		if err := json.Unmarshal(text, &all); err != nil || len(all) == 0 {
			p.t.Fatalf("answered with %.100q", text)
		}
		one = all[0]
	}
	if one.Error == nil {
		return 0
	}
	return one.Error.Code
}

func TestJSONIsTakenStrictly(t *testing.T) {
	s := serve(t, nil)
	app := s.app(t, allowedOrigin, "")
	for _, text := range goodJSON {
		app.mustTake(text, text)
	}
	for _, text := range badJSON {
		app.mustRefuse(text, text)
	}
	for _, text := range oddJSON {
		app.offer(text)
	}
	// As deep as a frame has room for, whole and cut off.
	for _, text := range []string{strings.Repeat("[", maxFrame), strings.Repeat("[", maxFrame/2) + strings.Repeat("]", maxFrame/2), strings.Repeat(`{"":`, maxFrame/4)} {
		app.writeFrame([]byte(text))
		if code := app.code(); code != codeParse {
			t.Errorf("a frame of %.8s… is answered with %d", text, code)
		}
	}
	app.call("vault.status", object{}, nil)
}

// mustTake: JSON that is no request is an invalid one, and passes as a parameter.
func (p *client) mustTake(name, text string) {
	p.t.Helper()
	if frame, param := p.offer(text); frame != codeInvalidRequest || param != 0 {
		p.t.Errorf("%.80q is JSON, and is answered with %d as a frame, %d as a parameter", name, frame, param)
	}
}

func (p *client) mustRefuse(name, text string) {
	p.t.Helper()
	if frame, param := p.offer(text); frame != codeParse || param != codeParse {
		p.t.Errorf("%.80q is not JSON, and is answered with %d as a frame, %d as a parameter", name, frame, param)
	}
}
