package bridge

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// FuzzCanonicalOrigin: what is accepted is a fixed point, and nothing but scheme,
// host and port.
func FuzzCanonicalOrigin(f *testing.F) {
	for _, seed := range []string{"https://app.example.com", "http://localhost:3000", "http://[::1]:80", "https://bücher.example", "https://a@b", "null", "https://x.", "http://127.0.0.1.", "https://[fe80::1%25lo]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		origin, ok := CanonicalOrigin(text)
		if !ok {
			return
		}
		if again, ok := CanonicalOrigin(origin); !ok || again != origin {
			t.Errorf("%q became %q, and that %q, %v", text, origin, again, ok)
		}
		_, rest, _ := strings.Cut(origin, "://")
		if rest == "" || strings.ContainsAny(rest, "/?#@\\ \t\r\n%*") || strings.ToLower(origin) != origin {
			t.Errorf("%q became %q", text, origin)
		}
	})
}

// FuzzFrame: any frame is answered with valid JSON or not at all, and a call that
// is taken has a method and an id that can be sent back.
func FuzzFrame(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","method":"vault.status","id":1}`, `[{"jsonrpc":"2.0","method":"a","id":"x"},1]`, `[]`, `{"id":1e400}`, `{"a":1,"a":2}`,
		"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}", strings.Repeat("[", 2000), `{"jsonrpc":"2.0","method":"m","params":[1],"id":null}`, ` `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		calls := []jsontext.Value{frame}
		if isBatch(frame) {
			var wrong *Error
			if calls, wrong = splitBatch(frame); wrong != nil {
				return
			}
		}
		for _, call := range calls {
			r, wrong := parseRequest(call)
			if wrong != nil {
				if answer := encodeError(r.ID, wrong); !json.Valid(answer) {
					t.Errorf("%q is answered with %q", call, answer)
				}
				continue
			}
			if r.Method == "" {
				t.Errorf("%q has no method and is taken", call)
			}
			if r.isNotification() {
				continue
			}
			if answer := encodeError(r.ID, refusal(call)); !json.Valid(answer) {
				t.Errorf("%q is answered with %q", call, answer)
			}
		}
	})
}

// FuzzProof: nothing opens but the one answer that was made for this connection.
func FuzzProof(f *testing.F) {
	text, err := os.ReadFile(vectorsPath)
	if err != nil {
		f.Fatal(err)
	}
	var v channelVectors
	if err := json.Unmarshal(text, &v); err != nil {
		f.Fatal(err)
	}
	channelKey, err := suiteKEM.NewPrivateKey(v.Session.ChannelPrivateKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(v.Session.Answer)
	f.Add(v.Session.Answer[:publicKeySize])
	f.Add([]byte{4})
	f.Fuzz(func(t *testing.T, answer []byte) {
		_, _, err := openProof(channelKey, []byte(v.Session.Hello), v.Session.Origin, answer)
		if (err == nil) != bytes.Equal(answer, v.Session.Answer) {
			t.Errorf("%x: %v", answer, err)
		}
	})
}
