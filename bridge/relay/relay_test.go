package relay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"postern/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secretValue = `s3cr&t/"v+l ue%41é`

// seen is one request as a server saw it.
type seen struct {
	method, url, host, body string
	header                  http.Header
}

// recorder is a server that keeps what it was sent.
type recorder struct {
	*httptest.Server
	mu   sync.Mutex
	list []seen
}

func record(t *testing.T, start func(http.Handler) *httptest.Server, answer http.HandlerFunc) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = start(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.list = append(r.list, seen{req.Method, req.URL.String(), req.Host, string(body), req.Header})
		r.mu.Unlock()
		if answer != nil {
			answer(w, req)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func serve(t *testing.T, answer http.HandlerFunc) *recorder {
	return record(t, httptest.NewServer, answer)
}

func (r *recorder) requests() []seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]seen{}, r.list...)
}

func (r *recorder) only(t *testing.T) seen {
	t.Helper()
	list := r.requests()
	if len(list) != 1 {
		t.Fatalf("the server saw %d requests, want 1", len(list))
	}
	return list[0]
}

// saw says whether any request held the text, plain or percent-encoded.
func (r *recorder) saw(value string) bool {
	m := newMasker([][]byte{[]byte(value)}, nil)
	for _, s := range r.requests() {
		if m.finds(s.url, s.host, s.body) {
			return true
		}
		for key, values := range s.header {
			if m.finds(append(values, key)...) {
				return true
			}
		}
	}
	return false
}

// newVault makes an open vault with a secret "key" of that value.
func newVault(t *testing.T, value string, domains ...string) *vault.Vault {
	t.Helper()
	v := vault.NewAccounts(vault.Options{Dir: t.TempDir()}).Vault(vault.LocalAccount)
	if _, err := v.Create(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Lock(vault.LockerExit) })
	setSecret(t, v, "key", value, domains...)
	return v
}

func setSecret(t *testing.T, v *vault.Vault, name, value string, domains ...string) {
	t.Helper()
	if _, err := v.Set(t.Context(), name, vault.Edit{Value: []byte(value), Domains: &domains}); err != nil {
		t.Fatal(err)
	}
}

func newClient(t *testing.T) *Client {
	t.Helper()
	c := New(Config{})
	t.Cleanup(c.Close)
	return c
}

var local = Options{LocalNetwork: true, Timeout: 20 * time.Second}

func send(t *testing.T, v *vault.Vault, r Request) *Response {
	t.Helper()
	answer, err := newClient(t).Send(t.Context(), v, r, local)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func get(address string, headers ...Field) Request {
	return Request{URL: URL{Raw: address}, Header: headers}
}

func bearer(token string) Field { return Field{Key: "Authorization", Value: "Bearer " + token} }

func TestPlacesOfAReference(t *testing.T) {
	value := secretValue
	form := &Body{Mode: "urlencoded", URLEncoded: []Field{{Key: "a", Value: "{{vault:key}}"}, {Key: "b", Value: "2"}, {Key: "c", Value: "{{vault:gone}}", Disabled: true}}}
	ref := "{{vault:key}}"
	tests := map[string]struct {
		request Request
		value   string
		check   func(seen) (got, want string)
	}{
		"query":           {get("?q={{vault:key}}&r=1"), value, func(s seen) (string, string) { return query(s).Get("q") + query(s).Get("r"), value + "1" }},
		"path":            {get("/a/{{vault:key}}"), "p&th?#v", func(s seen) (string, string) { return s.url, "/a/p%26th%3F%23v" }},
		"header":          {get("", Field{Key: "X-Key", Value: "x {{vault:key}} y"}), "abc=12;", func(s seen) (string, string) { return s.header.Get("X-Key"), "x abc=12; y" }},
		"raw":             {Request{Method: "POST", Body: &Body{Mode: "raw", Raw: "<{{vault:key}}>"}}, value, func(s seen) (string, string) { return s.body, "<" + value + ">" }},
		"urlencoded":      {Request{Method: "POST", Body: form}, value, func(s seen) (string, string) { return s.body, "a=" + url.QueryEscape(value) + "&b=2" }},
		"basic auth":      {Request{Auth: &Auth{"basic", []Attribute{{Key: "username", Value: "me"}, {Key: "password", Value: Text(ref)}}}}, value, func(s seen) (string, string) { return basicOf(s), "me:" + value }},
		"bearer auth":     {Request{Auth: &Auth{"bearer", []Attribute{{Key: "token", Value: Text(ref)}}}}, "tok-1234", func(s seen) (string, string) { return s.header.Get("Authorization"), "Bearer tok-1234" }},
		"api key, query":  {Request{Auth: &Auth{"apikey", []Attribute{{Key: "key", Value: "k"}, {Key: "value", Value: Text(ref)}, {Key: "in", Value: "query"}}}}, value, func(s seen) (string, string) { return query(s).Get("k"), value }},
		"api key, header": {Request{Auth: &Auth{"apikey", []Attribute{{Key: "key", Value: "X-K"}, {Key: "value", Value: Text(ref)}}}}, "tok-1234", func(s seen) (string, string) { return s.header.Get("X-K"), "tok-1234" }},
		"graphql": {Request{Method: "POST", Body: &Body{Mode: "graphql", GraphQL: &GraphQL{Query: "{a}", Variables: `{"t":["{{vault:key}}",1.50]}`}}}, `a"},{"x":1`,
			func(s seen) (string, string) {
				return s.body, `{"query":"{a}","variables":{"t":["a\"},{\"x\":1",1.50]}}`
			}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := serve(t, nil)
			test.request.URL.Raw = server.URL + test.request.URL.Raw
			send(t, newVault(t, test.value), test.request)
			if got, want := test.check(server.only(t)); got != want {
				t.Errorf("the server got %q, want %q", got, want)
			}
		})
	}
}

func query(s seen) url.Values {
	u, _ := url.Parse(s.url)
	return u.Query()
}

func basicOf(s seen) string {
	user, password, _ := (&http.Request{Header: s.header}).BasicAuth()
	return user + ":" + password
}

func TestFormData(t *testing.T) {
	var values map[string][]string
	var files, parts int
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err == nil {
			values, files, parts = r.MultipartForm.Value, len(r.MultipartForm.File), len(r.MultipartForm.Value)
		}
	}))
	defer server.Close()
	value := "v\r\n--x\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n1"
	r := Request{Method: "POST", URL: URL{Raw: server.URL}, Header: Headers{{Key: "Content-Type", Value: "multipart/form-data; boundary=x"}}}
	r.Body = &Body{Mode: "formdata", FormData: []FormField{
		{Key: "a", Value: "{{vault:key}}", Type: "text"},
		{Key: "n\"\r\nX: y", Value: "1"},
		{Key: `f"; filename="f`, Value: "2"},
		{Key: "off", Value: "{{vault:gone}}", Disabled: true},
	}}
	send(t, newVault(t, value), r)
	if files != 0 || parts != 3 || values["a"][0] != value || values["n%22%0D%0AX: y"][0] != "1" {
		t.Errorf("the server read %d files and %q", files, values)
	}
}

func TestEchoIsMasked(t *testing.T) {
	v := newVault(t, "tok/en+va:lue")
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("X-Key"))
		w.Header().Set("X-"+r.Header.Get("X-Name"), "1")
		w.WriteHeader(201)
		io.WriteString(w, r.Header.Get("X-Key")+" "+r.URL.String()+" "+r.Header.Get("Authorization"))
	})
	setSecret(t, v, "name", "abcdef-name")
	r := get(strings.Replace(server.URL, "//", "//me:{{vault:key}}@", 1)+"?q={{vault:key}}", Field{Key: "X-Key", Value: "{{vault:key}}"}, Field{Key: "X-Name", Value: "{{vault:name}}"})
	if _, err := newClient(t).Send(t.Context(), v, r, local); err == nil {
		t.Fatal("a secret without domains stood before the host")
	}
	setSecret(t, v, "key", "tok/en+va:lue", server.URL)
	r = get(server.URL+"?q={{vault:key}}", Field{Key: "X-Key", Value: "{{vault:key}}"}, Field{Key: "X-Name", Value: "{{vault:name}}"})
	r.Auth = &Auth{"basic", []Attribute{{Key: "username", Value: "{{vault:key}}"}, {Key: "password", Value: "pw"}}}
	answer := send(t, v, r)
	if answer.Code != 201 || answer.Status != "Created" || answer.Encoding != EncodingUTF8 {
		t.Errorf("got %d %q %q", answer.Code, answer.Status, answer.Encoding)
	}
	if want := "[masked] /?q=[masked] Basic [masked]"; answer.Body != want {
		t.Errorf("body %q, want %q", answer.Body, want)
	}
	for key, want := range map[string]string{"X-Echo": masked, "X-" + masked: "1"} {
		if got := headerOf(answer, key); got != want {
			t.Errorf("header %q is %q, want %q", key, got, want)
		}
	}
}

func headerOf(r *Response, key string) string {
	for _, f := range r.Header {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}

func TestNoMask(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("Authorization")) })
	o := local
	o.NoMask = true
	answer, err := newClient(t).Send(t.Context(), newVault(t, "the-value"), get(server.URL, bearer("{{vault:key}}")), o)
	if err != nil || answer.Body != "Bearer the-value" {
		t.Errorf("got %v, %v", answer, err)
	}
}

func TestDomainRefused(t *testing.T) {
	server := serve(t, nil)
	v := newVault(t, "the-value", "api.example.com")
	var unresolved *vault.UnresolvedError
	_, err := newClient(t).Send(t.Context(), v, get(server.URL, bearer("{{vault:key}}")), local)
	if !errors.As(err, &unresolved) || unresolved.References[0].Cause != vault.CauseDomain {
		t.Errorf("got %v", err)
	}
	o := local
	o.AllowUnresolved = true
	if _, err := newClient(t).Send(t.Context(), v, get(server.URL, bearer("{{vault:key}}")), o); err == nil {
		t.Error("AllowUnresolved overruled a domain")
	}
	if n := len(server.requests()); n != 0 {
		t.Errorf("the server saw %d requests", n)
	}
}

func TestUnresolved(t *testing.T) {
	server := serve(t, nil)
	v := newVault(t, "the-value")
	r := get(server.URL, Field{Key: "X-A", Value: "{{vault:gone}} {{vault:key}}"})
	if _, err := newClient(t).Send(t.Context(), v, r, local); err == nil || len(server.requests()) != 0 {
		t.Errorf("got %v and %d requests", err, len(server.requests()))
	}
	o := local
	o.AllowUnresolved = true
	if _, err := newClient(t).Send(t.Context(), v, r, o); err != nil {
		t.Fatal(err)
	}
	if got := server.only(t).header.Get("X-A"); got != "{{vault:gone}} the-value" {
		t.Errorf("sent %q", got)
	}
}

func TestVariables(t *testing.T) {
	server := serve(t, nil)
	o := local
	o.Scopes = []vault.Scope{{"base": server.URL, "token": "{{vault:key}}"}}
	if _, err := newClient(t).Send(t.Context(), newVault(t, "the-value"), get("{{base}}/x", bearer("{{token}}")), o); err != nil {
		t.Fatal(err)
	}
	if s := server.only(t); s.url != "/x" || s.header.Get("Authorization") != "Bearer the-value" {
		t.Errorf("got %+v", s)
	}
}

func TestLocked(t *testing.T) {
	server := serve(t, nil)
	c := newClient(t)
	v := newVault(t, "the-value")
	v.Lock(vault.LockerOwner)
	absent := vault.NewAccounts(vault.Options{Dir: t.TempDir()}).Vault(vault.LocalAccount)
	if _, err := c.Send(t.Context(), v, get(server.URL, bearer("{{vault:key}}")), local); err != vault.ErrLocked {
		t.Errorf("locked: got %v", err)
	}
	if _, err := c.Send(t.Context(), absent, get(server.URL, bearer("{{vault:key}}")), local); err != vault.ErrNoVault {
		t.Errorf("absent: got %v", err)
	}
	if n := len(server.requests()); n != 0 {
		t.Fatalf("the server saw %d requests", n)
	}
	for _, v := range []*vault.Vault{v, absent} {
		if answer, err := c.Send(t.Context(), v, get(server.URL), local); err != nil || answer.Code != 200 {
			t.Errorf("without references: got %v", err)
		}
	}
}

func TestLockMidBody(t *testing.T) {
	v := newVault(t, "the-value")
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begin")
		w.(http.Flusher).Flush()
		v.Lock(vault.LockerOwner)
		<-r.Context().Done()
	})
	answer, err := newClient(t).Send(t.Context(), v, get(server.URL, bearer("{{vault:key}}")), local)
	if answer != nil || err != vault.ErrLocked {
		t.Errorf("got %v, %v", answer, err)
	}
}

// The lock is complete before the answer begins, and the answer may be complete
// before the context hears of the lock; the vault may be open again by then.
func TestLockBeforeReturn(t *testing.T) {
	v := vault.NewAccounts(vault.Options{Dir: t.TempDir()}).Vault(vault.LocalAccount)
	key, err := v.Create(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Lock(vault.LockerExit)
	setSecret(t, v, "key", "the-value")
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		v.Lock(vault.LockerOwner)
		if r.URL.Path == "/opened-again" {
			v.Open(context.Background(), key)
			<-r.Context().Done()
		}
		io.WriteString(w, "done")
	})
	c := newClient(t)
	for _, path := range []string{"/", "/opened-again"} {
		for range 30 {
			if err := v.Open(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			if answer, err := c.Send(t.Context(), v, get(server.URL+path, bearer("{{vault:key}}")), local); answer != nil || err != vault.ErrLocked {
				t.Fatalf("%s: got %v, %v", path, answer, err)
			}
		}
	}
}

func TestCancelAndTimeout(t *testing.T) {
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	v := newVault(t, "the-value")
	o := local
	o.Timeout = 50 * time.Millisecond
	_, err := newClient(t).Send(t.Context(), v, get(server.URL, bearer("{{vault:key}}")), o)
	if err != ErrTimeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := newClient(t).Send(ctx, v, get(server.URL, bearer("{{vault:key}}")), local); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}
