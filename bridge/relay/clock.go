package relay

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"time"
)

// Timings are in milliseconds. All but Total are those of the last hop, and zero
// where an open connection was used again.
type Timings struct {
	DNS       float64 `json:"dns"`
	Connect   float64 `json:"connect"`
	TLS       float64 `json:"tls"`
	FirstByte float64 `json:"firstByte"`
	Total     float64 `json:"total"`
}

// clock takes the times of one hop. The transport may still be dialling, and
// report, after the answer is there.
type clock struct {
	mu                  sync.Mutex
	begin               time.Time
	dns, connect, shake time.Time
	timings             Timings
	remote              string
}

func newClock() *clock { return &clock{begin: time.Now()} }

func (c *clock) locked(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func since(t time.Time) float64 { return float64(time.Since(t)) / float64(time.Millisecond) }

// startOnce keeps the first of several addresses that are tried at once.
func startOnce(t *time.Time) {
	if t.IsZero() {
		*t = time.Now()
	}
}

func (c *clock) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { c.locked(func() { startOnce(&c.dns) }) },
		DNSDone: func(httptrace.DNSDoneInfo) {
			c.locked(func() { c.timings.DNS = since(c.dns) })
		},
		ConnectStart: func(string, string) { c.locked(func() { startOnce(&c.connect) }) },
		ConnectDone: func(_, _ string, err error) {
			c.locked(func() {
				if err == nil {
					c.timings.Connect = since(c.connect)
				}
			})
		},
		TLSHandshakeStart: func() { c.locked(func() { startOnce(&c.shake) }) },
		TLSHandshakeDone: func(tls.ConnectionState, error) {
			c.locked(func() { c.timings.TLS = since(c.shake) })
		},
		GotConn: func(info httptrace.GotConnInfo) {
			c.locked(func() { c.remote = info.Conn.RemoteAddr().String() })
		},
		GotFirstResponseByte: func() { c.locked(func() { c.timings.FirstByte = since(c.begin) }) },
	})
}

func (c *clock) read() (Timings, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.timings, c.remote
}
