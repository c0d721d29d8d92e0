package bridge

import (
	"bytes"
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
	maxFrame         = 256 << 10
	maxOwnerFrame    = 96 << 20
	maxInFlight      = 64
	maxPerOrigin     = 8
	maxSessions      = 256
	handshakeTimeout = 10 * time.Second
	// writeTimeout drops a reader that does not read.
	writeTimeout = 10 * time.Second
	pingEvery    = 30 * time.Second
	// silence is how long a peer may leave pings unanswered.
	silence = 75 * time.Second
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
	if !s.admit(o) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer s.dismiss(o)
	upgrader := websocket.Upgrader{
		HandshakeTimeout: handshakeTimeout,
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
	o.ws.SetReadLimit(o.maxFrame())
	if o.openChannel() {
		o.run(ctx)
	}
}

// maxFrame is wider for the owner, who imports whole files.
func (o *session) maxFrame() int64 {
	if o.role == roleOwner {
		return maxOwnerFrame
	}
	return maxFrame + sealOverhead
}

// openChannel makes the channel of the session's role; an app's page proves its
// key and names its account first.
func (o *session) openChannel() bool {
	o.channel = plainChannel{o.ws}
	if o.role == roleApp {
		sealed, account, err := o.server.shakeHands(o.ws, o.origin)
		if err != nil {
			o.refuseHands(err)
			return false
		}
		o.channel = sealed
		o.account = o.origin + "#" + cmp.Or(plain(account, maxAccount), "default")
	}
	o.vault = o.server.config.Accounts.Vault(o.account)
	o.server.introduce(o)
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

// admit takes a place in the connection budget.
func (s *Server) admit(o *session) bool {
	s.mu.Lock()
	same := 0
	for other := range s.sessions {
		if other.role == o.role && other.origin == o.origin && o.role != roleOwner {
			same++
		}
	}
	ok := !s.closing && same < maxPerOrigin && len(s.sessions) < maxSessions
	if ok {
		s.sessions[o] = false
		s.ended.Add(1)
	}
	s.mu.Unlock()
	return ok
}

// introduce counts the session as connected: from now on it is told of events.
func (s *Server) introduce(o *session) {
	s.mu.Lock()
	s.sessions[o] = true
	s.mu.Unlock()
	s.config.Changed()
}

func (s *Server) dismiss(o *session) {
	s.mu.Lock()
	delete(s.sessions, o)
	s.mu.Unlock()
	s.ended.Done()
	s.config.Changed()
}

// close makes run return soon; it does not wait.
func (o *session) close() { o.end() }

// run serves the connection until it ends.
func (o *session) run(ctx context.Context) {
	defer o.running.Wait()
	defer o.end()
	o.ws.SetPongHandler(func(string) error { return o.ws.SetReadDeadline(time.Now().Add(silence)) })
	o.running.Go(func() { o.tell(ctx) })
	for {
		if o.ws.SetReadDeadline(time.Now().Add(silence)) != nil {
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
	_ = o.ws.WriteControl(websocket.CloseMessage, message, time.Now().Add(writeTimeout))
}

// serveFrame answers one frame; an error means that the connection is of no use.
func (o *session) serveFrame(ctx context.Context, frame []byte) error {
	calls, batch, wrong := splitBatch(frame)
	if wrong != nil {
		return o.write(encodeError(null, wrong))
	}
	if !batch {
		answer, later := o.serveCall(ctx, calls[0], false)
		if later || answer == nil {
			return nil
		}
		return o.write(answer)
	}
	var answers [][]byte
	for _, call := range calls {
		if answer, _ := o.serveCall(ctx, call, true); answer != nil {
			answers = append(answers, answer)
		}
	}
	if len(answers) == 0 {
		return nil
	}
	return o.write(slices.Concat([]byte("["), bytes.Join(answers, []byte(",")), []byte("]")))
}

// serveCall answers one call, or starts it and says later. In a batch nothing is
// later: its answers go out together.
func (o *session) serveCall(ctx context.Context, raw jsontext.Value, batch bool) (answer []byte, later bool) {
	r, wrong := parseRequest(raw)
	if wrong != nil {
		return encodeError(r.ID, wrong), false
	}
	m, found := methodsByName[r.Method]
	if !found || m.roles&o.role == 0 {
		return reply(r, nil, &Error{Code: codeMethodNotFound, Kind: "invalid", Message: "There is no method " + quote(r.Method) + " here.", Fix: "See the protocol page."}, o.server)
	}
	if !m.long || batch {
		result, err := m.call(ctx, o, r.Params)
		return reply(r, result, err, o.server)
	}
	callCtx, err := o.enter(ctx, r)
	if err != nil {
		return reply(r, nil, err, o.server)
	}
	o.running.Go(func() {
		defer o.leave(r)
		result, err := m.call(callCtx, o, r.Params)
		if answer, _ := reply(r, result, err, o.server); answer != nil {
			_ = o.write(answer)
		}
	})
	return nil, true
}

func reply(r request, result any, err error, s *Server) (answer []byte, later bool) {
	if r.isNotification() {
		return nil, false
	}
	if err == nil {
		if answer, err = encodeResult(r.ID, result); err == nil {
			return answer, false
		}
	}
	return encodeError(r.ID, wireError(err, s.config.Log)), false
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
	err := o.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		err = o.channel.write(frame)
	}
	if err != nil {
		o.end()
	}
	return err
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
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-ping.C:
			err = o.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout))
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
