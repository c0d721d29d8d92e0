package bridge

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gorilla/websocket"

	"postern/vault"
)

// Subprotocol is the WebSocket subprotocol that a page must ask for.
const Subprotocol = "postern.v1"

// Limits of one connection.
const (
	maxFrame      = 256 << 10
	maxOwnerFrame = 96 << 20
	// maxEarlyFrame is for those who have not proved who they are.
	maxEarlyFrame = 8 << 10
	maxInFlight   = 64
)

// events is a set of things to tell a session; what happens twice before it is
// told is told once, as it is then.
type events uint32

const (
	eventVault events = 1 << iota
	eventSecret
	eventQuestion
)

// session is one connection with its role and its account.
type session struct {
	server  *Server
	role    role
	origin  string
	account string
	// arrival numbers the sessions as they came.
	arrival uint64

	ws      *websocket.Conn
	channel channel
	vault   *vault.Vault
	end     context.CancelFunc
	// running counts long calls and the event loop.
	running sync.WaitGroup

	writing sync.Mutex

	events atomic.Uint32
	wake   chan struct{}

	mu        sync.Mutex
	workspace vault.Workspace
	pairing   *pairing
	inFlight  map[string]context.CancelFunc
}

// upgrade makes a session of a request that has passed the gate, and serves it.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request, o *session) {
	if !slices.Contains(websocket.Subprotocols(r), Subprotocol) {
		http.Error(w, "this agent speaks "+Subprotocol, http.StatusBadRequest)
		return
	}
	o.server, o.wake, o.inFlight = s, make(chan struct{}, 1), map[string]context.CancelFunc{}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	o.end = cancel
	if o.role == roleStranger {
		defer time.AfterFunc(s.config.times.asking, cancel).Stop()
	}
	if !s.admit(o) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer s.dismiss(o)
	upgrader := websocket.Upgrader{
		HandshakeTimeout: s.config.times.handshake,
		Subprotocols:     []string{Subprotocol},
		// The guard has decided already, and more strictly.
		CheckOrigin: func(*http.Request) bool { return true },
		Error:       func(w http.ResponseWriter, _ *http.Request, status int, _ error) { w.WriteHeader(status) },
	}
	var err error
	if o.ws, err = upgrader.Upgrade(w, r, nil); err != nil {
		return
	}
	defer o.ws.Close()
	// Reads know no context: closing the socket ends them.
	stop := context.AfterFunc(ctx, func() { o.ws.Close() })
	defer stop()
	if o.openChannel() {
		o.ws.SetReadLimit(o.maxFrame())
		o.run(ctx)
	}
}

// maxFrame is wider for the owner, who imports whole files.
func (o *session) maxFrame() int64 {
	switch o.role {
	case roleOwner:
		return maxOwnerFrame
	case roleApp:
		return maxFrame + sealOverhead
	}
	return maxEarlyFrame
}

// openChannel makes the channel of the session's role; an app's page proves its
// key and names its account first.
func (o *session) openChannel() bool {
	o.channel = plainChannel{o.ws}
	if o.role == roleApp {
		o.ws.SetReadLimit(maxEarlyFrame)
		sealed, account, err := o.server.shakeHands(o.ws, o.origin)
		if err != nil {
			o.refuseHands(err)
			return false
		}
		o.channel = sealed
		o.account = o.origin + "#" + cmp.Or(plain(account, maxAccount), "default")
		if !o.server.introduce(o) {
			o.closeWith(websocket.CloseTryAgainLater, "")
			return false
		}
	}
	o.vault = o.server.config.Accounts.Vault(o.account)
	o.server.config.Changed()
	return true
}

func (o *session) refuseHands(err error) {
	code := closeHandshake
	if errors.Is(err, errNotPaired) {
		code = closeNotPaired
	}
	o.server.config.Log.Info("refused", "step", "key proof", "origin", o.origin, "reason", err)
	o.closeWith(code, "")
}

// close makes run return soon; it does not wait.
func (o *session) close() { o.end() }

// run serves the connection until it ends.
func (o *session) run(ctx context.Context) {
	defer o.running.Wait()
	defer o.end()
	wait := func() error { return o.ws.SetReadDeadline(time.Now().Add(o.server.config.times.silence)) }
	o.ws.SetPongHandler(func(string) error { return wait() })
	o.running.Go(func() { o.tell(ctx) })
	for {
		if wait() != nil {
			return
		}
		frame, err := o.channel.read()
		switch {
		case errors.Is(err, errNotText), errors.Is(err, errSeal):
			o.closeWith(websocket.CloseUnsupportedData, "")
			return
		case err != nil:
			return
		}
		if err := o.serveFrame(ctx, frame); err != nil {
			return
		}
	}
}

func (o *session) closeWith(code int, reason string) {
	message := websocket.FormatCloseMessage(code, reason)
	_ = o.ws.WriteControl(websocket.CloseMessage, message, o.writeDeadline())
}

// serveFrame answers one frame; an error means that the connection is of no use.
func (o *session) serveFrame(ctx context.Context, frame []byte) error {
	out := newOutput()
	defer out.free()
	if isBatch(frame) {
		o.serveBatch(ctx, frame, out)
	} else {
		o.serveCall(ctx, frame, false, out)
	}
	if out.Len() == 0 {
		return nil
	}
	return o.write(out.Bytes())
}

func (o *session) serveBatch(ctx context.Context, frame []byte, out *output) {
	calls, wrong := splitBatch(frame)
	if wrong != nil {
		out.Write(encodeError(null, wrong))
		return
	}
	for _, call := range calls {
		start := out.Len()
		out.WriteByte(',')
		if o.serveCall(ctx, call, true, out); out.Len() == start+1 {
			out.Truncate(start)
		}
	}
	if out.Len() > 0 {
		out.Bytes()[0] = '['
		out.WriteByte(']')
	}
}

// serveCall adds the answer to one call, or starts a call that answers later. In
// a batch nothing is later: its answers go out together.
func (o *session) serveCall(ctx context.Context, raw jsontext.Value, batch bool, out *output) {
	r, wrong := parseRequest(raw)
	if wrong != nil {
		out.Write(encodeError(r.ID, wrong))
		return
	}
	m, found := methodsByName[r.Method]
	if !found || m.roles&o.role == 0 {
		o.reply(r, nil, &Error{Code: codeMethodNotFound, Kind: "invalid", Message: "There is no method " + quote(r.Method) + " here.", Fix: "See the protocol page."}, out)
		return
	}
	if !m.long || batch {
		result, err := m.call(ctx, o, r.Params)
		o.reply(r, result, err, out)
		return
	}
	callCtx, err := o.enter(ctx, r)
	if err != nil {
		o.reply(r, nil, err, out)
		return
	}
	o.running.Go(func() {
		defer o.leave(r)
		later := newOutput()
		defer later.free()
		result, err := m.call(callCtx, o, r.Params)
		if o.reply(r, result, err, later); later.Len() > 0 {
			_ = o.write(later.Bytes())
		}
	})
}

// reply adds the answer to a call that has ended.
func (o *session) reply(r request, result any, err error, out *output) {
	if r.isNotification() {
		return
	}
	if err == nil {
		err = out.result(r.ID, result)
	}
	if err != nil {
		out.Write(encodeError(r.ID, wireError(err, o.server.config.Log)))
	}
}

var errTooMany = fail("busy", "Too many calls are under way on this connection.", "Wait for an answer before the next call.")

// enter registers a long call, so that it can be cancelled by its id.
func (o *session) enter(ctx context.Context, r request) (context.Context, error) {
	key := string(r.ID)
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, taken := o.inFlight[key]; taken {
		return nil, &Error{Code: codeInvalidRequest, Kind: "invalid", Message: "This id is in use by a call that has not ended.", Fix: "Use a new id for each call."}
	}
	if len(o.inFlight) >= maxInFlight {
		return nil, errTooMany
	}
	ctx, cancel := context.WithCancel(ctx)
	o.inFlight[key] = cancel
	return ctx, nil
}

func (o *session) leave(r request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.inFlight[string(r.ID)]()
	delete(o.inFlight, string(r.ID))
}

// isBusy says whether a long call is under way.
func (o *session) isBusy() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.inFlight) > 0
}

// cancel cancels the long call with that id; false means that it is not under way.
func (o *session) cancel(id jsontext.Value) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	cancel, found := o.inFlight[strings.TrimSpace(string(id))]
	if found {
		cancel()
	}
	return found
}

// write sends one frame; gorilla allows one writer at a time.
func (o *session) write(frame []byte) error {
	o.writing.Lock()
	defer o.writing.Unlock()
	err := o.ws.SetWriteDeadline(o.writeDeadline())
	if err == nil {
		err = o.channel.write(frame)
	}
	if err != nil {
		o.end()
	}
	return err
}

func (o *session) writeDeadline() time.Time {
	return time.Now().Add(o.server.config.times.write)
}

// push sends a notification.
func (o *session) push(name string, params any) error {
	frame, err := json.Marshal(notification{Version: rpcVersion, Method: name, Params: params})
	if err != nil {
		return err
	}
	return o.write(frame)
}

// notify remembers an event and never blocks.
func (o *session) notify(e events) {
	o.events.Or(uint32(e))
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// tell sends what notify remembered, and the pings.
func (o *session) tell(ctx context.Context) {
	ping := time.NewTicker(o.server.config.times.ping)
	defer ping.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-ping.C:
			err = o.ws.WriteControl(websocket.PingMessage, nil, o.writeDeadline())
		case <-o.wake:
			err = o.tellEvents(events(o.events.Swap(0)))
		}
		if err != nil {
			o.end()
			return
		}
	}
}

func (o *session) tellEvents(e events) error {
	var err error
	if e&eventVault != 0 {
		err = errors.Join(err, o.push("vault.changed", o.vault.Status()))
	}
	if e&eventSecret != 0 {
		err = errors.Join(err, o.push("secret.changed", nothing{}))
	}
	if e&eventQuestion != 0 {
		err = errors.Join(err, o.push("question.changed", questionList{Questions: o.server.Questions()}))
	}
	return err
}

// purpose says for whom this session uses secrets.
func (o *session) purpose() vault.Purpose {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := vault.Purpose{Workspace: o.workspace}
	if o.role == roleApp {
		p.App = o.origin
	}
	return p
}
