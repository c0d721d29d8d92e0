package bridge

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// role says who may call a method; a method names all of its roles.
type role uint8

const (
	// roleApp is an allowed web app, on its own vault.
	roleApp role = 1 << iota
	// roleOwner is the person at this machine: console and command line.
	roleOwner
	// roleStranger is an origin that asks to be allowed, and may do nothing else.
	roleStranger
)

// method is one row of the table that is the protocol.
type method struct {
	name, doc string
	roles     role
	// long calls run beside the connection's other calls, because they wait for
	// a person, a server or the password manager.
	long           bool
	params, result reflect.Type
	call           func(context.Context, *session, jsontext.Value) (any, error)
}

// rpc makes a row: params are decoded strictly into P before handler is called.
func rpc[P, R any](name, doc string, roles role, handler func(context.Context, *session, P) (R, error)) method {
	return method{
		name: name, doc: doc, roles: roles,
		params: reflect.TypeFor[P](), result: reflect.TypeFor[R](),
		call: func(ctx context.Context, s *session, raw jsontext.Value) (any, error) {
			var params P
			if err := decodeParams(raw, &params); err != nil {
				return nil, err
			}
			// A pointer is encoded without another copy.
			result, err := handler(ctx, s, params)
			return &result, err
		},
	}
}

// inBackground marks a row as long.
func inBackground(m method) method {
	m.long = true
	return m
}

// strictly: names match by case, no name twice, no unknown name, valid UTF-8.
// These are the defaults of this JSON package but for the unknown names.
var strictly = json.RejectUnknownMembers(true)

func decodeParams(raw jsontext.Value, params any) error {
	if len(raw) == 0 {
		raw = jsontext.Value("{}")
	}
	if raw.Kind() != '{' {
		return &Error{Code: codeInvalidParams, Kind: "invalid", Message: "The parameters must be an object.", Fix: "Give parameters by name."}
	}
	err := json.Unmarshal(raw, params, strictly)
	if err == nil {
		return nil
	}
	if known := wireError(err, discard); known.Kind != "internal" {
		return known
	}
	message := "The parameters do not fit this method."
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok && semantic.JSONPointer != "" {
		message = "The parameter " + quote(string(semantic.JSONPointer[1:])) + " does not fit this method."
	}
	return &Error{Code: codeInvalidParams, Kind: "invalid", Message: message, Fix: "See the method's parameters in the protocol page."}
}

// request is one JSON-RPC 2.0 request or notification.
type request struct {
	Version string         `json:"jsonrpc"`
	ID      jsontext.Value `json:"id,omitzero"`
	Method  string         `json:"method"`
	Params  jsontext.Value `json:"params,omitzero"`
}

type errorResponse struct {
	Version string         `json:"jsonrpc"`
	ID      jsontext.Value `json:"id"`
	Error   errorObject    `json:"error"`
}

type errorObject struct {
	Code    int       `json:"code"`
	Message string    `json:"message"`
	Data    errorData `json:"data"`
}

type errorData struct {
	Kind string `json:"kind"`
	Fix  string `json:"fix"`
}

func objectOf(e *Error) errorObject {
	return errorObject{Code: e.Code, Message: e.Message, Data: errorData{Kind: e.Kind, Fix: e.Fix}}
}

type notification struct {
	Version string `json:"jsonrpc"`
	Method  string `json:"method"`
	Params  any    `json:"params"`
}

const rpcVersion = "2.0"

var null = jsontext.Value("null")

// maxBatch bounds how many calls one frame may hold.
const maxBatch = 64

// isBatch holds for a frame that is an array, if it is JSON.
func isBatch(frame jsontext.Value) bool { return frame.Kind() == '[' }

// splitBatch returns the calls of a batch.
func splitBatch(frame jsontext.Value) (calls []jsontext.Value, err *Error) {
	if json.Unmarshal(frame, &calls) != nil || len(calls) == 0 || len(calls) > maxBatch {
		return nil, refusal(frame)
	}
	return calls, nil
}

// refusal is what a frame gets that is not taken: it is no request, or not even
// JSON. Decoding ends at the first mistake of either kind, so this looks again.
func refusal(frame jsontext.Value) *Error {
	if !frame.IsValid() {
		return &Error{Code: codeParse, Kind: "invalid", Message: "This is not JSON.", Fix: "Send JSON-RPC 2.0 in UTF-8, no name twice."}
	}
	return &Error{Code: codeInvalidRequest, Kind: "invalid", Message: "This is not a JSON-RPC 2.0 request.", Fix: "See the protocol page."}
}

// parseRequest reads one call. The id is null when it cannot be known.
func parseRequest(raw jsontext.Value) (request, *Error) {
	var r request
	if raw.Kind() != '{' || json.Unmarshal(raw, &r, strictly) != nil {
		return request{ID: null}, refusal(raw)
	}
	switch r.ID.Kind() {
	case 0, '"', '0', 'n':
	default:
		return request{ID: null}, refusal(raw)
	}
	if r.Version != rpcVersion || r.Method == "" {
		if len(r.ID) == 0 {
			r.ID = null
		}
		return r, refusal(raw)
	}
	return r, nil
}

// isNotification holds for a request that wants no answer.
func (r request) isNotification() bool { return len(r.ID) == 0 }

// output is what a frame is answered with. It is used again, and wiped
// before, because some answers hold secrets.
type output struct{ bytes.Buffer }

var outputs = sync.Pool{New: func() any { return new(output) }}

// maxSpare is how large an answer is kept for the next.
const maxSpare = 16 << 10

func newOutput() *output { return outputs.Get().(*output) }

func (out *output) free() {
	clear(out.Bytes())
	if out.Reset(); out.Cap() <= maxSpare {
		outputs.Put(out)
	}
}

// result adds the answer to a call that succeeded, or nothing when there is an
// error.
func (out *output) result(id jsontext.Value, result any) error {
	start := out.Len()
	out.WriteString(`{"jsonrpc":"` + rpcVersion + `","id":`)
	out.Write(id)
	out.WriteString(`,"result":`)
	if err := json.MarshalWrite(&out.Buffer, result); err != nil {
		out.Truncate(start)
		return err
	}
	out.WriteByte('}')
	return nil
}

func encodeError(id jsontext.Value, e *Error) []byte {
	b, err := json.Marshal(errorResponse{Version: rpcVersion, ID: id, Error: objectOf(e)})
	if err != nil {
		// Every part is a string of ours or an id that was parsed.
		panic(err)
	}
	return b
}
