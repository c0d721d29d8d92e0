package relay

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"postern/vault"
)

func pointer(s string) *string { return &s }

var decoded = map[string]struct {
	source string
	want   Request
}{
	"text":     {`"https://a.example/x"`, Request{URL: URL{Raw: "https://a.example/x"}}},
	"url text": {`{"url":"https://a.example"}`, Request{URL: URL{Raw: "https://a.example"}}},
	"url object": {`{"url":{"raw":"r","protocol":"https","host":["a","example"],"port":8443,"path":["x",{"type":"string","value":"y"}],"query":[{"key":"q","value":null},{"key":"r","value":"1","disabled":true}],"variable":[{"key":"id","value":7}]}}`,
		Request{URL: URL{Raw: "r", Protocol: "https", Host: Parts{"a", "example"}, Port: "8443", Path: Parts{"x", "y"}, Query: []Query{{Key: "q"}, {"r", pointer("1"), true}}, Variable: []Variable{{"id", "7"}}}}},
	"host and path as text": {`{"url":{"host":"a.example","path":"/x/y"}}`, Request{URL: URL{Host: Parts{"a.example"}, Path: Parts{"/x/y"}}}},
	"header text":           {`{"url":"u","header":"A: 1\r\n\nB:2:3\n"}`, Request{URL: URL{Raw: "u"}, Header: Headers{{Key: "A", Value: "1"}, {Key: "B", Value: "2:3"}}}},
	"unknown members": {`{"name":"n","description":{"content":"d"},"id":"1","method":"PUT","url":{"raw":"u","hash":"h"},"header":[{"key":"A","value":"1","description":"d","type":"text"}],"body":null,"auth":null,"proxy":null,"certificate":{}}`,
		Request{Method: "PUT", URL: URL{Raw: "u"}, Header: Headers{{Key: "A", Value: "1"}}}},
	"auth":              {`{"url":"u","auth":{"type":"basic","basic":[{"key":"username","value":"me","type":"string"},{"key":"n","value":5}]}}`, Request{URL: URL{Raw: "u"}, Auth: &Auth{"basic", []Attribute{{"username", "me", "string"}, {"n", "5", ""}}}}},
	"auth of elsewhere": {`{"url":"u","auth":{"type":"hawk","hawk":{"any":1}}}`, Request{URL: URL{Raw: "u"}, Auth: &Auth{Type: "hawk"}}},
	"graphql":           {`{"url":"u","body":{"mode":"graphql","graphql":{"query":"{a}","variables":{"a":1}}}}`, Request{URL: URL{Raw: "u"}, Body: &Body{Mode: "graphql", GraphQL: &GraphQL{Query: "{a}", Variables: `{"a":1}`}}}},
	"proxy":             {`{"url":"u","proxy":{"host":"p"}}`, Request{URL: URL{Raw: "u"}, unsupported: "a proxy of its own"}},
}

func TestDecodeRequest(t *testing.T) {
	readers := map[string]func(string, any) error{
		"v1": func(s string, into any) error { return json.Unmarshal([]byte(s), into) },
		"v2": func(s string, into any) error {
			return jsonv2.Unmarshal([]byte(s), into, jsonv2.RejectUnknownMembers(true))
		},
	}
	for name, test := range decoded {
		for version, read := range readers {
			got := struct {
				Request Request `json:"request"`
			}{Request{Method: "left over"}}
			if err := read(`{"request": `+test.source+` }`, &got); err != nil {
				t.Errorf("%s, %s: %v", name, version, err)
			}
			if diff := cmp.Diff(test.want, got.Request, cmp.AllowUnexported(Request{})); diff != "" {
				t.Errorf("%s, %s: %s", name, version, diff)
			}
		}
	}
}

func TestRequestRoundTrip(t *testing.T) {
	for name, test := range decoded {
		if test.want.unsupported != "" {
			continue
		}
		for _, write := range []func(any) ([]byte, error){json.Marshal, func(v any) ([]byte, error) { return jsonv2.Marshal(v) }} {
			b, err := write(test.want)
			var got Request
			if err == nil {
				err = json.Unmarshal(b, &got)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(Request{})); err != nil || diff != "" {
				t.Errorf("%s: %v %s in %s", name, err, diff, b)
			}
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, source := range []string{`[]`, `7`, `{"url":7}`, `{"url":{"host":{}}}`, `{"url":{"path":[["x"]]}}`, `{"url":"u","header":"no colon"}`, `{"url":"u","auth":{"type":"basic","basic":{"username":"hidden"}}}`, `{"url":"u","body":"hidden"}`} {
		var r Request
		err := json.Unmarshal([]byte(source), &r)
		var invalid *vault.InvalidError
		if !errors.As(err, &invalid) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: got %v", source, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	query := []Query{{Key: "a=&", Value: pointer("1&#{{x&#}}")}, {Key: "b"}, {"c", pointer("3"), true}}
	tests := map[string]URL{
		"https://a.b:1/x%3Fy/z?a%3D%26=1%26%23{{x&#}}&b": {Protocol: "https", Host: Parts{"a", "b"}, Port: "1", Path: Parts{"x?y", "z"}, Query: query},
		"{{base}}/x":                   {Host: Parts{"{{base}}"}, Path: Parts{"/x"}},
		"http://h/u/7%3F/n/7%3F?x=:id": {Raw: "http://h/u/:id/n/:id?x=:id", Variable: []Variable{{"id", "7?"}}},
		"{{a/:id}}/{{b?}}/8":           {Raw: "{{a/:id}}/{{b?}}/:id", Variable: []Variable{{"id", "8"}}},
		"}}/9":                         {Raw: "}}/:id", Variable: []Variable{{"id", "9"}}},
		"http://h":                     {Raw: "  http://h "},
	}
	for want, u := range tests {
		if got, err := u.template(); got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if _, err := (URL{}).template(); err == nil {
		t.Error("no address was taken for one")
	}
}

// What cannot be sent as it is meant is refused, and never sent as something else.
func TestRefusedRequests(t *testing.T) {
	server := serve(t, nil)
	v := newVault(t, "line\r\nInjected: 1")
	setSecret(t, v, "word", "1234")
	body := func(b Body) Request { return Request{Method: "POST", Body: &b} }
	tests := map[string]Request{
		"auth":                    {Auth: &Auth{Type: "digest"}},
		"auth without type":       {Auth: &Auth{}},
		"api key place":           {Auth: &Auth{"apikey", []Attribute{{Key: "key", Value: "k"}, {Key: "in", Value: "body"}}}},
		"api key as host":         {Auth: &Auth{"apikey", []Attribute{{Key: "key", Value: "host"}, {Key: "value", Value: "x"}}}},
		"file body":               body(Body{Mode: "file"}),
		"file part":               body(Body{Mode: "formdata", FormData: []FormField{{Key: "f", Type: "file"}}}),
		"part type":               body(Body{Mode: "formdata", FormData: []FormField{{Key: "f", ContentType: "{{vault:key}}"}}}),
		"graphql":                 body(Body{Mode: "graphql"}),
		"graphql variables":       body(Body{Mode: "graphql", GraphQL: &GraphQL{Variables: "{x"}}),
		"graphql bare reference":  body(Body{Mode: "graphql", GraphQL: &GraphQL{Variables: `{"x":{{vault:word}}}`}}),
		"graphql reference key":   body(Body{Mode: "graphql", GraphQL: &GraphQL{Variables: `{"{{vault:word}}":1}`}}),
		"proxy":                   {unsupported: "a proxy of its own"},
		"header value":            {Header: Headers{{Key: "X-A", Value: "{{vault:key}}"}}},
		"header value, literal":   {Header: Headers{{Key: "X-A", Value: "a\x00b"}}},
		"header name":             {Header: Headers{{Key: "{{vault:key}}", Value: "x"}}},
		"header name, literal":    {Header: Headers{{Key: "X A", Value: "x"}}},
		"bearer":                  {Auth: &Auth{"bearer", []Attribute{{Key: "token", Value: "{{vault:key}}"}}}},
		"content type":            {Method: "POST", Header: Headers{{Key: "Content-Type", Value: "{{vault:key}}"}}, Body: &Body{Mode: "raw", Raw: "x"}},
		"upgrade":                 {Header: Headers{{Key: "upgrade", Value: "websocket"}}},
		"proxy authorization":     {Header: Headers{{Key: "Proxy-Authorization", Value: "x"}}},
		"host":                    {Header: Headers{{Key: "Host", Value: "a/b"}}},
		"method":                  {Method: "GET / HTTP/1.1\r\nX: y"},
		"method connect":          {Method: "connect"},
		"secret method":           {Method: "{{vault:word}}"},
		"other scheme":            {URL: URL{Raw: "ftp://127.0.0.1/"}},
		"websocket":               {URL: URL{Raw: strings.Replace(server.URL, "http", "ws", 1)}},
		"no address":              {URL: URL{Raw: " "}},
		"user with a line break?": {URL: URL{Raw: "http://us\r\ner@"}},
	}
	for name, r := range tests {
		if r.URL.Raw == "" {
			r.URL.Raw = server.URL
		}
		_, err := newClient(t).Send(t.Context(), v, r, local)
		var invalid *vault.InvalidError
		if !errors.As(err, &invalid) {
			t.Errorf("%s: got %v", name, err)
		} else if strings.Contains(err.Error(), "Injected") {
			t.Errorf("%s: the error holds the value: %v", name, err)
		}
	}
	if n := len(server.requests()); n != 0 {
		t.Errorf("the server saw %d requests", n)
	}
}

func TestHeaders(t *testing.T) {
	server := serve(t, nil)
	r := get(server.URL, Field{Key: "x-b", Value: "1"}, Field{Key: "X-B", Value: "2"}, Field{Key: "", Value: "x"}, Field{Key: "Off", Value: "{{vault:gone}}", Disabled: true},
		Field{Key: "Content-Length", Value: "999"}, Field{Key: "Transfer-Encoding", Value: "chunked"}, Field{Key: "Connection", Value: "close, X-B"}, Field{Key: "TE", Value: "trailers"})
	r.Method, r.Body = "POST", &Body{Mode: "raw", Raw: `{}`}
	r.Body.Options.Raw.Language = "json"
	send(t, newVault(t, "the-value"), r)
	want := http.Header{"X-B": {"1", "2"}, "Content-Length": {"2"}, "Content-Type": {"application/json"}, "Accept": {"*/*"}, "User-Agent": {"Postern"}, "Accept-Encoding": {"gzip, deflate"}}
	if diff := cmp.Diff(want, server.only(t).header); diff != "" {
		t.Error(diff)
	}
}

func TestNoProxyFromTheEnvironment(t *testing.T) {
	if c := newClient(t); c.public.Proxy != nil || c.local.Proxy != nil {
		t.Error("a proxy is taken from the environment")
	}
}

func TestTemplate(t *testing.T) {
	r := get("http://h/{{vault:a}}", bearer("{{vault:b}}"), Field{Key: "Off", Value: "{{vault:c}}", Disabled: true})
	got, err := r.Template()
	want := vault.Template{URL: "http://h/{{vault:a}}", Texts: []string{"", "Authorization", "Bearer {{vault:b}}"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}
