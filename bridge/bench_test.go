package bridge

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"postern/bridge/bridgetest"
)

// The benchmarks compare with E, the round trip of a frame through a bare
// gorilla/websocket echo on this machine, measured in the same run, turn by turn.
// What they report is how many E a call takes; absolute times say more about the
// machine.

const (
	revealFrame = `{"jsonrpc":"2.0","id":1,"method":"secret.reveal","params":{"name":"key"}}`
	checkFrame  = `{"jsonrpc":"2.0","id":1,"method":"reference.check","params":{"text":"{{vault:key}} {{vault:other}} {{vault:none}}"}}`
)

// roundTrip sends a frame and reads the answer.
type roundTrip func() error

func echo(b *testing.B, frame string) roundTrip {
	b.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var upgrader websocket.Upgrader
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		for {
			kind, frame, err := ws.ReadMessage()
			if err != nil || ws.WriteMessage(kind, frame) != nil {
				return
			}
		}
	}))
	b.Cleanup(server.Close)
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ws.Close() })
	return func() error {
		if err := ws.WriteMessage(websocket.BinaryMessage, []byte(frame)); err != nil {
			return err
		}
		_, _, err := ws.ReadMessage()
		return err
	}
}

// call connects over the sealed channel. An app may not reveal, so that the
// session is made the owner's once it stands.
func (s *served) call(b *testing.B, page *bridgetest.Page, frame string) roundTrip {
	b.Helper()
	conn, err := page.Connect("")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.WS.Close() })
	trip := func() error {
		if err := conn.WriteFrame([]byte(frame)); err != nil {
			return err
		}
		answer, err := conn.ReadFrame()
		if err == nil && !strings.Contains(string(answer[:min(len(answer), 40)]), `"result"`) {
			err = fmt.Errorf("answered with %s", answer)
		}
		return err
	}
	if err := conn.Call("vault.status", object{}, nil); err != nil {
		b.Fatal(err)
	}
	s.mu.Lock()
	for o := range s.sessions {
		o.role = roleOwner
	}
	s.mu.Unlock()
	return trip
}

// benched is a server whose app has a vault with two secrets.
func benched(b *testing.B) (*served, *bridgetest.Page) {
	b.Helper()
	s := serve(b, nil)
	page := s.page(b, allowedOrigin)
	conn, err := page.Connect("")
	if err != nil {
		b.Fatal(err)
	}
	defer conn.WS.Close()
	for _, c := range []struct {
		method string
		params object
	}{{"vault.create", object{"store": false}}, {"secret.set", object{"name": "key", "value": "a-value-of-some-length"}}, {"secret.set", object{"name": "other", "value": "v"}}} {
		if err := conn.Call(c.method, c.params, nil); err != nil {
			b.Fatal(err)
		}
	}
	return s, page
}

func compare(b *testing.B, frame string) {
	s, page := benched(b)
	bare, call := echo(b, frame), s.call(b, page, frame)
	var times [2]time.Duration
	for b.Loop() {
		for i, trip := range []roundTrip{bare, call} {
			start := time.Now()
			if err := trip(); err != nil {
				b.Fatal(err)
			}
			times[i] += time.Since(start)
		}
	}
	b.ReportMetric(float64(times[1])/float64(times[0]), "xE")
}

func BenchmarkReveal(b *testing.B) { compare(b, revealFrame) }
func BenchmarkCheck(b *testing.B)  { compare(b, checkFrame) }

// Benchmark64Pages reports the throughput of 64 pages at once, as a part of that
// of 64 echoes.
func Benchmark64Pages(b *testing.B) {
	const pages, calls = 64, 50
	s, _ := benched(b)
	var bare, sealed []roundTrip
	for i := range pages / maxPerOrigin {
		page := s.page(b, fmt.Sprintf("https://p%d.example.com", i))
		for range maxPerOrigin {
			bare = append(bare, echo(b, checkFrame))
			sealed = append(sealed, s.call(b, page, `{"jsonrpc":"2.0","id":1,"method":"vault.status"}`))
		}
	}
	var times [2]time.Duration
	for b.Loop() {
		for i, trips := range [][]roundTrip{bare, sealed} {
			start := time.Now()
			together(b, trips, calls)
			times[i] += time.Since(start)
		}
	}
	b.ReportMetric(float64(times[0])/float64(times[1]), "of-echo")
}

func together(b *testing.B, trips []roundTrip, calls int) {
	var all sync.WaitGroup
	for _, trip := range trips {
		all.Go(func() {
			for range calls {
				if err := trip(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// unsent seals what it is given and sends it nowhere.
type unsent struct{ *sealedChannel }

func (c unsent) write(frame []byte) error {
	c.seal(frame)
	return nil
}

// BenchmarkAllocations is the agent's side of a call alone, from the opened frame
// to the sealed answer.
func BenchmarkAllocations(b *testing.B) {
	for name, frame := range map[string]string{"reveal": revealFrame, "check": checkFrame} {
		b.Run(name, func(b *testing.B) {
			s, page := benched(b)
			_ = s.call(b, page, frame)
			s.mu.Lock()
			var o *session
			for o = range s.sessions {
			}
			s.mu.Unlock()
			o.channel = unsent{o.channel.(*sealedChannel)}
			b.ReportAllocs()
			opened, ctx := []byte(frame), b.Context()
			for b.Loop() {
				if err := o.serveFrame(ctx, opened); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
