package relay

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"postern/vault"
)

// Response is the answer to a request, as a Postman collection writes it, with
// what is known of the exchange. Values are masked in every text of it.
type Response struct {
	Code   int    `json:"code"`
	Status string `json:"status"`
	// Header is sorted by key; fields of one key are in the order received.
	Header []Field `json:"header"`
	Body   string  `json:"body"`
	// Encoding is utf8, or base64 when the body is not UTF-8 text.
	Encoding string `json:"encoding"`
	// Size counts the bytes of the decoded body, before masking.
	Size          int64   `json:"size"`
	Redirects     []Hop   `json:"redirects"`
	Timings       Timings `json:"timings"`
	Protocol      string  `json:"protocol"`
	RemoteAddress string  `json:"remoteAddress"`
}

// Encodings of a body.
const (
	EncodingUTF8   = "utf8"
	EncodingBase64 = "base64"
)

// Hop is a redirect that was followed: its code, where it led, and the headers
// that did not go along.
type Hop struct {
	Code           int      `json:"code"`
	URL            string   `json:"url"`
	DroppedHeaders []string `json:"droppedHeaders"`
}

// intake turns what a server sends into a Response. Nothing of an answer reaches
// the caller on another way.
type intake struct {
	mask      *masker
	max       int64
	begin     time.Time
	redirects []Hop
}

func newIntake(m *message, used []vault.Used, o Options) *intake {
	in := &intake{max: o.MaxBody, begin: time.Now(), redirects: []Hop{}}
	if len(used) == 0 || o.NoMask {
		in.mask = newMasker(nil, nil)
		return in
	}
	var values [][]byte
	for _, u := range used {
		values = append(values, u.Value)
	}
	in.mask = newMasker(values, m.derived)
	return in
}

func (in *intake) addHop(code int, target *url.URL, dropped []string) {
	hop := Hop{Code: code, URL: in.text(target.String()), DroppedHeaders: []string{}}
	for _, key := range dropped {
		hop.DroppedHeaders = append(hop.DroppedHeaders, in.text(key))
	}
	in.redirects = append(in.redirects, hop)
}

// text masks a text and makes it fit for JSON.
func (in *intake) text(s string) string {
	return strings.ToValidUTF8(in.mask.whole(s), "\uFFFD")
}

func (in *intake) read(answer *http.Response, c *clock) (*Response, error) {
	_, reason, _ := strings.Cut(answer.Status, " ")
	out := &Response{
		Code:      answer.StatusCode,
		Status:    in.text(reason),
		Header:    in.header(answer.Header),
		Redirects: in.redirects,
		Protocol:  strings.TrimSuffix(answer.Proto, ".0"),
	}
	if answer.ProtoMajor == 1 {
		out.Protocol = answer.Proto
	}
	body, size, err := in.body(answer)
	if err != nil {
		return nil, err
	}
	out.Size = size
	if out.Body, out.Encoding = string(body), EncodingUTF8; !utf8.Valid(body) {
		out.Body, out.Encoding = base64.StdEncoding.EncodeToString(body), EncodingBase64
	}
	var remote string
	out.Timings, remote = c.read()
	out.RemoteAddress = in.text(remote)
	out.Timings.Total = since(in.begin)
	return out, nil
}

func (in *intake) header(h http.Header) []Field {
	out := []Field{}
	for _, key := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[key] {
			out = append(out, Field{Key: in.text(key), Value: in.text(value)})
		}
	}
	return out
}

// body reads, decodes and masks the body. The limit counts what arrives as well
// as what it decodes to, so that neither an endless body nor a small one that
// unfolds without end gets through.
func (in *intake) body(answer *http.Response) ([]byte, int64, error) {
	if answer.ContentLength > in.max && answer.Request.Method != http.MethodHead {
		return nil, 0, in.tooLarge()
	}
	arriving := &capped{from: answer.Body, left: in.max, over: in.tooLarge()}
	decoded, err := in.decoder(answer.Header, arriving)
	if err != nil {
		return nil, 0, err
	}
	var out bytes.Buffer
	w := in.mask.writer(&out)
	size, err := io.Copy(w, &capped{from: decoded, left: in.max, over: in.tooLarge()})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, 0, err
	}
	return in.mask.wholeBytes(out.Bytes()), size, nil
}

func (in *intake) tooLarge() error {
	return tooLarge("the body of the answer is larger than %s", sizeText(in.max))
}

func sizeText(n int64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return strconv.FormatInt(n>>20, 10) + " MiB"
	}
	return strconv.FormatInt(n, 10) + " bytes"
}

// capped reads up to a limit and fails behind it.
type capped struct {
	from io.Reader
	left int64
	over error
}

func (c *capped) Read(p []byte) (int, error) {
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.from.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, c.over
	}
	return n, err
}

// decoder undoes the content encoding. One that it does not know hides what is
// inside: such a body is handed out as it came, unless there are values to look for.
func (in *intake) decoder(h http.Header, body io.Reader) (io.Reader, error) {
	encoding := strings.ToLower(strings.TrimSpace(strings.Join(h.Values("Content-Encoding"), ",")))
	b := bufio.NewReader(body)
	first, err := b.Peek(2)
	switch {
	case errors.Is(err, io.EOF) && len(first) == 0:
		// A HEAD or 304 answer names the encoding of a body that it does not have.
		return b, nil
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	}
	switch encoding {
	case "", "identity":
		return b, nil
	case "gzip", "x-gzip":
		return gzip.NewReader(b)
	case "deflate":
		if isZlib(first) {
			return zlib.NewReader(b)
		}
		return flate.NewReader(b), nil
	}
	if in.mask.isEmpty() {
		return b, nil
	}
	return nil, errUnsearchable
}

// isZlib tells the zlib form of deflate, which the standard asks for, from the
// bare one that some servers send.
func isZlib(first []byte) bool {
	return len(first) == 2 && first[0]&0x0f == 8 && (uint(first[0])<<8|uint(first[1]))%31 == 0
}

// drain reads the short body of a redirect, so that the connection can be used again.
func drain(body io.ReadCloser) {
	io.CopyN(io.Discard, body, 64<<10)
	body.Close()
}
