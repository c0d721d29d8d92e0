package vault_test

import (
	"strings"
	"testing"

	"postern/vault"
)

// Tokens are put together here so that no scanner takes this file for a leak.
var sampleTokens = map[string]string{
	"AWS access key":  "AKIA" + "IOSFODNN7EXAMPLE",
	"GitHub token":    "ghp_" + strings.Repeat("aB3", 12),
	"GitLab token":    "glpat-" + strings.Repeat("aB3x", 5),
	"Slack token":     "xoxb-" + "123456789012-abcdefABCDEF",
	"Stripe key":      "sk_live_" + strings.Repeat("aB3", 8),
	"Google API key":  "AIza" + strings.Repeat("aB3xY", 7),
	"Postman API key": "PMAK-" + strings.Repeat("a", 24) + "-" + strings.Repeat("b", 34),
	"npm token":       "npm_" + strings.Repeat("aB3", 12),
	"JSON Web Token":  "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".c2lnbmF0dXJl",
	"random text":     "q8Zr2LmX0vTn5KdW7yHc3BpF",
	"private key":     "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----",
	"OpenAI key":      "sk-" + strings.Repeat("aB3x", 6),
	"SendGrid key":    "SG." + strings.Repeat("aB3x", 5) + "." + strings.Repeat("aB3x", 8),
	"vault key":       "PVK1" + strings.Repeat("-0123ABC", 8),
}

func TestSuspectsKnowTokens(t *testing.T) {
	for kind, token := range sampleTokens {
		text := `{"first": 1, "x": "` + token + `", "last": 2}`
		found := vault.Suspects([]string{"nothing here", text})
		if len(found) != 1 || found[0].Kind != kind || found[0].Text != 1 || text[found[0].Start:found[0].End] != token {
			t.Errorf("%s: %+v", kind, found)
		}
	}
}

func TestSuspectsKnowPlaces(t *testing.T) {
	for text, want := range map[string]string{
		"Authorization: Bearer abcdef123":                                        "abcdef123",
		`"authorization": "Basic dXNlcjpwdw=="`:                                  "dXNlcjpwdw==",
		"Proxy-Authorization: hunter22":                                          "hunter22",
		"https://a.test/?api_key=hunter22&x=1":                                   "hunter22",
		`{"client_secret":"hunter22"}`:                                           "hunter22",
		"X-Api-Key: hunter22":                                                    "hunter22",
		"postgres://user:hunter22@db.test/x":                                     "hunter22",
		"password=hunter22":                                                      "hunter22",
		"d41d8cd98f00b204e9800998ecf8427e":                                       "d41d8cd98f00b204e9800998ecf8427e",
		"Authorization: Bearer {{vault:token}}":                                  "",
		"X-Api-Key: {{key}}":                                                     "",
		"https://{{vault:u}}:{{vault:p}}@a.test":                                 "",
		"just an ordinary sentence, with numbers 123456789012345678901234567890": "",
		"content-type: application/vnd.example.resource+json":                    "",
		"https://example.com/a/very/long/path/with/many/parts/and/no/secret":     "",
		"ThisIsAVeryLongCamelCaseIdentifierName":                                 "",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1":                              "",
		"": "",
	} {
		got := ""
		if found := vault.Suspects([]string{text}); len(found) > 0 {
			got = text[found[0].Start:found[0].End]
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestSetAsReference(t *testing.T) {
	const text = "Bearer hunter22 {{vault:other}}"
	replaced, value, err := vault.SetAsReference(text, 7, 15, " token ")
	if err != nil || replaced != "Bearer {{vault:token}} {{vault:other}}" || value != "hunter22" {
		t.Fatalf("%q, %q, %v", replaced, value, err)
	}
	for what, c := range map[string]struct {
		start, end int
		name       string
	}{"nothing": {7, 7, "a"}, "outside": {7, 99, "a"}, "backwards": {9, 7, "a"}, "before": {-1, 3, "a"}, "a bad name": {7, 15, "a:b"}, "a reference": {7, 20, "a"}, "inside one": {20, 24, "a"}, "half a character": {0, 1, ""}} {
		if r, _, err := vault.SetAsReference(text, c.start, c.end, c.name); !isInvalid(err) {
			t.Errorf("%s: %q, %v", what, r, err)
		}
	}
	if _, _, err := vault.SetAsReference("é", 0, 1, "a"); !isInvalid(err) {
		t.Errorf("half a character: %v", err)
	}
}
