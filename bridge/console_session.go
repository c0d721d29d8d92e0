package bridge

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/gorilla/websocket"

	"postern/bridge/console"
)

// The console page comes over the same port as the apps' pages, so being on this
// machine proves nothing. The owner's tray or command line gets an address with
// a token, good once and for a short while; the page exchanges it for a session
// that it keeps in its own storage. A cookie would go to every port of this host.

const (
	tokenLife = 5 * time.Minute
	// maxTokens is how many addresses may be open at a time.
	maxTokens       = 8
	maxConsoles     = 16
	sessionProtocol = "postern.session."
)

type consoleSessions struct {
	mu       sync.Mutex
	tokens   []consoleToken
	sessions []string
}

type consoleToken struct {
	text    string
	expires time.Time
}

// ConsoleLink makes an address that opens the console once.
func (s *Server) ConsoleLink() string {
	host := net.JoinHostPort("127.0.0.1", strconv.Itoa(s.config.Port))
	return "http://" + host + "/#token=" + s.console.newToken()
}

func (c *consoleSessions) newToken() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	token := consoleToken{text: rand.Text(), expires: time.Now().Add(tokenLife)}
	c.tokens = append(c.tokens, token)
	c.tokens = c.tokens[max(0, len(c.tokens)-maxTokens):]
	return token.text
}

// exchange takes a token and gives a session; false when the token is not good.
func (c *consoleSessions) exchange(token string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, t := range c.tokens {
		if subtle.ConstantTimeCompare([]byte(t.text), []byte(token)) != 1 {
			continue
		}
		c.tokens = append(c.tokens[:i:i], c.tokens[i+1:]...)
		if time.Now().After(t.expires) {
			return "", false
		}
		session := rand.Text()
		c.sessions = append(c.sessions, session)
		c.sessions = c.sessions[max(0, len(c.sessions)-maxConsoles):]
		return session, true
	}
	return "", false
}

func (c *consoleSessions) has(session string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := false
	for _, s := range c.sessions {
		found = subtle.ConstantTimeCompare([]byte(s), []byte(session)) == 1 || found
	}
	return found
}

// isConsole holds for a handshake of the console page with its session.
func (s *Server) isConsole(r *http.Request, origin string) bool {
	if origin != "http://"+r.Host {
		return false
	}
	for _, p := range websocket.Subprotocols(r) {
		if session, found := strings.CutPrefix(p, sessionProtocol); found {
			return s.console.has(session)
		}
	}
	return false
}

// serveConsole serves the console's files and the exchange of its token. Another
// site, whatever it loads from here, gets the same 403 as from any other path.
func (s *Server) serveConsole(w http.ResponseWriter, r *http.Request) {
	origin, own := r.Header.Values("Origin"), "http://"+r.Host
	if crossSite(r.Header) || len(origin) > 1 || (len(origin) == 1 && origin[0] != own) {
		s.refuse(w, r, "origin")
		return
	}
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws://"+r.Host+"; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
	switch {
	case r.URL.Path == "/console/session" && r.Method == http.MethodPost && len(origin) == 1:
		s.exchangeToken(w, r)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		serveFile(w, r)
	default:
		s.refuse(w, r, "method")
	}
}

func (s *Server) exchangeToken(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Token string `json:"token"`
	}
	if err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, 1<<10), &body); err != nil {
		s.refuse(w, r, "token")
		return
	}
	session, ok := s.console.exchange(body.Token)
	if !ok {
		s.refuse(w, r, "token")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.MarshalWrite(w, struct {
		Session string `json:"session"`
	}{session})
}

func serveFile(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" {
		name = "index.html"
	}
	if _, err := fs.Stat(console.Files(), name); errors.Is(err, fs.ErrNotExist) {
		http.NotFound(w, r)
		return
	}
	http.ServeFileFS(w, r, console.Files(), name)
}
