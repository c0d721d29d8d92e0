package relay

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"postern/vault"
)

func compressed(t *testing.T, encoding, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip", "x-gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "bare deflate":
		w, _ = flate.NewWriter(&b, flate.BestSpeed)
	}
	io.WriteString(w, text)
	w.Close()
	return b.Bytes()
}

func TestCompressedBodiesAreMasked(t *testing.T) {
	for _, encoding := range []string{"gzip", "x-gzip", "deflate", "bare deflate"} {
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", strings.TrimPrefix(encoding, "bare "))
			w.Write(compressed(t, encoding, "got "+r.Header.Get("Authorization")))
		})
		answer := send(t, newVault(t, "the-value"), get(server.URL, bearer("{{vault:key}}"), Field{Key: "Accept-Encoding", Value: "br"}))
		if answer.Body != "got Bearer "+masked || answer.Size != int64(len("got Bearer the-value")) {
			t.Errorf("%s: got %q of %d bytes", encoding, answer.Body, answer.Size)
		}
		if got := server.only(t).header.Get("Accept-Encoding"); got != "gzip, deflate" {
			t.Errorf("asked for %q", got)
		}
	}
}

func TestUnknownEncoding(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", r.URL.Query().Get("e"))
		if r.Method != "HEAD" {
			io.WriteString(w, "\xff??????????????")
		}
	})
	v := newVault(t, "the-value")
	noMask := local
	noMask.NoMask = true
	for _, encoding := range []string{"br", "zstd", "gzip,gzip", "br, gzip"} {
		r := get(server.URL+"?e="+encoding, bearer("{{vault:key}}"))
		if answer, err := newClient(t).Send(t.Context(), v, r, local); answer != nil || err != errUnsearchable {
			t.Errorf("%s: got %v, %v", encoding, answer, err)
		}
		if answer, err := newClient(t).Send(t.Context(), v, r, noMask); err != nil || answer.Encoding != EncodingBase64 {
			t.Errorf("%s unmasked: got %v", encoding, err)
		}
		r.Method = "HEAD"
		if answer := send(t, v, r); answer.Body != "" {
			t.Errorf("HEAD: got %q", answer.Body)
		}
	}
	answer := send(t, v, get(server.URL+"?e=br"))
	if got, _ := base64.StdEncoding.DecodeString(answer.Body); string(got) != "\xff??????????????" {
		t.Errorf("without secrets: got %q", answer.Body)
	}
	if _, err := newClient(t).Send(t.Context(), v, get(server.URL+"?e=gzip"), local); causeOrNone(err) != CauseProtocol {
		t.Errorf("damaged gzip: got %v", err)
	}
}

func TestBinaryBodyIsMasked(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "\xff\x00"+r.Header.Get("X-Key")+"\x01"+wide(r.Header.Get("X-Key")))
	})
	answer := send(t, newVault(t, "the-value"), get(server.URL, Field{Key: "X-Key", Value: "{{vault:key}}"}))
	got, _ := base64.StdEncoding.DecodeString(answer.Body)
	if want := "\xff\x00" + masked + "\x01" + masked; answer.Encoding != EncodingBase64 || string(got) != want {
		t.Errorf("got %q in %s", got, answer.Encoding)
	}
}

func TestBodyLimits(t *testing.T) {
	endless := func(w http.ResponseWriter, r *http.Request) {
		chunk := bytes.Repeat([]byte("0123456789abcdef"), 4096)
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	io.CopyN(z, zeros{}, 16<<20)
	z.Close()
	tests := map[string]http.HandlerFunc{
		"endless": endless,
		"claims 2 GiB": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "2147483648")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes())
		},
		// A stream of empty blocks decodes to nothing, for ever.
		"deflate of nothing": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "deflate")
			block := bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, 4096)
			for r.Context().Err() == nil {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		},
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			server := serve(t, answer)
			got, err := newClient(t).Send(t.Context(), newVault(t, "the-value"), get(server.URL, bearer("{{vault:key}}")), local)
			var invalid *vault.InvalidError
			if got != nil || !errors.As(err, &invalid) || !invalid.TooLarge {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	exact := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1000)) })
	o := local
	for max, fits := range map[int64]bool{999: false, 1000: true} {
		o.MaxBody = max
		if _, err := newClient(t).Send(t.Context(), newVault(t, "the-value"), get(exact.URL), o); (err == nil) != fits {
			t.Errorf("limit %d: got %v", max, err)
		}
	}
	if answer := send(t, newVault(t, "the-value"), Request{Method: "HEAD", URL: URL{Raw: serve(t, tests["claims 2 GiB"]).URL}}); answer.Code != 200 {
		t.Errorf("HEAD: got %d", answer.Code)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// raw is a server that writes these bytes and closes.
func raw(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 4096))
			io.WriteString(conn, answer)
			conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestStatusIsMasked(t *testing.T) {
	address := raw(t, "HTTP/1.1 299 it was the-value\r\nThe-Value: \xff the-value\r\nShort: ab\r\nConnection: close\r\n\r\nab")
	v := newVault(t, "the-value")
	setSecret(t, v, "short", "ab")
	answer := send(t, v, get(address, bearer("{{vault:key}}"), Field{Key: "X-Short", Value: "{{vault:short}}"}))
	if answer.Status != "it was "+masked || headerOf(answer, masked) != "\uFFFD "+masked {
		t.Errorf("got %+v", answer)
	}
	if headerOf(answer, "Short") != masked || answer.Body != masked {
		t.Errorf("a whole short value came through: %+v", answer)
	}
}

// No error repeats a value, the address or the words of a server.
func TestErrorsSayNothing(t *testing.T) {
	closed := serve(t, nil)
	closed.Server.Close()
	v := newVault(t, "the-value")
	tests := map[string]struct {
		address string
		cause   Cause
	}{
		"refused":  {closed.URL, CauseRefused},
		"reset":    {raw(t, ""), CauseReset},
		"cut off":  {raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nthe-value"), CauseReset},
		"not http": {raw(t, "the-value the-value\r\n\r\n"), CauseProtocol},
		"header":   {raw(t, "HTTP/1.1 200 OK\r\nthe-value\r\n\r\n"), CauseProtocol},
		"not tls":  {strings.Replace(raw(t, "the-value the-value the-value"), "http", "https", 1), CauseTLS},
		"no name":  {"http://no-such-host.invalid", CauseDNS},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newClient(t)
			if name == "no name" {
				c = resolving(t)
			}
			answer, err := c.Send(t.Context(), v, get(test.address+"/{{vault:key}}"), local)
			if answer != nil || !errors.Is(err, ErrUnreachable) || causeOrNone(err) != test.cause {
				t.Fatalf("got %v, %v", answer, err)
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				if strings.Contains(e.Error(), "the-value") || strings.Contains(e.Error(), "127.0.0.1") {
					t.Errorf("it says %q", e)
				}
			}
		})
	}
}
