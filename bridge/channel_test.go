package bridge

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"postern/bridge/bridgetest"
)

const newcomer = "https://new.example.com"

func (s *served) newcomer(t *testing.T, origin string) *bridgetest.Page {
	t.Helper()
	page, err := bridgetest.NewPage(s.address, origin)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// ask begins a pairing and waits until the owner is asked.
func (s *served) ask(t *testing.T, owner *client, page *bridgetest.Page, name string) (*bridgetest.Pairing, chan outcome) {
	t.Helper()
	p, err := page.Ask(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	done := make(chan outcome, 1)
	go func() {
		allowed, err := p.Reveal()
		done <- outcome{allowed, err}
	}()
	owner.next(func(a answer) bool {
		return a.Method == "question.changed" && strings.Contains(string(a.Params), page.Origin)
	})
	return p, done
}

type outcome struct {
	allowed bool
	err     error
}

func TestPairing(t *testing.T) {
	s := serve(t, nil)
	owner := s.owner(t, "local")
	page := s.newcomer(t, newcomer)
	pairing, done := s.ask(t, owner, page, "New \u202e\x01app")
	var list questionList
	owner.call("question.list", object{}, &list)
	if len(list.Questions) != 1 || list.Questions[0].Code != pairing.Code || list.Questions[0].Origin != newcomer || list.Questions[0].Name != "New app" {
		t.Fatalf("the owner is asked %+v, the page shows %s", list.Questions, pairing.Code)
	}
	second := s.newcomer(t, "https://second.example.com")
	if _, err := mustAsk(t, second).Reveal(); kindOf(err) != "busy" {
		t.Errorf("a second question: %v", err)
	}
	wrong := "000000"
	if wrong == pairing.Code {
		wrong = "000001"
	}
	owner.refused("denied", "app.allow", object{"origin": newcomer, "code": wrong})
	owner.call("app.allow", object{"origin": newcomer, "code": pairing.Code}, nil)
	if got := <-done; !got.allowed || got.err != nil {
		t.Fatalf("the page was answered %+v", got)
	}
	conn, err := page.Connect("alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Call("vault.status", object{}, nil); err != nil {
		t.Fatal(err)
	}

	// Another browser of the same origin is another page, and is asked about again.
	other := s.newcomer(t, newcomer)
	other.AgentKey = page.AgentKey
	if _, err := connected(other); !websocket.IsCloseError(err, closeNotPaired) {
		t.Errorf("a page with another key: %v", err)
	}
	_, done = s.ask(t, owner, other, "New app")
	owner.call("question.list", object{}, &list)
	owner.call("question.answer", object{"id": list.Questions[0].ID, "allow": false}, nil)
	if got := <-done; got.allowed || got.err != nil {
		t.Fatalf("the page was answered %+v", got)
	}
	for _, path := range []string{"/pair", "/bridge"} {
		if status, _ := s.do(t, handshake{path: path, headers: origin(newcomer)}); status != http.StatusForbidden {
			t.Errorf("a denied origin got %d on %s", status, path)
		}
	}
	// The owner may think better of it.
	owner.call("app.allow", object{"origin": newcomer}, nil)
	if allowed, err := mustAsk(t, page).Reveal(); !allowed || err != nil {
		t.Fatalf("allowed before it asked: %v, %v", allowed, err)
	}
	if _, err := page.Connect(""); err != nil {
		t.Error(err)
	}
	// Expected once, not for good.
	third := s.newcomer(t, newcomer)
	_, done = s.ask(t, owner, third, "third")
	owner.call("app.forget", object{"origin": newcomer}, nil)
	owner.call("question.list", object{}, &list)
	owner.call("question.answer", object{"id": list.Questions[0].ID, "allow": false}, nil)
	<-done
}

// connected tells whether a page gets an answer on /bridge.
func connected(page *bridgetest.Page) (string, error) {
	conn, err := page.Connect("")
	if err != nil {
		return "", err
	}
	defer conn.WS.Close()
	var status struct{ State string }
	err = conn.Call("vault.status", object{}, &status)
	return status.State, err
}

func mustAsk(t *testing.T, page *bridgetest.Page) *bridgetest.Pairing {
	t.Helper()
	p, err := page.Ask("again")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func kindOf(err error) string {
	if e, ok := errors.AsType[*bridgetest.Error](err); ok {
		return e.Data.Kind
	}
	return fmt.Sprint(err)
}

func TestPageThatLeavesTakesItsQuestionAlong(t *testing.T) {
	s := serve(t, nil)
	owner := s.owner(t, "local")
	for i := range maxRefused {
		pairing, done := s.ask(t, owner, s.newcomer(t, newcomer), fmt.Sprint(i))
		pairing.Close()
		<-done
		owner.next(func(a answer) bool { return a.Method == "question.changed" && string(a.Params) == `{"questions":[]}` })
	}
	if _, err := mustAsk(t, s.newcomer(t, newcomer)).Reveal(); kindOf(err) != "busy" {
		t.Errorf("one question too many: %v", err)
	}
	if _, err := mustAsk(t, s.newcomer(t, "https://other.example.com")).Reveal(); kindOf(err) != "busy" {
		t.Errorf("another origin evades the limit: %v", err)
	}
}

// A page that could choose its key after it saw the agent's nonce could try keys
// until the code is the one that another page shows.
func TestRevealMustFitTheCommitment(t *testing.T) {
	s := serve(t, nil)
	page, other := s.newcomer(t, newcomer), s.newcomer(t, newcomer)
	nonce := make([]byte, 32)
	commitment := bridgetest.Transcript("commitment", page.Key, nonce)
	otherNonce := append([]byte{1}, nonce[1:]...)
	for _, params := range []object{
		{"pageKey": other.Key, "pageNonce": nonce}, {"pageKey": page.Key, "pageNonce": otherNonce},
		{"pageKey": page.Key[:64], "pageNonce": nonce}, {"pageKey": page.Key, "pageNonce": nonce[:31]}, {"pageKey": []byte{}, "pageNonce": []byte{}},
	} {
		stranger := s.stranger(t, newcomer)
		stranger.call("pair.request", object{"name": "x", "commitment": commitment}, nil)
		stranger.refused("denied", "pair.reveal", params)
		stranger.refused("invalid", "pair.reveal", object{"pageKey": page.Key, "pageNonce": nonce})
		stranger.refused("invalid", "pair.request", object{"name": "x", "commitment": commitment})
	}
	stranger := s.stranger(t, newcomer)
	stranger.refused("invalid", "pair.reveal", object{"pageKey": page.Key, "pageNonce": nonce})
	stranger.refused("invalid", "pair.request", object{"name": "x", "commitment": []byte{1}})
	if n := len(s.Questions()); n != 0 {
		t.Errorf("%d questions were asked", n)
	}
	// Each broken promise counts against the hour's limit.
	for i := range maxRefused {
		stranger := s.stranger(t, fmt.Sprintf("https://n%d.example.com", i))
		stranger.call("pair.request", object{"name": "x", "commitment": commitment}, nil)
		a := stranger.answerTo(stranger.send("pair.reveal", object{"pageKey": other.Key, "pageNonce": nonce}))
		if a.Error == nil {
			t.Fatal("a broken promise was taken")
		}
	}
	if _, err := mustAsk(t, s.newcomer(t, "https://last.example.com")).Reveal(); kindOf(err) != "busy" {
		t.Errorf("after %d broken promises: %v", maxRefused, err)
	}
}

// A relay between page and agent has to show each of them keys of its own: the
// codes differ, whichever of the four values it replaces.
func TestCodesDifferWhenSomebodyIsBetween(t *testing.T) {
	s := serve(t, nil)
	owner := s.owner(t, "local")
	victim, relay := s.newcomer(t, newcomer), s.newcomer(t, newcomer)
	impostor := s.newcomer(t, newcomer)
	_, done := s.ask(t, owner, relay, "New")
	shownByVictim := bridgetest.Code(bridgetest.Transcript("pairing", []byte(newcomer), impostor.Key, make([]byte, 32), victim.Key, make([]byte, 32)))
	var list questionList
	owner.call("question.list", object{}, &list)
	if list.Questions[0].Code == shownByVictim {
		t.Error("the codes are the same")
	}
	owner.refused("denied", "app.allow", object{"origin": newcomer, "code": shownByVictim})
	owner.call("question.answer", object{"id": list.Questions[0].ID, "allow": false}, nil)
	<-done
	base := [][]byte{[]byte(newcomer), victim.Key, make([]byte, 32), relay.Key, make([]byte, 32)}
	code := comparisonCode(transcript("pairing", base...))
	for i := range base {
		changed := append([][]byte{}, base...)
		changed[i] = append([]byte{9}, base[i][1:]...)
		if comparisonCode(transcript("pairing", changed...)) == code {
			t.Errorf("the code does not depend on part %d", i)
		}
	}
}

// The right Origin without the page's key is worth nothing: any process of the
// user can send a header.
func TestOriginAloneGetsNothing(t *testing.T) {
	s := serve(t, nil)
	allowed := s.page(t, allowedOrigin)
	if _, err := connected(allowed); err != nil {
		t.Fatal(err)
	}
	thief := s.newcomer(t, allowedOrigin)
	thief.AgentKey = allowed.AgentKey
	if _, err := connected(thief); !websocket.IsCloseError(err, closeNotPaired) {
		t.Errorf("a key that is not allowed: %v", err)
	}
	// It knows the allowed key, which is public, and cannot sign for it.
	thief.Key = allowed.Key
	if _, err := connected(thief); !websocket.IsCloseError(err, closeHandshake) {
		t.Errorf("a signature of another key: %v", err)
	}
	// A key that is allowed for one origin is not for another.
	other := s.page(t, "https://other.example.com")
	other.Origin = allowedOrigin
	if _, err := connected(other); !websocket.IsCloseError(err, closeNotPaired) {
		t.Errorf("another origin's key: %v", err)
	}
	for name, frames := range map[string][]struct {
		kind int
		text string
	}{
		"json-rpc in the clear": {{websocket.TextMessage, `{"jsonrpc":"2.0","method":"vault.status","id":1}`}},
		"nothing":               {{websocket.BinaryMessage, ""}},
		"short":                 {{websocket.BinaryMessage, strings.Repeat("x", publicKeySize-1)}},
		"no point":              {{websocket.BinaryMessage, strings.Repeat("x", 400)}},
		"point of zeros":        {{websocket.BinaryMessage, "\x04" + strings.Repeat("\x00", 400)}},
	} {
		ws, err := (&bridgetest.Page{Address: s.address, Origin: allowedOrigin}).Dial("/bridge")
		if err != nil {
			t.Fatal(err)
		}
		defer ws.Close()
		if _, _, err := ws.ReadMessage(); err != nil {
			t.Fatal(err)
		}
		for _, f := range frames {
			if err := ws.WriteMessage(f.kind, []byte(f.text)); err != nil {
				t.Fatal(err)
			}
		}
		if _, got, err := ws.ReadMessage(); !websocket.IsCloseError(err, closeHandshake) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

// A proof that was made for one connection opens no other.
func TestProofIsGoodForOneConnection(t *testing.T) {
	s := serve(t, nil)
	page := s.page(t, allowedOrigin)
	ws, err := page.Dial("/bridge")
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	_, helloFrame, err := ws.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	_, recorded, err := page.Prove(helloFrame, "")
	if err != nil {
		t.Fatal(err)
	}
	replay, err := page.Dial("/bridge")
	if err != nil {
		t.Fatal(err)
	}
	defer replay.Close()
	if _, _, err := replay.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	if err := replay.WriteMessage(websocket.BinaryMessage, recorded); err != nil {
		t.Fatal(err)
	}
	if _, got, err := replay.ReadMessage(); !websocket.IsCloseError(err, closeHandshake) {
		t.Errorf("a replayed proof got %q, %v", got, err)
	}
}

func TestSealedFramesCannotBeTamperedWith(t *testing.T) {
	s := serve(t, nil)
	call := func(id int) []byte { return fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"vault.status","id":%d}`, id) }
	for name, attack := range map[string]func(first, second []byte) [][]byte{
		"replayed":  func(first, _ []byte) [][]byte { return [][]byte{first, first} },
		"reordered": func(first, second []byte) [][]byte { return [][]byte{second, first} },
		"left out":  func(_, second []byte) [][]byte { return [][]byte{second} },
		"changed": func(first, _ []byte) [][]byte {
			changed := append([]byte(nil), first...)
			changed[3] ^= 1
			return [][]byte{changed}
		},
		"truncated": func(first, _ []byte) [][]byte { return [][]byte{first[:len(first)-1]} },
		"empty":     func(_, _ []byte) [][]byte { return [][]byte{{}} },
	} {
		conn, err := s.page(t, allowedOrigin).Connect("")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.WS.Close()
		first, err := conn.Seal(call(1))
		if err != nil {
			t.Fatal(err)
		}
		second, err := conn.Seal(call(2))
		if err != nil {
			t.Fatal(err)
		}
		for _, frame := range attack(first, second) {
			if err := conn.WS.WriteMessage(websocket.BinaryMessage, frame); err != nil {
				t.Fatal(err)
			}
		}
		expectClosed(t, name, conn)
	}
	conn, err := s.page(t, allowedOrigin).Connect("")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.WS.Close()
	if err := conn.WriteFrame(call(1)); err != nil {
		t.Fatal(err)
	}
	_, reflected, err := conn.WS.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.WS.WriteMessage(websocket.BinaryMessage, reflected); err != nil {
		t.Fatal(err)
	}
	expectClosed(t, "reflected", conn)
}

// expectClosed reads until the connection ends; at most the first call may have
// been answered.
func expectClosed(t *testing.T, name string, conn *bridgetest.Conn) {
	t.Helper()
	for range 2 {
		if _, _, err := conn.WS.ReadMessage(); err != nil {
			if !websocket.IsCloseError(err, websocket.CloseUnsupportedData) {
				t.Errorf("%s: %v", name, err)
			}
			return
		}
	}
	t.Errorf("%s: the connection goes on", name)
}

// What crosses the wire on a sealed connection holds no word of what is said.
func TestSealedFramesHideWhatIsSaid(t *testing.T) {
	s := serve(t, nil)
	conn, err := s.page(t, allowedOrigin).Connect("somebody-by-name")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.WS.Close()
	if err := conn.WriteFrame([]byte(`{"jsonrpc":"2.0","method":"vault.status","id":1}`)); err != nil {
		t.Fatal(err)
	}
	_, frame, err := conn.WS.ReadMessage()
	if err != nil || strings.Contains(string(frame), "somebody-by-name") || strings.Contains(string(frame), "state") {
		t.Errorf("the wire shows %q, %v", frame, err)
	}
	plain, err := conn.Open(frame)
	if err != nil || !strings.Contains(string(plain), "somebody-by-name") {
		t.Errorf("the frame holds %q, %v", plain, err)
	}
}

func TestIdentityIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.pem")
	first, err := OpenIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := OpenIdentity(path)
	if err != nil || string(second.public) != string(first.public) {
		t.Fatalf("opened again: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, damage := range []string{"", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if err := os.WriteFile(path, []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenIdentity(path); err == nil {
			t.Errorf("%q passes for an identity", damage)
		}
		if after, _ := os.ReadFile(path); string(after) != damage {
			t.Errorf("a damaged identity was replaced")
		}
	}
}
