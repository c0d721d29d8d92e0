package bridge

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/creachadair/jrpc2"

	"postern/bridge/bridgetest"
)

// sealed lets a JSON-RPC client that knows nothing of Postern talk over a sealed
// connection.
type sealed struct{ *bridgetest.Conn }

func (c sealed) Send(frame []byte) error { return c.WriteFrame(frame) }
func (c sealed) Recv() ([]byte, error)   { return c.ReadFrame() }
func (c sealed) Close() error            { return c.WS.Close() }

// A JSON-RPC 2.0 client that was written by somebody else, for something else,
// finds everything where the specification says.
func TestForeignClient(t *testing.T) {
	s := serve(t, nil)
	conn, err := s.page(t, allowedOrigin).Connect("alice")
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan string, 16)
	client := jrpc2.NewClient(sealed{conn}, &jrpc2.ClientOptions{OnNotify: func(r *jrpc2.Request) { events <- r.Method() }})
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()

	var created struct{ Key string }
	if err := client.CallResult(ctx, "vault.create", object{}, &created); err != nil || created.Key == "" {
		t.Fatalf("vault.create: %+v, %v", created, err)
	}
	if name := <-events; name != "vault.changed" {
		t.Errorf("the first event is %s", name)
	}
	if err := client.Notify(ctx, "secret.set", object{"name": "told", "value": "v"}); err != nil {
		t.Fatal(err)
	}
	answers, err := client.Batch(ctx, []jrpc2.Spec{
		{Method: "secret.set", Params: object{"name": "a", "value": "v"}},
		{Method: "secret.set", Params: object{"name": "b", "value": "v"}, Notify: true},
		{Method: "secret.list", Params: object{}},
		{Method: "none"},
		{Method: "secret.reveal", Params: object{"name": "a"}},
	})
	if err != nil || len(answers) != 4 {
		t.Fatalf("the batch has %d answers, %v", len(answers), err)
	}
	var list struct{ Total int }
	if err := answers[1].UnmarshalResult(&list); err != nil || list.Total != 3 {
		t.Errorf("%d secrets, %v", list.Total, err)
	}
	if e := answers[2].Error(); e == nil || e.Code != codeMethodNotFound {
		t.Errorf("a method that is not there: %v", e)
	}
	if e := answers[3].Error(); e == nil || e.Code != codeApplication || string(e.Data) == "" {
		t.Errorf("what an app may not do: %v", e)
	}
	for _, c := range []struct {
		method string
		params any
		code   jrpc2.Code
	}{
		{"secret.list", []int{1}, codeInvalidParams}, {"secret.list", object{"x": 1}, codeInvalidParams}, {"app.list", nil, codeMethodNotFound},
		{"secret.delete", object{"names": []string{"none"}}, codeApplication},
	} {
		_, err := client.Call(ctx, c.method, c.params)
		if e, ok := errors.AsType[*jrpc2.Error](err); !ok || e.Code != c.code {
			t.Errorf("%s: %v, want code %d", c.method, err, c.code)
		}
	}
	// Many at once: each gets its own answer.
	failed := make(chan error, 50)
	for i := range cap(failed) {
		go func() {
			var got struct{ References []struct{ Name string } }
			name := fmt.Sprint("n", i)
			err := client.CallResult(ctx, "reference.check", object{"text": "{{vault:" + name + "}}"}, &got)
			if err == nil && (len(got.References) != 1 || got.References[0].Name != name) {
				err = fmt.Errorf("asked for %s, answered %+v", name, got)
			}
			failed <- err
		}()
	}
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}
