package vault

import (
	"math"
	"regexp"
	"strings"
)

// Suspect is a run of a request's text that looks like a secret in the clear.
type Suspect struct {
	// Text is which of the texts, Start and End the bytes in it.
	Text  int `json:"text"`
	Start int `json:"start"`
	End   int `json:"end"`
	// Kind says what it looks like.
	Kind string `json:"kind"`
}

// maxSuspectText is how much of each text is looked at.
const maxSuspectText = 1 << 20

// tokenShapes are the tokens whose makers gave them a shape that nothing else
// has. Where an expression has a group, the group is the secret.
var tokenShapes = []struct {
	kind  string
	shape *regexp.Regexp
}{
	{"private key", regexp.MustCompile(`-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[A-Za-z0-9+/=\s]*-----END (?:[A-Z]+ )*PRIVATE KEY-----`)},
	{"AWS access key", regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z2-7]{16}\b`)},
	{"GitHub token", regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})\b`)},
	{"GitLab token", regexp.MustCompile(`\bgl(?:pat|ptt|dt|rt|cbt)-[A-Za-z0-9_-]{20,}`)},
	{"Slack token", regexp.MustCompile(`\bxox[abeoprs]-[A-Za-z0-9-]{10,}`)},
	{"Stripe key", regexp.MustCompile(`\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}`)},
	{"Google API key", regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{35}`)},
	{"Postman API key", regexp.MustCompile(`\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}\b`)},
	{"OpenAI key", regexp.MustCompile(`\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,}`)},
	{"npm token", regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}\b`)},
	{"SendGrid key", regexp.MustCompile(`\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`)},
	{"JSON Web Token", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`)},
	{"vault key", regexp.MustCompile(`\bPVK1(?:-[0-9A-HJKMNP-TV-Z]{7}){8}\b`)},
	{"authorization", regexp.MustCompile(`(?i)\b(?:proxy-)?authorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token|apikey|key)\s+)?([^\s"',;{}]{6,})`)},
	{"authorization", regexp.MustCompile(`(?i)\b(?:bearer|basic)\s+([A-Za-z0-9._~+/=-]{8,})`)},
	{"named secret", regexp.MustCompile(`(?i)\b[\w-]*(?:api[_-]?key|secret|token|passw(?:or)?d|passphrase)["']?\s*[:=]\s*["']?([^\s"'&,;{}]{6,})`)},
	{"address with a password", regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://[^\s:/?#@{}]*:([^\s:/?#@{}]{3,})@`)},
}

// schemeWord is what stands before a credential and is none.
var schemeWord = regexp.MustCompile(`(?i)^(?:bearer|basic|digest|negotiate|token|apikey|hawk)$`)

var longRun = regexp.MustCompile(`[A-Za-z0-9+/_=-]{24,}`)

// Suspects points out runs in the texts of a request that look like secrets: the
// shapes of known tokens, what follows Authorization or a telling name, and long
// runs that look random. References are never suspects.
func Suspects(texts []string) []Suspect {
	found := []Suspect{}
	for i, text := range texts {
		text = text[:min(len(text), maxSuspectText)]
		first := len(found)
		add := func(kind string, start, end int) {
			for _, s := range found[first:] {
				if start < s.End && s.Start < end {
					return
				}
			}
			if run := text[start:end]; !strings.Contains(run, "{{") && !schemeWord.MatchString(run) {
				found = append(found, Suspect{Text: i, Start: start, End: end, Kind: kind})
			}
		}
		for _, token := range tokenShapes {
			for _, m := range token.shape.FindAllStringSubmatchIndex(text, -1) {
				add(token.kind, m[len(m)-2], m[len(m)-1])
			}
		}
		for _, m := range longRun.FindAllStringIndex(text, -1) {
			if looksRandom(text[m[0]:m[1]]) {
				add("random text", m[0], m[1])
			}
		}
	}
	return found
}

// looksRandom says whether a run has the entropy of drawn characters: hexadecimal
// digits of 16, other characters of 64 or so. Words and identifiers have less,
// and digits alone are numbers.
func looksRandom(run string) bool {
	var counts [256]int
	digits, letters, hex := 0, 0, true
	for _, c := range []byte(run) {
		counts[c]++
		switch {
		case '0' <= c && c <= '9':
			digits++
		case 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
			letters++
		default:
			letters++
			hex = false
		}
	}
	entropy := 0.0
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(run))
			entropy -= p * math.Log2(p)
		}
	}
	if digits == 0 || letters == 0 {
		return false
	}
	if hex {
		return len(run) >= 32 && entropy > 3.2
	}
	return entropy > 4.1
}

// SetAsReference gives a text with a run of it replaced by the reference to the
// secret that the run becomes. It fails when the run is no possible value, or
// when the secret could not have the name.
func SetAsReference(text string, start, end int, name string) (replaced, value string, err error) {
	if start < 0 || end > len(text) || start >= end {
		return "", "", invalid("nothing was picked")
	}
	if name, err = CanonicalName(name); err != nil {
		return "", "", err
	}
	value = text[start:end]
	if err := checkValue([]byte(value)); err != nil {
		return "", "", err
	}
	for at := 0; ; {
		from, to, _, found := nextToken(text[at:])
		if !found {
			break
		}
		if start < at+to && at+from < end {
			return "", "", invalid("a reference or variable cannot be part of a secret")
		}
		at += to
	}
	return text[:start] + "{{" + referencePrefix + name + "}}" + text[end:], value, nil
}
