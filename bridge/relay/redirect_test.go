package relay

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"postern/vault"
)

// redirectTo answers with a redirect to the address that there returns.
func redirectTo(code int, there func() string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", there())
		w.WriteHeader(code)
	}
}

func constant(s string) func() string { return func() string { return s } }

func TestRedirectMethods(t *testing.T) {
	tests := []struct {
		code         int
		method, want string
		keepsBody    bool
	}{
		{301, "POST", "GET", false}, {302, "POST", "GET", false}, {303, "POST", "GET", false}, {303, "PUT", "GET", false},
		{303, "HEAD", "HEAD", true}, {301, "PUT", "PUT", true}, {307, "POST", "POST", true}, {308, "PATCH", "PATCH", true},
	}
	for _, test := range tests {
		t.Run(strconv.Itoa(test.code)+" "+test.method, func(t *testing.T) {
			b := serve(t, nil)
			a := serve(t, redirectTo(test.code, constant(b.URL+"/there")))
			r := Request{Method: test.method, URL: URL{Raw: a.URL}}
			if test.method != "HEAD" {
				r.Body = &Body{Mode: "raw", Raw: "data"}
			}
			answer := send(t, newVault(t, "the-value"), r)
			s := b.only(t)
			if s.method != test.want || s.url != "/there" || (s.body == "data") != (test.keepsBody && r.Body != nil) {
				t.Errorf("the second server got %+v", s)
			}
			if hasType := s.header.Get("Content-Type") != ""; hasType != (s.body != "") {
				t.Errorf("the content type does not fit the body: %+v", s)
			}
			if s.header.Get("Referer") != "" {
				t.Error("a Referer was sent")
			}
			if len(answer.Redirects) != 1 || answer.Redirects[0].Code != test.code || answer.Redirects[0].URL != b.URL+"/there" {
				t.Errorf("reported %+v", answer.Redirects)
			}
		})
	}
}

func TestRedirectDropsHeaders(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		b := serve(t, nil)
		a := serve(t, redirectTo(code, constant(b.URL)))
		headers := []Field{bearer("{{vault:key}}"), {Key: "X-Key", Value: "{{vault:key}}"}, {Key: "Cookie", Value: "literal=1"}, {Key: "X-Plain", Value: "stays"}}
		answer := send(t, newVault(t, "the-value"), get(a.URL, headers...))
		if b.saw("the-value") || b.only(t).header.Get("Cookie") != "" || b.only(t).header.Get("X-Plain") != "stays" {
			t.Errorf("%d: the second server got %v", code, b.only(t).header)
		}
		if got := answer.Redirects[0].DroppedHeaders; !slices.Equal(got, []string{"Authorization", "X-Key", "Cookie"}) {
			t.Errorf("%d: dropped %q", code, got)
		}
		if !a.saw("the-value") {
			t.Errorf("%d: the first server did not get the value", code)
		}
	}
}

func TestRedirectFollowsAllowedDomains(t *testing.T) {
	b := serve(t, nil)
	a := serve(t, redirectTo(307, constant(b.URL)))
	v := newVault(t, "the-value", a.URL, b.URL)
	r := get(a.URL, bearer("{{vault:key}}"))
	r.Method, r.Body = "POST", &Body{Mode: "raw", Raw: "{{vault:key}}"}
	answer := send(t, v, r)
	if s := b.only(t); s.header.Get("Authorization") != "Bearer the-value" || s.body != "the-value" {
		t.Errorf("got %+v", s)
	}
	if len(answer.Redirects[0].DroppedHeaders) != 0 {
		t.Errorf("dropped %q", answer.Redirects[0].DroppedHeaders)
	}
}

func TestRedirectLiteralCredentialStaysBehind(t *testing.T) {
	b := serve(t, nil)
	a := serve(t, redirectTo(302, constant(b.URL)))
	v := newVault(t, "the-value", a.URL, b.URL)
	address := strings.Replace(a.URL, "//", "//me:literal@", 1)
	answer := send(t, v, get(address, Field{Key: "X-Key", Value: "{{vault:key}}"}))
	if s := b.only(t); s.header.Get("Authorization") != "" || s.header.Get("X-Key") != "the-value" {
		t.Errorf("got %v", s.header)
	}
	if s := a.only(t); basicOf(s) != "me:literal" {
		t.Errorf("the first server got %q", basicOf(s))
	}
	if strings.Contains(answer.Redirects[0].URL, "literal") {
		t.Errorf("reported %q", answer.Redirects[0].URL)
	}
}

func TestRedirectSameOriginKeepsAll(t *testing.T) {
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			redirectTo(308, constant("/two?x={{vault:key}}"))(w, r)
		}
	})
	r := get(a.URL, bearer("{{vault:key}}"), Field{Key: "Cookie", Value: "a=1"})
	r.Method, r.Body = "PUT", &Body{Mode: "raw", Raw: "{{vault:key}}"}
	send(t, newVault(t, "the-value"), r)
	s := a.requests()[1]
	if s.header.Get("Authorization") != "Bearer the-value" || s.header.Get("Cookie") != "a=1" || s.body != "the-value" {
		t.Errorf("got %+v", s)
	}
	if strings.Contains(s.url, "the-value") {
		t.Errorf("a reference in a Location was resolved: %q", s.url)
	}
}

func TestRedirectRefused(t *testing.T) {
	value := "the/val+ue&"
	same := func(b string) string { return b }
	tests := map[string]struct {
		location func(second string) string
		body     *Body
	}{
		"body sent again":       {same, &Body{Mode: "raw", Raw: "{{vault:key}}"}},
		"form sent again":       {same, &Body{Mode: "urlencoded", URLEncoded: []Field{{Key: "k", Value: "{{vault:key}}"}}}},
		"form key sent again":   {same, &Body{Mode: "urlencoded", URLEncoded: []Field{{Key: "{{vault:key}}"}}}},
		"parts sent again":      {same, &Body{Mode: "formdata", FormData: []FormField{{Key: "k", Value: "{{vault:key}}"}}}},
		"query sent again":      {same, &Body{Mode: "graphql", GraphQL: &GraphQL{Query: "{{vault:key}}"}}},
		"variables sent again":  {same, &Body{Mode: "graphql", GraphQL: &GraphQL{Query: "{a}", Variables: `[{"a":"{{vault:key}}"}]`}}},
		"location, plain":       {func(b string) string { return b + "/?x=" + value }, nil},
		"location, escaped":     {func(b string) string { return b + "/?x=" + url.QueryEscape(value) }, nil},
		"location, base64":      {func(b string) string { return b + "/?x=dGhlL3ZhbCt1ZSY" }, nil},
		"location, hexadecimal": {func(b string) string { return b + "/7468652f76616c2b756526" }, nil},
		"location, no scheme":   {func(b string) string { return strings.TrimPrefix(b, "http:") + "/" + value }, nil},
		"not http":              {func(string) string { return "file:///etc/passwd" }, nil},
		"not a url":             {func(string) string { return "http://[::1" }, nil},
		"opaque":                {func(string) string { return "http:other" }, nil},
		"websocket":             {func(b string) string { return strings.Replace(b, "http", "ws", 1) }, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := serve(t, nil)
			a := serve(t, redirectTo(307, func() string { return test.location(b.URL) }))
			r := get(a.URL, Field{Key: "X-Key", Value: "{{vault:key}}"})
			if r.Body = test.body; r.Body != nil {
				r.Method = "POST"
			}
			answer, err := newClient(t).Send(t.Context(), newVault(t, value), r, local)
			if answer != nil || !errors.Is(err, ErrRedirect) {
				t.Errorf("got %v, %v", answer, err)
			}
			if n := len(b.requests()); n != 0 {
				t.Errorf("the second server saw %d requests", n)
			}
			if err != nil && strings.Contains(err.Error(), value) {
				t.Errorf("the error holds the value: %v", err)
			}
		})
	}
}

func TestRedirectDowngrade(t *testing.T) {
	b := serve(t, nil)
	a := record(t, httptest.NewTLSServer, redirectTo(302, constant(b.URL)))
	for name, want := range map[string]error{"refused": ErrRedirect, "allowed": nil, "without secrets": nil} {
		v := newVault(t, "the-value")
		r := get(a.URL, bearer("{{vault:key}}"))
		switch name {
		case "allowed":
			setSecret(t, v, "key", "the-value", a.URL, b.URL)
		case "without secrets":
			r = get(a.URL)
		}
		c := trusting(t, a)
		_, err := c.Send(t.Context(), v, r, local)
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if n := len(b.requests()); n != 2 {
		t.Errorf("the second server saw %d requests, want 2", n)
	}
}

// trusting returns a client that accepts the certificate of the server.
func trusting(t *testing.T, r *recorder) *Client {
	c := newClient(t)
	c.local.TLSClientConfig = r.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	c.local.TLSClientConfig.NextProtos = nil
	return c
}

// What was dropped on the way to another origin is not sent when a later hop
// comes back.
func TestRedirectAndBack(t *testing.T) {
	var a *recorder
	b := serve(t, redirectTo(302, func() string { return a.URL + "/back" }))
	a = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/back" {
			redirectTo(302, constant(b.URL))(w, r)
		}
	})
	answer := send(t, newVault(t, "the-value"), get(a.URL, bearer("{{vault:key}}")))
	if got := a.requests()[1].header.Get("Authorization"); got != "" {
		t.Errorf("the header came back: %q", got)
	}
	if b.saw("the-value") || len(answer.Redirects) != 2 {
		t.Errorf("redirects %+v", answer.Redirects)
	}
}

func TestRedirectLimits(t *testing.T) {
	a := serve(t, redirectTo(302, constant("/again")))
	v := newVault(t, "the-value")
	if _, err := newClient(t).Send(t.Context(), v, get(a.URL), local); !errors.Is(err, ErrRedirect) || len(a.requests()) != 11 {
		t.Errorf("got %v after %d requests", err, len(a.requests()))
	}
	o, no := local, false
	o.FollowRedirects = &no
	answer, err := newClient(t).Send(t.Context(), v, get(a.URL), o)
	if err != nil || answer.Code != 302 || headerOf(answer, "Location") != "/again" {
		t.Errorf("got %v, %v", answer, err)
	}
}

func TestRedirectReportIsMasked(t *testing.T) {
	b := serve(t, nil)
	a := serve(t, redirectTo(302, func() string { return strings.Replace(b.URL, "//", "//me:literal@", 1) + "/x/the%2Dvalue" }))
	v := newVault(t, "the-value", a.URL, b.URL)
	setSecret(t, v, "name", "X-Hidden")
	answer := send(t, v, get(a.URL, bearer("{{vault:key}}"), Field{Key: "{{vault:name}}", Value: "1"}))
	if got, want := answer.Redirects[0].URL, b.URL+"/x/"+masked; got != want {
		t.Errorf("reported %q, want %q", got, want)
	}
	if got := answer.Redirects[0].DroppedHeaders; !slices.Equal(got, []string{masked}) {
		t.Errorf("dropped %q", got)
	}
}

func TestHostHeader(t *testing.T) {
	server := serve(t, nil)
	v := newVault(t, "the-value")
	own := strings.TrimPrefix(server.URL, "http://")
	var invalid *vault.InvalidError
	if _, err := newClient(t).Send(t.Context(), v, get(server.URL, Field{Key: "host", Value: "other.example"}, bearer("{{vault:key}}")), local); !errors.As(err, &invalid) {
		t.Errorf("got %v", err)
	}
	if len(server.requests()) != 0 {
		t.Error("a request with a secret went to another host's site")
	}
	send(t, v, get(server.URL, Field{Key: "Host", Value: own}, bearer("{{vault:key}}")))
	send(t, v, get(server.URL, Field{Key: "Host", Value: "other.example"}))
	other := serve(t, redirectTo(302, constant(server.URL)))
	send(t, v, get(other.URL, Field{Key: "Host", Value: "other.example"}))
	if list := server.requests(); list[2].host != own {
		t.Errorf("the host %q went along to another origin", list[2].host)
	}
	if list := server.requests(); list[0].host != own || list[1].host != "other.example" {
		t.Errorf("hosts %q and %q", list[0].host, list[1].host)
	}
}
