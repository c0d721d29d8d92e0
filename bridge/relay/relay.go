// Package relay sends HTTP requests for a page, or for the owner, from this
// machine. References to secrets are resolved here, so that whoever asked gets an
// answer and never a value.
//
// One Send goes through these doors, in this order:
//
//   - All texts of the request are resolved together by the vault, which decides
//     for each secret whether it may be used and may go to the address.
//   - Headers and body are built from the resolved texts, each value encoded for
//     its place. A value cannot end a header, a form field or a GraphQL text.
//   - The address is looked at once more when it is dialled. Link-local and
//     cloud-metadata addresses and the agent's own ports are never reached;
//     loopback and private networks only with Options.LocalNetwork.
//   - Each redirect is decided again: what a secret stands in goes along only to
//     where that secret may go, and otherwise stays behind or ends the exchange.
//   - Whatever comes back has the values masked, see below.
//
// A request that uses a secret ends with vault.ErrLocked when the vault is locked
// before Send returns, however far it has come.
//
// # What masking does
//
// Each value is replaced by [masked] where it stands plain in any case of letters,
// percent-encoded, as a JSON or JavaScript string, HTML-escaped, base64 (both
// alphabets, every offset, wrapped lines), hexadecimal, or as UTF-16; mixtures of
// plain and escaped characters are found too. It keeps values out of sight when a
// server repeats what it was sent. It cannot stop a server that works against its
// user: one that sends a value in halves, reversed, escaped twice, encrypted or packed
// into an archive is not noticed. The allowed domains of a secret are what keeps it from
// such servers.
//
// A value of fewer than four bytes stands in every text by chance. It is masked
// only where it is a whole header or the whole body.
//
// # Headers
//
// Accept-Encoding, Connection, Content-Length, Keep-Alive, Proxy-Connection, TE,
// Trailer and Transfer-Encoding are left out of what a page asks for, because the
// agent makes them itself; so is the Content-Type of a multipart form.
// Proxy-Authorization and Upgrade are refused, and so is a Host that is not the
// address's own when a secret is used. A Referer is never added.
package relay

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"postern/vault"
)

// Config says what a Client must know of the agent.
type Config struct {
	// OwnPorts lists where the agent listens; it is asked at each dial. Nil means
	// nowhere.
	OwnPorts func() []netip.AddrPort
	// Log gets refusals, without values; nil means nothing.
	Log *slog.Logger
}

// Client sends requests and keeps connections for the next ones.
type Client struct {
	dialer net.Dialer
	// A connection made with leave to reach the local network is never used by a
	// request without it, so each kind has its own pool.
	public, local *http.Transport
	log           *slog.Logger
}

// New returns a Client. Nothing is started until the first Send.
func New(config Config) *Client {
	if config.OwnPorts == nil {
		config.OwnPorts = func() []netip.AddrPort { return nil }
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	c := &Client{dialer: net.Dialer{Timeout: 20 * time.Second}, log: config.Log}
	c.public = c.newTransport(guard{ownPorts: config.OwnPorts})
	c.local = c.newTransport(guard{ownPorts: config.OwnPorts, localNetwork: true})
	return c
}

func (c *Client) newTransport(g guard) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return g.dialer(c.dialer).DialContext(ctx, network, address)
		},
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    20 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

// Close ends the connections that no request is using.
func (c *Client) Close() {
	c.public.CloseIdleConnections()
	c.local.CloseIdleConnections()
}

// Options say how a request is sent.
type Options struct {
	Purpose vault.Purpose
	// Scopes are the variables, the first scope that has a name wins.
	Scopes []vault.Scope
	// AllowUnresolved sends references to unknown or disabled secrets as they stand.
	AllowUnresolved bool
	// NoMask leaves values in the answer as the server sent them.
	NoMask bool
	// FollowRedirects: nil means yes.
	FollowRedirects *bool
	// MaxRedirects: zero means 10.
	MaxRedirects int
	// Timeout bounds the whole exchange, redirects and body included; zero means
	// two minutes.
	Timeout time.Duration
	// LocalNetwork lets the request reach loopback and private addresses.
	LocalNetwork bool
	// MaxBody bounds the body of the answer, as received and as decoded; zero
	// means 8 MiB.
	MaxBody int64
}

func (o Options) withDefaults() Options {
	if o.MaxRedirects == 0 {
		o.MaxRedirects = 10
	}
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Minute
	}
	if o.MaxBody == 0 {
		o.MaxBody = 8 << 20
	}
	return o
}

func (o Options) follows() bool { return o.FollowRedirects == nil || *o.FollowRedirects }

// Send resolves the request, sends it, follows redirects and returns the answer.
func (c *Client) Send(ctx context.Context, v *vault.Vault, r Request, o Options) (*Response, error) {
	o = o.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	d, err := newDraft(r)
	if err != nil {
		return nil, err
	}
	// The lock is watched from before the values leave the vault, so that a lock
	// right after cannot be missed. A vault that is not open is no error yet: the
	// request may need no secret.
	open, done, openError := v.WhileOpen(ctx)
	if openError != nil {
		open, done = ctx, func() {}
	}
	defer done()
	resolved, err := v.Resolve(ctx, d.template(), o.Scopes, o.Purpose, o.AllowUnresolved)
	if err != nil {
		return nil, err
	}
	m, err := d.message(resolved)
	if err != nil {
		return nil, err
	}
	if len(resolved.Used) == 0 {
		return c.exchange(ctx, m, nil, o)
	}
	if openError != nil {
		return nil, openError
	}
	answer, err := c.exchange(open, m, resolved.Used, o)
	if context.Cause(open) == vault.ErrLocked {
		return nil, vault.ErrLocked
	}
	return answer, err
}

// exchange sends a message and what redirects make of it.
func (c *Client) exchange(ctx context.Context, m *message, used []vault.Used, o Options) (*Response, error) {
	answer, err := c.hops(ctx, m, used, o)
	if err != nil {
		err = plain(ctx, err)
		c.log.Info("request not answered", "reason", err)
		return nil, err
	}
	return answer, nil
}

func (c *Client) hops(ctx context.Context, m *message, used []vault.Used, o Options) (*Response, error) {
	transport := c.public
	if o.LocalNetwork {
		transport = c.local
	}
	in := newIntake(m, used, o)
	for {
		answer, clock, err := roundTrip(ctx, transport, m)
		if err != nil {
			return nil, err
		}
		location := answer.Header.Get("Location")
		if !o.follows() || !isRedirect(answer.StatusCode) || location == "" {
			defer answer.Body.Close()
			return in.read(answer, clock)
		}
		drain(answer.Body)
		if len(in.redirects) >= o.MaxRedirects {
			return nil, redirectError("there were %d before it", len(in.redirects))
		}
		next, dropped, err := m.follow(answer.StatusCode, location, used)
		if err != nil {
			return nil, err
		}
		in.addHop(answer.StatusCode, next.url, dropped)
		m = next
	}
}

func roundTrip(ctx context.Context, transport *http.Transport, m *message) (*http.Response, *clock, error) {
	clock := newClock()
	req, err := m.request(clock.watch(ctx))
	if err != nil {
		return nil, nil, err
	}
	answer, err := transport.RoundTrip(req)
	return answer, clock, err
}
