package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"postern/bridge/bridgetest"
	"postern/vault"
)

// client is a connection, speaking JSON-RPC by hand: an app's over its sealed
// channel, the console's in the clear.
type client struct {
	t  testing.TB
	ws *websocket.Conn
	// sealed is nil for the console.
	sealed *bridgetest.Conn
	id     int
}

// page returns a page of the origin whose key the owner has allowed.
func (s *served) page(t testing.TB, origin string) *bridgetest.Page {
	t.Helper()
	page, err := bridgetest.NewPage(s.address, origin)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.decide(Applicant{Origin: origin, Key: page.Key}, true); err != nil {
		t.Fatal(err)
	}
	page.AgentKey = s.config.Identity.public
	return page
}

// app connects an allowed page of the origin.
func (s *served) app(t testing.TB, origin, account string) *client {
	t.Helper()
	conn, err := s.page(t, origin).Connect(account)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.WS.Close() })
	return &client{t: t, ws: conn.WS, sealed: conn}
}

// owner opens a console connection on the account.
func (s *served) owner(t testing.TB, account string) *client {
	t.Helper()
	_, token, _ := strings.Cut(s.ConsoleLink(), "#token=")
	session, ok := s.console.exchange(token)
	if !ok {
		t.Fatal("the token of the console link is refused")
	}
	page := bridgetest.Page{Address: s.address, Origin: "http://" + s.address}
	ws, err := page.Dial("/bridge?account="+account, sessionProtocol+session)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	return &client{t: t, ws: ws}
}

// stranger opens a connection that may only ask.
func (s *served) stranger(t *testing.T, origin string) *client {
	t.Helper()
	ws, err := (&bridgetest.Page{Address: s.address, Origin: origin}).Dial("/pair")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	return &client{t: t, ws: ws}
}

func (p *client) writeFrame(frame []byte) {
	p.t.Helper()
	var err error
	if p.sealed != nil {
		err = p.sealed.WriteFrame(frame)
	} else {
		err = p.ws.WriteMessage(websocket.TextMessage, frame)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *client) readFrame() []byte {
	p.t.Helper()
	var frame []byte
	err := p.ws.SetReadDeadline(time.Now().Add(20 * time.Second))
	if err == nil && p.sealed != nil {
		frame, err = p.sealed.ReadFrame()
	} else if err == nil {
		_, frame, err = p.ws.ReadMessage()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return frame
}

type answer = bridgetest.Answer

func (p *client) send(method string, params any) int {
	p.t.Helper()
	p.id++
	frame, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": p.id, "method": method, "params": params})
	if err != nil {
		p.t.Fatal(err)
	}
	p.writeFrame(frame)
	return p.id
}

// next reads until keep says so.
func (p *client) next(keep func(answer) bool) answer {
	p.t.Helper()
	for {
		var a answer
		if err := json.Unmarshal(p.readFrame(), &a); err != nil {
			p.t.Fatal(err)
		}
		if keep(a) {
			return a
		}
	}
}

func (p *client) answerTo(id int) answer {
	p.t.Helper()
	return p.next(func(a answer) bool { return string(a.ID) == fmt.Sprint(id) })
}

func (p *client) event(name string) answer {
	p.t.Helper()
	return p.next(func(a answer) bool { return a.Method == name })
}

// call fails the test unless the call succeeds.
func (p *client) call(method string, params, result any) {
	p.t.Helper()
	a := p.answerTo(p.send(method, params))
	if a.Error != nil {
		p.t.Fatalf("%s: %s (%s)", method, a.Error.Message, a.Error.Data.Kind)
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(a.Result, result); err != nil {
		p.t.Fatal(err)
	}
}

// refused fails the test unless the call fails with the kind.
func (p *client) refused(kind, method string, params any) {
	p.t.Helper()
	a := p.answerTo(p.send(method, params))
	switch {
	case a.Error == nil:
		p.t.Errorf("%s was answered with %s, want the error %s", method, a.Result, kind)
	case a.Error.Data.Kind != kind || !strings.HasSuffix(a.Error.Message, "."):
		p.t.Errorf("%s failed with %+v, want kind %s and a sentence", method, a.Error, kind)
	}
}

type object map[string]any

func TestAppUsesASecretThatItNeverSees(t *testing.T) {
	s := serve(t, nil)
	var seen atomic.Value
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Header.Get("X-Api-Key"))
		fmt.Fprintf(w, "your key is %s", r.Header.Get("X-Api-Key"))
	}))
	defer upstream.Close()
	app := s.app(t, allowedOrigin, "alice")
	app.call("vault.create", object{}, nil)
	app.call("secret.set", object{"name": "key", "value": "v4lue-of-alice", "domains": []string{upstream.URL}}, nil)

	var response struct{ Body string }
	send := object{"request": object{"url": upstream.URL, "header": []object{{"key": "X-Api-Key", "value": "{{vault:key}}"}}}}
	app.call("request.send", send, &response)
	if seen.Load() != "v4lue-of-alice" {
		t.Errorf("the server saw %q", seen.Load())
	}
	if strings.Contains(response.Body, "v4lue") || !strings.Contains(response.Body, "[masked]") {
		t.Errorf("the page saw %q", response.Body)
	}
	app.refused("needs_grant", "secret.reveal", object{"name": "key"})
	send["noMask"] = true
	app.refused("needs_grant", "request.send", send)
	app.refused("domain", "request.send", object{"request": object{"url": strings.Replace(upstream.URL, "127.0.0.1", "localhost", 1), "header": "A: {{vault:key}}"}})
	app.refused("unresolved", "request.send", object{"request": object{"url": upstream.URL, "header": "A: {{vault:none}}"}})
	app.call("workspace.enter", object{"id": "w", "name": "Weather", "visibility": "public"}, nil)
	delete(send, "noMask")
	app.refused("needs_grant", "request.send", send)
	app.call("workspace.leave", object{}, nil)
	app.call("vault.lock", object{}, nil)
	app.refused("locked", "request.send", send)
}

func TestAppsAndAccountsDoNotMeet(t *testing.T) {
	s := serve(t, nil)
	alice := s.app(t, allowedOrigin, "alice")
	alice.call("vault.create", object{}, nil)
	alice.call("secret.set", object{"name": "key", "value": "abcdefgh"}, nil)
	for _, other := range []*client{
		s.app(t, allowedOrigin, "bob"),
		s.app(t, "https://other.example.com", "alice"),
		s.app(t, allowedOrigin, "local"),
		s.app(t, allowedOrigin, ""),
		s.app(t, "https://other.example.com", allowedOrigin+"#alice"),
	} {
		other.refused("no_vault", "secret.list", object{})
	}
	s.owner(t, allowedOrigin+"%23alice").call("secret.reveal", object{"name": "key"}, nil)
}

func TestAppsCannotDoWhatOnlyTheOwnerMay(t *testing.T) {
	s := serve(t, nil)
	app := s.app(t, allowedOrigin, "")
	app.call("vault.create", object{}, nil)
	for _, m := range methods {
		if m.roles&roleApp != 0 {
			continue
		}
		a := app.answerTo(app.send(m.name, object{}))
		if a.Error == nil || a.Error.Code != codeMethodNotFound {
			t.Errorf("%s: %+v", m.name, a)
		}
	}
	stranger := s.stranger(t, "https://new.example.com")
	for _, m := range methods {
		if m.roles&roleStranger != 0 {
			continue
		}
		a := stranger.answerTo(stranger.send(m.name, object{}))
		if a.Error == nil || a.Error.Code != codeMethodNotFound {
			t.Errorf("a stranger may call %s: %+v", m.name, a)
		}
	}
}

func TestOwnersLockHoldsAgainstThePage(t *testing.T) {
	s := serve(t, nil)
	app, owner := s.app(t, allowedOrigin, ""), s.owner(t, "local")
	var created struct{ Key string }
	app.call("vault.create", object{}, &created)
	app.call("vault.lock", object{}, nil)
	app.call("vault.open", object{}, nil)
	owner.call("vault.lock", object{}, nil)
	if a := app.event("vault.changed"); !strings.Contains(string(a.Params), `"locked"`) && !strings.Contains(string(app.event("vault.changed").Params), `"locked"`) {
		t.Errorf("the page was told %s", a.Params)
	}
	app.refused("locked", "vault.open", object{})
	app.refused("mistyped_key", "vault.open", object{"key": "PVK1-1"})
	app.call("vault.open", object{"key": created.Key}, nil)
	owner.call("vault.lock", object{}, nil)
	owner.call("vault.unlockAll", object{}, nil)
	app.call("secret.list", object{}, nil)
}

func TestBlockingAnAppEndsItsConnections(t *testing.T) {
	s := serve(t, nil)
	app := s.app(t, allowedOrigin, "")
	app.call("vault.status", object{}, nil)
	s.owner(t, "local").call("app.block", object{"origin": allowedOrigin}, nil)
	if err := app.ws.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, _, err := app.ws.ReadMessage()
	if timeout, ok := err.(net.Error); err == nil || (ok && timeout.Timeout()) {
		t.Fatalf("the connection goes on: %v", err)
	}
	if status, _ := s.do(t, handshake{path: "/bridge", headers: origin(allowedOrigin)}); status != http.StatusForbidden {
		t.Errorf("the blocked origin got %d", status)
	}
}

func TestCancelledRequestEnds(t *testing.T) {
	s := serve(t, nil)
	arrived := make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}))
	defer upstream.Close()
	app := s.app(t, allowedOrigin, "")
	id := app.send("request.send", object{"request": object{"url": upstream.URL}})
	select {
	case <-arrived:
	case <-time.After(20 * time.Second):
		t.Fatal("the request did not arrive")
	}
	var cancelled struct{ Cancelled bool }
	cancelID := app.send("request.cancel", object{"id": id})
	var first, second answer
	first = app.next(func(a answer) bool { return a.Method == "" })
	second = app.next(func(a answer) bool { return a.Method == "" })
	if string(first.ID) != fmt.Sprint(cancelID) {
		first, second = second, first
	}
	if err := json.Unmarshal(first.Result, &cancelled); err != nil || !cancelled.Cancelled {
		t.Errorf("cancel was answered %s, %v", first.Result, err)
	}
	if second.Error == nil || second.Error.Data.Kind != "cancelled" {
		t.Errorf("the request was answered %+v", second)
	}
}

// The examples of the JSON-RPC 2.0 specification, section 7, on our own methods,
// and what its text forbids.
func TestJSONRPC(t *testing.T) {
	s := serve(t, nil)
	app := s.app(t, allowedOrigin, "")
	const status = `{"state":"none","account":"https://app.example.com#default","secrets":0,"keyStored":false}`
	ok := func(id string) string { return `{"jsonrpc":"2.0","id":` + id + `,"result":` + status + `}` }
	failed := func(id string, code int) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":%d`, id, code)
	}
	for _, c := range []struct{ frame, want string }{
		{`{"jsonrpc":"2.0","method":"vault.status","params":{},"id":3}`, ok("3")},
		{`{"jsonrpc":"2.0","method":"vault.status","id":"a b"}`, ok(`"a b"`)},
		{`{"jsonrpc":"2.0","method":"vault.status","id":1.5}`, ok("1.5")},
		{`{"jsonrpc":"2.0","method":"vault.status","id":null}`, ok("null")},
		{`{"jsonrpc":"2.0","method":"foobar","id":"1"}`, failed(`"1"`, codeMethodNotFound)},
		{`{"jsonrpc":"2.0","method":"foobar, "params":"bar","baz]`, failed("null", codeParse)},
		{`{"jsonrpc":"2.0","method":1,"params":"bar"}`, failed("null", codeInvalidRequest)},
		{`[`, failed("null", codeParse)},
		{`[]`, failed("null", codeInvalidRequest)},
		{`[1]`, `[` + failed("null", codeInvalidRequest)},
		{`[{"jsonrpc":"2.0","method":"vault.status","id":1},{"jsonrpc":"2.0","method":"vault.status"},{"foo":"boo"}]`, `[` + ok("1") + `,` + failed("null", codeInvalidRequest)},
		{`{"jsonrpc":"1.0","method":"vault.status","id":1}`, failed("1", codeInvalidRequest)},
		{`{"jsonrpc":"2.0","id":1}`, failed("1", codeInvalidRequest)},
		{`{"jsonrpc":"2.0","method":"vault.status","id":{}}`, failed("null", codeInvalidRequest)},
		{`{"jsonrpc":"2.0","method":"vault.status","id":true}`, failed("null", codeInvalidRequest)},
		{`{"jsonrpc":"2.0","method":"vault.status","id":1,"id":2}`, failed("null", codeParse)},
		{`{"jsonrpc":"2.0","METHOD":"vault.status","id":1}`, failed("null", codeInvalidRequest)},
		{`{"jsonrpc":"2.0","method":"vault.status","id":1,"extra":1}`, failed("null", codeInvalidRequest)},
		{`{"jsonrpc":"2.0","method":"vault.status","params":[],"id":1}`, failed("1", codeInvalidParams)},
		{`{"jsonrpc":"2.0","method":"vault.status","params":{"x":1},"id":1}`, failed("1", codeInvalidParams)},
		{`{"jsonrpc":"2.0","method":"secret.list","params":{"limit":"1"},"id":1}`, failed("1", codeInvalidParams)},
		{`{"jsonrpc":"2.0","method":"secret.list","params":{"Limit":1},"id":1}`, failed("1", codeInvalidParams)},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"vault.\xff\",\"id\":1}", failed("null", codeParse)},
		{strings.Repeat("[", 100_000), failed("null", codeParse)},
		{``, failed("null", codeParse)},
	} {
		app.writeFrame([]byte(c.frame))
		got := app.readFrame()
		if !strings.HasPrefix(string(got), c.want) {
			t.Errorf("%.60s\n got %s\nwant %s", c.frame, got, c.want)
		}
	}
	// Notifications are never answered: the next answer is that of the next call.
	for _, frame := range []string{
		`{"jsonrpc":"2.0","method":"vault.status"}`, `{"jsonrpc":"2.0","method":"none"}`, `{"jsonrpc":"2.0","method":"vault.status","params":[1]}`,
		`[{"jsonrpc":"2.0","method":"vault.status"},{"jsonrpc":"2.0","method":"none"}]`,
	} {
		app.writeFrame([]byte(frame))
	}
	app.call("agent.info", object{}, nil)
}

func TestFrameTooLargeEndsTheConnection(t *testing.T) {
	s := serve(t, nil)
	app, other := s.app(t, allowedOrigin, ""), s.app(t, allowedOrigin, "")
	app.writeFrame(slices.Repeat([]byte(" "), maxFrame+1))
	if _, _, err := app.ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Errorf("got %v", err)
	}
	other.call("vault.status", object{}, nil)
}

func TestErrorsTellNothingOfTheInside(t *testing.T) {
	inside := fmt.Errorf("open /home/somebody/secret-path: %w", context.DeadlineExceeded)
	for _, err := range []error{inside, fmt.Errorf("a value leaks"), &vault.StorageError{Reason: "the disk is full", Path: "/home/somebody", Err: inside}} {
		e := wireError(err, discard)
		for _, word := range []string{"somebody", "secret-path", "leaks"} {
			if strings.Contains(e.Message+e.Fix, word) {
				t.Errorf("%v crosses the bridge as %+v", err, e)
			}
		}
	}
	for _, known := range wireErrors {
		if known.err.Kind == "" || !strings.HasSuffix(known.err.Message, ".") || (known.err.Fix != "" && !strings.HasSuffix(known.err.Fix, ".")) {
			t.Errorf("%v: %+v is not a kind and sentences", known.is, known.err)
		}
	}
}

func TestConsoleTokenIsGoodOnce(t *testing.T) {
	s := serve(t, nil)
	own := "http://" + s.address
	exchange := func(token, origin string) int {
		request, err := http.NewRequest(http.MethodPost, own+"/console/session", strings.NewReader(`{"token":"`+token+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		if origin != "" {
			request.Header.Set("Origin", origin)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	_, token, _ := strings.Cut(s.ConsoleLink(), "#token=")
	for _, c := range []struct {
		token, origin string
		want          int
	}{
		{token, "", 403}, {token, "https://evil.test", 403}, {token, allowedOrigin, 403}, {token, "null", 403}, {"", own, 403}, {token + "A", own, 403},
		{token, own, 200}, {token, own, 403},
	} {
		if got := exchange(c.token, c.origin); got != c.want {
			t.Errorf("token %.4s… from %q got %d, want %d", c.token, c.origin, got, c.want)
		}
	}
	for _, protocols := range [][]string{nil, {sessionProtocol}, {sessionProtocol + "guess"}} {
		dialer := websocket.Dialer{Subprotocols: append([]string{Subprotocol}, protocols...)}
		if _, response, err := dialer.Dial("ws://"+s.address+"/bridge", http.Header{"Origin": {own}}); err == nil || response.StatusCode != 403 {
			t.Errorf("%q got in: %v", protocols, err)
		}
	}
	// A session that leaked is worth nothing to a page of another origin.
	_, token, _ = strings.Cut(s.ConsoleLink(), "#token=")
	session, _ := s.console.exchange(token)
	dialer := websocket.Dialer{Subprotocols: []string{Subprotocol, sessionProtocol + session}}
	if _, response, err := dialer.Dial("ws://"+s.address+"/bridge", http.Header{"Origin": {"https://evil.test"}}); err == nil || response.StatusCode != 403 {
		t.Errorf("a foreign page with a session got in: %v", err)
	}
}
