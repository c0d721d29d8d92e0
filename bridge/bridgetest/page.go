// Package bridgetest is the page's side of the bridge in Go, written from
// docs/protocol.md alone: it imports nothing of the bridge, so that tests which
// use it hold the bridge against the document.
package bridgetest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// Subprotocol is the WebSocket subprotocol of the bridge.
const Subprotocol = "postern.v1"

// patience bounds every wait for the agent.
const patience = 20 * time.Second

// Page is a page of one origin in one browser, with its key.
type Page struct {
	// Address is the agent's host and port.
	Address string
	Origin  string
	// Key is the page's uncompressed public key, AgentKey the agent's that the
	// page has pinned.
	Key, AgentKey []byte

	private *ecdsa.PrivateKey
}

// NewPage returns a page that the agent does not know yet.
func NewPage(address, origin string) (*Page, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := private.PublicKey.Bytes()
	return &Page{Address: address, Origin: origin, Key: key, private: private}, err
}

// Dial opens a WebSocket as the browser would, for the path and the origin.
func (p *Page) Dial(path string, protocols ...string) (*websocket.Conn, error) {
	dialer := websocket.Dialer{Subprotocols: append([]string{Subprotocol}, protocols...), HandshakeTimeout: patience}
	ws, response, err := dialer.Dial("ws://"+p.Address+path, http.Header{"Origin": {p.Origin}})
	if response != nil && err != nil {
		return nil, fmt.Errorf("%w: %d", err, response.StatusCode)
	}
	return ws, err
}

// Error is a JSON-RPC error.
type Error struct {
	Code    int
	Message string
	Data    struct{ Kind, Fix string }
}

func (e *Error) Error() string { return e.Message + " (" + e.Data.Kind + ")" }

// Answer is a JSON-RPC response, or a notification when Method is set.
type Answer struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *Error          `json:"error"`
}

// Pairing is a page's connection that asks to be allowed.
type Pairing struct {
	page       *Page
	ws         *websocket.Conn
	nonce      []byte
	agentKey   []byte
	transcript []byte
	// Code is what the page shows.
	Code string
}

// Ask begins a pairing: it commits, and gets the agent's key and nonce.
func (p *Page) Ask(name string) (*Pairing, error) {
	ws, err := p.Dial("/pair")
	if err != nil {
		return nil, err
	}
	a := &Pairing{page: p, ws: ws, nonce: random(32)}
	commitment := Transcript("commitment", p.Key, a.nonce)
	var offer struct{ AgentKey, AgentNonce []byte }
	if err := a.call("pair.request", map[string]any{"name": name, "commitment": commitment}, &offer); err != nil {
		ws.Close()
		return nil, err
	}
	a.agentKey = offer.AgentKey
	a.transcript = Transcript("pairing", []byte(p.Origin), offer.AgentKey, offer.AgentNonce, p.Key, a.nonce)
	a.Code = Code(a.transcript)
	return a, nil
}

// Reveal opens the commitment and waits for the owner's answer. After a yes the
// page has pinned the agent's key.
func (a *Pairing) Reveal() (allowed bool, err error) {
	var result struct {
		Allowed   bool
		Signature []byte
	}
	params := map[string]any{"pageKey": a.page.Key, "pageNonce": a.nonce}
	if err := a.call("pair.reveal", params, &result); err != nil {
		return false, err
	}
	if result.Allowed && !Verify(a.agentKey, a.transcript, result.Signature) {
		return false, errors.New("the agent did not sign the pairing")
	}
	if result.Allowed {
		a.page.AgentKey = a.agentKey
	}
	return result.Allowed, nil
}

// Close ends the pairing's connection, and takes the question back.
func (a *Pairing) Close() { a.ws.Close() }

func (a *Pairing) call(method string, params, result any) error {
	request := map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
	if err := a.ws.WriteJSON(request); err != nil {
		return err
	}
	if err := a.ws.SetReadDeadline(time.Now().Add(90 * time.Second)); err != nil {
		return err
	}
	var answer Answer
	if err := a.ws.ReadJSON(&answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return answer.Error
	}
	return json.Unmarshal(answer.Result, result)
}

// Conn is a sealed connection.
type Conn struct {
	WS       *websocket.Conn
	outgoing *hpke.Sender
	incoming cipher.AEAD
	base     []byte
	received uint64
	next     int
}

// Connect connects to /bridge, and fails unless the agent proves the pinned key.
func (p *Page) Connect(account string) (*Conn, error) {
	ws, err := p.Dial("/bridge")
	if err != nil {
		return nil, err
	}
	c, err := p.Handshake(ws, account)
	if err != nil {
		ws.Close()
	}
	return c, err
}

// Handshake is what follows on an open WebSocket.
func (p *Page) Handshake(ws *websocket.Conn, account string) (*Conn, error) {
	if err := ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	_, helloFrame, err := ws.ReadMessage()
	if err != nil {
		return nil, err
	}
	c, answer, err := p.Prove(helloFrame, account)
	if err != nil {
		return nil, err
	}
	c.WS = ws
	return c, ws.WriteMessage(websocket.BinaryMessage, answer)
}

// Prove checks the agent's first frame and makes the page's answer to it.
func (p *Page) Prove(helloFrame []byte, account string) (c *Conn, answer []byte, err error) {
	var hello struct{ AgentKey, ChannelKey, Nonce, Signature []byte }
	if err := json.Unmarshal(helloFrame, &hello); err != nil {
		return nil, nil, err
	}
	signed := Transcript("hello", hello.AgentKey, hello.ChannelKey, hello.Nonce)
	if string(hello.AgentKey) != string(p.AgentKey) || !Verify(p.AgentKey, signed, hello.Signature) {
		return nil, nil, errors.New("this is not the agent that the page knows")
	}
	public, err := hpke.DHKEM(ecdh.P256()).NewPublicKey(hello.ChannelKey)
	if err != nil {
		return nil, nil, err
	}
	info := Transcript("channel", helloFrame, []byte(p.Origin))
	enc, sender, err := hpke.NewSender(public, hpke.HKDFSHA256(), hpke.AES256GCM(), info)
	if err != nil {
		return nil, nil, err
	}
	proof, err := json.Marshal(map[string]any{
		"pageKey": p.Key, "account": account,
		"signature": p.Sign(Transcript("proof", helloFrame, enc, []byte(p.Origin), []byte(account))),
	})
	if err != nil {
		return nil, nil, err
	}
	sealed, err := sender.Seal(nil, proof)
	if err != nil {
		return nil, nil, err
	}
	c = &Conn{outgoing: sender}
	return c, append(enc, sealed...), c.export()
}

func (c *Conn) export() error {
	key, err := c.outgoing.Export("postern/v1/agent key", 32)
	if err != nil {
		return err
	}
	if c.base, err = c.outgoing.Export("postern/v1/agent nonce", 12); err != nil {
		return err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	c.incoming, err = cipher.NewGCM(block)
	return err
}

// Seal seals a frame; each counts, so it must be sent, once and in order.
func (c *Conn) Seal(frame []byte) ([]byte, error) {
	return c.outgoing.Seal(nil, append([]byte{1}, frame...))
}

// Open opens the next frame from the agent.
func (c *Conn) Open(sealed []byte) ([]byte, error) {
	nonce := append([]byte(nil), c.base...)
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^c.received)
	c.received++
	plain, err := c.incoming.Open(nil, nonce, sealed, nil)
	if err != nil {
		return nil, err
	}
	if len(plain) == 0 || plain[0] != 1 {
		return nil, errors.New("not a text frame")
	}
	return plain[1:], nil
}

// WriteFrame seals and sends a frame.
func (c *Conn) WriteFrame(frame []byte) error {
	sealed, err := c.Seal(frame)
	if err != nil {
		return err
	}
	return c.WS.WriteMessage(websocket.BinaryMessage, sealed)
}

// ReadFrame reads and opens the next frame.
func (c *Conn) ReadFrame() ([]byte, error) {
	if err := c.WS.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	_, sealed, err := c.WS.ReadMessage()
	if err != nil {
		return nil, err
	}
	return c.Open(sealed)
}

// Call calls a method and decodes its result; it passes over notifications.
func (c *Conn) Call(method string, params, result any) error {
	c.next++
	frame, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": c.next, "method": method, "params": params})
	if err != nil {
		return err
	}
	if err := c.WriteFrame(frame); err != nil {
		return err
	}
	for {
		frame, err := c.ReadFrame()
		if err != nil {
			return err
		}
		var answer Answer
		if err := json.Unmarshal(frame, &answer); err != nil {
			return err
		}
		switch {
		case string(answer.ID) != fmt.Sprint(c.next):
		case answer.Error != nil:
			return answer.Error
		case result == nil:
			return nil
		default:
			return json.Unmarshal(answer.Result, result)
		}
	}
}

// Transcript is SHA-256 over the label and the parts, each behind its length.
func Transcript(label string, parts ...[]byte) []byte {
	var all []byte
	for _, part := range append([][]byte{[]byte("postern/v1/" + label)}, parts...) {
		all = append(binary.BigEndian.AppendUint32(all, uint32(len(part))), part...)
	}
	sum := sha256.Sum256(all)
	return sum[:]
}

// Code is the comparison code of a pairing.
func Code(pairing []byte) string {
	number := new(big.Int).SetBytes(Transcript("code", pairing)[:8])
	return fmt.Sprintf("%06d", number.Mod(number, big.NewInt(1_000_000)).Int64())
}

// Sign signs a transcript with the page's key: r and s, 32 bytes each.
func (p *Page) Sign(transcript []byte) []byte {
	digest := sha256.Sum256(transcript)
	r, s, err := ecdsa.Sign(rand.Reader, p.private, digest[:])
	if err != nil {
		panic(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signature
}

// Verify checks a signature over a transcript.
func Verify(key, transcript, signature []byte) bool {
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), key)
	if err != nil || len(signature) != 64 {
		return false
	}
	digest := sha256.Sum256(transcript)
	return ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
