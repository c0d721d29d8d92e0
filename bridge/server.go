// Package bridge lets the web pages that the owner has allowed use the vault,
// over WebSocket and JSON-RPC 2.0, and lets the owner's console and command line
// do the same and more.
//
// A request walks one way: guard (who may knock at all), session (one connection
// with a role and an account), rpc (one call), the method table (what there is),
// vault or relay (what it does), and back through wire, where every error becomes
// a kind, a sentence and a fix. The table in methods.go is the protocol: the
// TypeScript types and docs/protocol.md are printed from it.
//
// A Server starts nothing until Serve, and Serve returns when the last
// connection has ended.
package bridge

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"postern/bridge/relay"
	"postern/vault"
)

// Config says what a Server serves.
type Config struct {
	Accounts *vault.Accounts
	Relay    *relay.Client
	Apps     *Apps
	Identity *Identity
	Version  string
	// Port is the loopback port under which pages reach the agent.
	Port int
	// RefuseNewApps answers pages of unknown origins with 403 everywhere, as an
	// administrator may wish; otherwise they may ask to be allowed.
	RefuseNewApps bool
	// Changed is called when apps, connections or questions changed; it must not block.
	Changed func()
	// Log gets what the owner may want to know later; nil means nothing.
	Log *slog.Logger

	// times are the usual ones when zero.
	times times
}

// Server serves pages and the owner.
type Server struct {
	config    Config
	questions questions
	expected  expectedOrigins
	console   consoleSessions
	// documents are the OpenRPC documents, by role.
	documents sync.Map

	mu sync.Mutex
	// sessions are all connections; true once the peer is known for who it is.
	sessions map[*session]bool
	arrivals uint64
	closing  bool
	ended    sync.WaitGroup
}

var discard = slog.New(slog.DiscardHandler)

// New returns a server for the config.
func New(config Config) *Server {
	if config.Log == nil {
		config.Log = discard
	}
	if config.Changed == nil {
		config.Changed = func() {}
	}
	if config.times == (times{}) {
		config.times = usualTimes
	}
	s := &Server{config: config, sessions: map[*session]bool{}}
	s.questions.changed = func() {
		s.config.Changed()
		s.notify(eventQuestion, func(o *session) bool { return o.role == roleOwner })
	}
	return s
}

// Limits of the HTTP side. Pages send a handshake and then WebSocket frames, so
// there is nothing to wait for.
const (
	headerTimeout  = 5 * time.Second
	maxHeaderBytes = 8 << 10
	idleTimeout    = 60 * time.Second
)

// Serve answers pages on the loopback listeners and the owner on the owner
// listener, until ctx ends or a listener fails.
func (s *Server) Serve(ctx context.Context, owner net.Listener, pages ...net.Listener) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	httpServer := func(h http.HandlerFunc) *http.Server {
		return &http.Server{
			Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
			BaseContext: func(net.Listener) context.Context { return ctx },
			ErrorLog:    slog.NewLogLogger(s.config.Log.Handler(), slog.LevelDebug),
		}
	}
	pageServer, ownerServer := httpServer(s.servePage), httpServer(s.serveOwner)
	var serving sync.WaitGroup
	serve := func(server *http.Server, l net.Listener) {
		serving.Go(func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				cancel(err)
			}
		})
	}
	serve(ownerServer, owner)
	for _, l := range pages {
		serve(pageServer, Guard(l, func(remote net.Addr) {
			s.config.Log.Warn("a connection that is not this user's was closed", "peer", remote.String())
		}))
	}
	<-ctx.Done()
	errs := errors.Join(pageServer.Close(), ownerServer.Close())
	serving.Wait()
	s.closeSessions()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return errs
}

func (s *Server) closeSessions() {
	s.mu.Lock()
	s.closing = true
	for o := range s.sessions {
		o.close()
	}
	s.mu.Unlock()
	s.ended.Wait()
}

// servePage is the gate of every loopback path, then the way to its room.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	if !hostAllowed(r.Host, strconv.Itoa(s.config.Port)) {
		s.refuse(w, r, "host")
		return
	}
	switch r.URL.Path {
	case "/bridge":
		s.serveBridge(w, r)
	case "/pair":
		s.servePair(w, r)
	default:
		s.serveConsole(w, r)
	}
}

// refuse answers every refused request alike.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, step string) {
	s.config.Log.Info("refused", "step", step, "path", plain(r.URL.Path, 40), "host", plain(r.Host, 80), "origin", plain(r.Header.Get("Origin"), 120))
	w.WriteHeader(http.StatusForbidden)
}

// serveBridge admits the sessions of allowed apps and of the console.
func (s *Server) serveBridge(w http.ResponseWriter, r *http.Request) {
	origin, sole := soleOrigin(r.Header)
	if !sole || !allowedFetchMode(r.Header) {
		s.refuse(w, r, "origin")
		return
	}
	if s.isConsole(r, origin) {
		s.upgrade(w, r, &session{role: roleOwner, origin: origin, account: accountParam(r, vault.LocalAccount)})
		return
	}
	app, known := s.config.Apps.Find(origin)
	if !known || !app.Allowed {
		s.refuse(w, r, "origin")
		return
	}
	s.upgrade(w, r, &session{role: roleApp, origin: origin})
}

// servePair admits a page whose key is not known yet, for the two calls that ask.
func (s *Server) servePair(w http.ResponseWriter, r *http.Request) {
	origin, sole := soleOrigin(r.Header)
	canonical, ok := CanonicalOrigin(origin)
	app, known := s.config.Apps.Find(origin)
	blocked := known && !app.Allowed
	unwanted := (blocked || s.config.RefuseNewApps) && !s.expected.has(origin)
	if !sole || !ok || canonical != origin || unwanted || !allowedFetchMode(r.Header) {
		s.refuse(w, r, "origin")
		return
	}
	s.upgrade(w, r, &session{role: roleStranger, origin: origin})
}

// serveOwner serves the owner's socket, whose peers the listener has checked. No
// browser speaks there, so an Origin is a mistake or an attack.
func (s *Server) serveOwner(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/bridge" || len(r.Header.Values("Origin")) > 0 {
		s.refuse(w, r, "owner socket")
		return
	}
	s.upgrade(w, r, &session{role: roleOwner, account: accountParam(r, vault.LocalAccount)})
}

// allowedFetchMode refuses what a browser says is not a WebSocket of a page.
func allowedFetchMode(h http.Header) bool {
	mode := h.Get("Sec-Fetch-Mode")
	return mode == "" || mode == "websocket"
}

const maxAccount = 128

func accountParam(r *http.Request, otherwise string) string {
	if account := plain(r.URL.Query().Get("account"), maxAccount); account != "" {
		return account
	}
	return otherwise
}

// VaultChanged tells the sessions of the account, and must be given every event
// of the vaults.
func (s *Server) VaultChanged(e vault.Event) {
	event := eventVault
	if e.Secrets {
		event = eventSecret
	}
	s.notify(event, func(o *session) bool { return o.account == e.Account && o.role != roleStranger })
	s.config.Changed()
}

func (s *Server) notify(event events, to func(*session) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for o, known := range s.sessions {
		if known && to(o) {
			o.notify(event)
		}
	}
}

// ConnectedApp is an allowed app and how many connections it has.
type ConnectedApp struct {
	App
	Connections int `json:"connections"`
}

// ConnectedApps lists the apps that were decided about, with their connections.
func (s *Server) ConnectedApps() []ConnectedApp {
	count := s.connections()
	out := []ConnectedApp{}
	for _, app := range s.config.Apps.List() {
		out = append(out, ConnectedApp{App: app, Connections: count[app.Origin]})
	}
	return out
}

func (s *Server) connections() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := map[string]int{}
	for o, known := range s.sessions {
		if known && o.role == roleApp {
			count[o.origin]++
		}
	}
	return count
}

// Questions lists what waits for the owner.
func (s *Server) Questions() []Question { return s.questions.list() }

// Answer answers a question and remembers the answer; false means that the
// question is gone already.
func (s *Server) Answer(id string, allow bool) (bool, error) {
	p := s.questions.take(id)
	if p == nil {
		return false, nil
	}
	if err := s.decide(p.applicant, allow); err != nil {
		p.answer <- false
		return true, err
	}
	p.answer <- allow
	return true, nil
}

// Explain gives the sentence and the fix for an error, as a page would get them.
func (s *Server) Explain(err error) *Error { return wireError(err, s.config.Log) }

// Expect lets the origin's next page in without a question, if it asks soon.
func (s *Server) Expect(origin string) {
	s.expected.add(origin)
	s.config.Log.Info("app expected", "origin", origin)
}

// Block refuses an origin and ends its connections.
func (s *Server) Block(origin string) error {
	return s.decide(Applicant{Origin: origin}, false)
}

func (s *Server) decide(a Applicant, allow bool) error {
	var err error
	if allow {
		err = s.config.Apps.Allow(a)
	} else {
		s.expected.take(a.Origin)
		err = s.config.Apps.Block(a.Origin, a.Name)
	}
	if err != nil {
		return err
	}
	if !allow {
		s.Disconnect(a.Origin)
	}
	s.config.Log.Info("app decided", "origin", a.Origin, "allowed", allow)
	s.config.Changed()
	return nil
}

// Forget removes an app and ends its connections.
func (s *Server) Forget(origin string) error {
	s.expected.take(origin)
	if err := s.config.Apps.Forget(origin); err != nil {
		return err
	}
	s.Disconnect(origin)
	s.config.Changed()
	return nil
}

// Disconnect ends the connections of an app, which may come back.
func (s *Server) Disconnect(origin string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for o := range s.sessions {
		if o.role == roleApp && o.origin == origin {
			o.close()
		}
	}
}
