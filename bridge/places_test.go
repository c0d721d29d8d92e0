package bridge

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"postern/bridge/bridgetest"
)

// knock sends a handshake and leaves the connection to the test.
func (s *served) knock(t testing.TB, path, from string) (int, net.Conn) {
	t.Helper()
	conn, err := net.Dial("tcp4", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, handshake{path: path, host: s.address, headers: origin(from)}.text()); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, conn
}

// hurried is a server whose patience is short, and a channel that hears of every
// connection that comes or goes.
func hurried(t *testing.T, edit func(*times)) (*served, chan struct{}) {
	t.Helper()
	changed := make(chan struct{}, 1)
	s := serve(t, func(c *Config) {
		c.times = usualTimes
		edit(&c.times)
		c.Changed = func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	})
	return s, changed
}

// settle waits until n connections are left.
func (s *served) settle(t *testing.T, changed chan struct{}, n int) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		left := len(s.sessions)
		s.mu.Unlock()
		if left == n {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("%d connections are left, want %d", left, n)
		}
	}
}

func TestAnOriginHasEightConnections(t *testing.T) {
	s := serve(t, nil)
	page := s.page(t, allowedOrigin)
	early, err := page.Dial("/bridge")
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	for i := range maxPerOrigin {
		conn, err := page.Connect(fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.WS.Close()
		if err := conn.Call("vault.status", object{}, nil); err != nil {
			t.Fatalf("connection %d: %v", i+1, err)
		}
	}
	if status, _ := s.knock(t, "/bridge", allowedOrigin); status != http.StatusServiceUnavailable {
		t.Errorf("one connection too many got %d", status)
	}
	// It was let in while there was room, and proves its key when there is none.
	late, err := page.Handshake(early, "")
	if err == nil {
		_, err = late.ReadFrame()
	}
	if !websocket.IsCloseError(err, websocket.CloseTryAgainLater) {
		t.Errorf("one proof too many: %v", err)
	}
	s.app(t, "https://other.example.com", "").call("vault.status", object{}, nil)
	s.owner(t, "local").call("vault.status", object{}, nil)
}

// Who was let in and proves nothing takes no page's place: all of them are one
// origin's, or many different ones that ask to be allowed.
func TestWaitingKeepsNobodyOut(t *testing.T) {
	s := serve(t, nil)
	page, other := s.page(t, allowedOrigin), s.page(t, "https://other.example.com")
	ws, err := other.Dial("/bridge")
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	for _, crowd := range []struct {
		path, origin string
		places       int
	}{{"/bridge", allowedOrigin, maxWaiting}, {"/pair", "https://n%d.example.com", maxAsking}} {
		var first net.Conn
		for i := range crowd.places + maxPerOrigin {
			from := crowd.origin
			if strings.Contains(from, "%d") {
				from = fmt.Sprintf(from, i)
			}
			status, conn := s.knock(t, crowd.path, from)
			if status != http.StatusSwitchingProtocols {
				t.Fatalf("%s, a page that proves nothing yet got %d", crowd.path, status)
			}
			if first == nil {
				first = conn
			}
		}
		if _, err := io.Copy(io.Discard, first); err != nil {
			t.Errorf("%s, who waited longest was not sent away: %v", crowd.path, err)
		}
	}
	s.mu.Lock()
	waiting := len(s.sessions)
	s.mu.Unlock()
	if waiting > maxWaiting+maxAsking {
		t.Errorf("%d connections wait", waiting)
	}
	if _, err := connected(page); err != nil {
		t.Errorf("a page of the crowded origin is kept out: %v", err)
	}
	conn, err := other.Handshake(ws, "")
	if err == nil {
		err = conn.Call("vault.status", object{}, nil)
	}
	if err != nil {
		t.Errorf("who came before the crowd, of another origin, was pushed out: %v", err)
	}
}

// The page whose question the owner is looking at is not pushed aside.
func TestAQuestionIsNotPushedAside(t *testing.T) {
	s := serve(t, nil)
	owner := s.owner(t, "local")
	pairing, done := s.ask(t, owner, s.newcomer(t, newcomer), "New")
	for i := range 2 * maxAsking {
		s.knock(t, "/pair", fmt.Sprintf("https://n%d.example.com", i))
	}
	for range 2 * maxPerOrigin {
		s.knock(t, "/pair", newcomer)
	}
	owner.call("app.allow", object{"origin": newcomer, "code": pairing.Code}, nil)
	if got := <-done; !got.allowed || got.err != nil {
		t.Errorf("the page was answered %+v", got)
	}
}

func TestSilentPagesAreSentAway(t *testing.T) {
	s, changed := hurried(t, func(p *times) { p.handshake, p.asking = 50*time.Millisecond, 50*time.Millisecond })
	for _, path := range []string{"/bridge", "/pair"} {
		status, conn := s.knock(t, path, map[string]string{"/bridge": allowedOrigin, "/pair": newcomer}[path])
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("%s got %d", path, status)
		}
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	s.settle(t, changed, 0)
}

// A page that calls and never reads is dropped, and holds up nobody else.
func TestReadersThatDoNotReadAreDropped(t *testing.T) {
	// A ping that cannot be sent would end the connection as well, later.
	s, changed := hurried(t, func(p *times) { p.write, p.ping = 100*time.Millisecond, time.Hour })
	conn, err := s.page(t, allowedOrigin).Connect("")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.WS.Close()
	other := s.app(t, "https://other.example.com", "")
	if err := conn.WS.SetWriteDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	ask := []byte(`{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}`)
	for err = nil; err == nil; {
		err = conn.WriteFrame(ask)
		other.call("vault.status", object{}, nil)
	}
	s.settle(t, changed, 1)
	other.call("vault.status", object{}, nil)
}

// Frames before the proof are as large as a proof, so that a crowd costs little.
func TestEarlyFramesAreSmall(t *testing.T) {
	s := serve(t, nil)
	for path, from := range map[string]string{"/bridge": allowedOrigin, "/pair": newcomer} {
		ws, err := (&bridgetest.Page{Address: s.address, Origin: from}).Dial(path)
		if err != nil {
			t.Fatal(err)
		}
		defer ws.Close()
		if err := ws.WriteMessage(websocket.BinaryMessage, make([]byte, maxEarlyFrame+1)); err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, _, err = ws.ReadMessage()
		}
		if !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

func TestTenThousandConnectionsLeaveNothing(t *testing.T) {
	s, changed := hurried(t, func(*times) {})
	s.settle(t, changed, 0)
	before, running := descriptors(t), goleak.IgnoreCurrent()
	page := s.page(t, allowedOrigin)
	for i := range 10_000 {
		path, from := "/bridge", allowedOrigin
		if i%2 == 0 {
			path, from = "/pair", newcomer
		}
		if i%50 == 0 {
			conn, err := page.Connect("")
			if err == nil {
				err = errors.Join(conn.Call("agent.info", object{}, nil), conn.WS.Close())
			}
			if err != nil {
				t.Fatalf("connection %d: %v", i, err)
			}
			continue
		}
		if err := s.comeAndGo(path, from); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	s.settle(t, changed, 0)
	// The server's own loops may have begun after the count.
	goleak.VerifyNone(t, running, goleak.IgnoreAnyFunction("net/http.(*Server).Serve"), goleak.IgnoreAnyFunction("postern/bridge.(*Server).Serve"))
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors were open, now %d", before, after)
	}
}

// comeAndGo upgrades and resets the connection, which leaves no port behind in
// TIME_WAIT.
func (s *served) comeAndGo(path, from string) error {
	conn, err := net.Dial("tcp4", s.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, handshake{path: path, host: s.address, headers: origin(from)}.text()); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil && response.StatusCode != http.StatusSwitchingProtocols {
		err = errors.New(response.Status)
	}
	return err
}

// Two hundred clients do their worst at once, and one page is answered as if
// they were not there. Each hostile one goes on until it is thrown out or has
// done its part.
func TestHostileClientsHarmNobodyElse(t *testing.T) {
	s := serve(t, func(c *Config) {
		c.times = usualTimes
		c.times.write = 200 * time.Millisecond
	})
	good := s.page(t, allowedOrigin)
	steady, err := good.Connect("")
	if err != nil {
		t.Fatal(err)
	}
	defer steady.WS.Close()
	kinds := []func(*hostile){(*hostile).garbage, (*hostile).halfOpen, (*hostile).dripping, (*hostile).deaf, (*hostile).pinging}
	var crowd, started sync.WaitGroup
	over := make(chan struct{})
	for i := range 200 {
		h := &hostile{page: s.page(t, fmt.Sprintf("https://h%d.example.com", i)), victim: allowedOrigin, host: s.address, over: over}
		started.Add(1)
		crowd.Go(func() {
			started.Done()
			kinds[i%len(kinds)](h)
		})
	}
	started.Wait()
	for i := range 200 {
		if err := steady.Call("vault.status", object{}, nil); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
		if i%20 != 0 {
			continue
		}
		fresh, err := good.Connect("")
		if err == nil {
			err = errors.Join(fresh.Call("vault.status", object{}, nil), fresh.WS.Close())
		}
		if err != nil {
			t.Fatalf("connecting beside call %d: %v", i, err)
		}
	}
	close(over)
	crowd.Wait()
}

// hostile is a client that means harm; its page has a key that was allowed.
type hostile struct {
	page         *bridgetest.Page
	victim, host string
	over         chan struct{}
}

// garbage sends frames that are no JSON, then frames that do not open.
func (h *hostile) garbage() {
	conn, err := h.page.Connect("")
	if err != nil {
		return
	}
	defer conn.WS.Close()
	for range 50 {
		if conn.WriteFrame([]byte(strings.Repeat("[", 4096))) != nil {
			return
		}
	}
	_ = conn.WS.WriteMessage(websocket.BinaryMessage, []byte("garbage"))
	<-h.over
}

// halfOpen upgrades in the victim's name and says nothing.
func (h *hostile) halfOpen() {
	for range 5 {
		ws, err := (&bridgetest.Page{Address: h.host, Origin: h.victim}).Dial("/bridge")
		if err != nil {
			continue
		}
		defer ws.Close()
	}
	<-h.over
}

// dripping sends a request's head byte by byte and never ends it.
func (h *hostile) dripping() {
	conn, err := net.Dial("tcp4", h.host)
	if err != nil {
		return
	}
	defer conn.Close()
	head := handshake{path: "/bridge", host: h.host, headers: origin(h.victim)}.text()
	for i := range len(head) - 1 {
		if _, err := conn.Write([]byte{head[i]}); err != nil {
			return
		}
	}
	<-h.over
}

// deaf calls and never reads an answer.
func (h *hostile) deaf() {
	conn, err := h.page.Connect("")
	if err != nil {
		return
	}
	defer conn.WS.Close()
	for conn.WriteFrame([]byte(`{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}`)) == nil && !h.isOver() {
	}
}

func (h *hostile) pinging() {
	conn, err := h.page.Connect("")
	if err != nil {
		return
	}
	defer conn.WS.Close()
	for range 2000 {
		if conn.WS.WriteControl(websocket.PingMessage, []byte("again"), time.Time{}) != nil {
			return
		}
	}
	<-h.over
}

func (h *hostile) isOver() bool {
	select {
	case <-h.over:
		return true
	default:
		return false
	}
}
