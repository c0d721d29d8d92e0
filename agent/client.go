package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"syscall"

	"github.com/gorilla/websocket"

	"postern/bridge"
)

// client is the command line's connection to the running agent.
type client struct {
	ws   *websocket.Conn
	next int
}

func connectAgent(ctx context.Context, f folders, account string) (*client, error) {
	dialer := websocket.Dialer{
		Subprotocols:     []string{bridge.Subprotocol},
		HandshakeTimeout: dialTimeout,
		NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialControl(ctx, f.socket())
		},
	}
	address := url.URL{Scheme: "ws", Host: "postern", Path: "/bridge", RawQuery: url.Values{"account": {account}}.Encode()}
	ws, _, err := dialer.DialContext(ctx, address.String(), nil)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, &cliError{kind: "internal", message: "postern is not running", hint: "start it with postern start", code: exitNotRunning}
	case errors.Is(err, os.ErrPermission):
		return nil, &cliError{kind: "internal", message: "the agent's control socket belongs to somebody else", hint: "choose your own folder with --home", code: exitNotRunning}
	case err != nil:
		return nil, &cliError{kind: "internal", message: "the agent does not answer", hint: "stop it and start it again with postern start", code: exitNotRunning}
	}
	return &client{ws: ws}, nil
}

func (c *client) close() { c.ws.Close() }

// call makes one call and decodes its result; events that come meanwhile are
// passed over. Ending ctx ends the connection, and with it the call.
func (c *client) call(ctx context.Context, method string, params, result any) error {
	stop := context.AfterFunc(ctx, func() { c.ws.Close() })
	defer stop()
	c.next++
	request := map[string]any{"jsonrpc": "2.0", "id": c.next, "method": method, "params": params}
	if err := c.ws.WriteJSON(request); err != nil {
		return connectionLost(ctx)
	}
	for {
		var answer struct {
			ID     *int            `json:"id"`
			Result json.RawMessage `json:"result"`
			Error  *struct {
				Message string `json:"message"`
				Data    struct{ Kind, Fix string }
			} `json:"error"`
		}
		if err := c.ws.ReadJSON(&answer); err != nil {
			return connectionLost(ctx)
		}
		if answer.Error != nil {
			code, known := exitCodes[answer.Error.Data.Kind]
			if !known {
				code = exitFailed
			}
			return &cliError{kind: answer.Error.Data.Kind, message: answer.Error.Message, hint: answer.Error.Data.Fix, code: code}
		}
		if answer.ID == nil || *answer.ID != c.next {
			continue
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(answer.Result, result)
	}
}

func connectionLost(ctx context.Context) error {
	if ctx.Err() != nil {
		return &cliError{kind: "cancelled", message: "cancelled", code: exitFailed}
	}
	return &cliError{kind: "internal", message: "the agent ended the connection", hint: "see its log, then try again", code: exitFailed}
}
