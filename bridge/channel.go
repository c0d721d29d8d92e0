package bridge

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/gorilla/websocket"
)

// channel carries whole JSON-RPC frames. The owner's is plain: its socket is the
// owner's alone, and its console comes from the agent itself. An app's is sealed.
type channel interface {
	read() ([]byte, error)
	write(frame []byte) error
}

// plainChannel is text frames of the WebSocket.
type plainChannel struct{ ws *websocket.Conn }

var errNotText = errors.New("not a text frame")

func (c plainChannel) read() ([]byte, error) {
	kind, frame, err := c.ws.ReadMessage()
	if err == nil && kind != websocket.TextMessage {
		err = errNotText
	}
	return frame, err
}

func (c plainChannel) write(frame []byte) error {
	return c.ws.WriteMessage(websocket.TextMessage, frame)
}

// sealedChannel is binary frames that only the two who shook hands can read or
// write: HPKE (RFC 9180) from page to agent, and back the same AEAD with a key
// and a nonce exported from that context (section 9.8). Each direction counts its
// frames, so a frame that is replayed, dropped, reordered or reflected does not
// open, and the connection ends.
type sealedChannel struct {
	ws       *websocket.Conn
	incoming *hpke.Recipient
	outgoing cipher.AEAD
	// base is the exported nonce; frame n is sealed under base XOR n.
	base [12]byte
	sent uint64
	// in and out are used for one frame after another.
	in  bytes.Buffer
	out []byte
}

// frameText is the first byte of a plaintext that holds JSON-RPC; others are for
// frames to come.
const frameText = 1

// sealOverhead is what sealing adds to a frame: its kind and a tag.
const sealOverhead = 1 + 16

var errSeal = errors.New("a frame does not open")

func (c *sealedChannel) read() ([]byte, error) {
	kind, sealed, err := c.ws.NextReader()
	if err != nil {
		return nil, err
	}
	if kind != websocket.BinaryMessage {
		return nil, errSeal
	}
	if c.in.Reset(); c.in.Cap() > maxSpare {
		c.in = bytes.Buffer{}
	}
	if _, err := c.in.ReadFrom(sealed); err != nil {
		return nil, err
	}
	plain, err := c.incoming.Open(nil, c.in.Bytes())
	if err != nil || len(plain) == 0 || plain[0] != frameText {
		return nil, errSeal
	}
	return plain[1:], nil
}

func (c *sealedChannel) write(frame []byte) error {
	return c.ws.WriteMessage(websocket.BinaryMessage, c.seal(frame))
}

// seal seals the next frame for the page, where the one before it was.
func (c *sealedChannel) seal(frame []byte) []byte {
	nonce := c.base
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^c.sent)
	c.sent++
	if cap(c.out) > maxSpare {
		c.out = nil
	}
	// With room for the tag, or it would be sealed into another place and stay here.
	c.out = slices.Grow(c.out[:0], len(frame)+sealOverhead)
	c.out = append(append(c.out, frameText), frame...)
	c.out = c.outgoing.Seal(c.out[:0], nonce[:], c.out, nil)
	return c.out
}

// hello is the agent's first frame, in the clear: a key for this connection
// alone, signed by the identity that the page has pinned.
type hello struct {
	AgentKey   []byte `json:"agentKey"`
	ChannelKey []byte `json:"channelKey"`
	Nonce      []byte `json:"nonce"`
	Signature  []byte `json:"signature"`
}

// proof is what the page seals into its first frame: who it is, signed over all
// that came before.
type proof struct {
	PageKey   []byte `json:"pageKey"`
	Account   string `json:"account"`
	Signature []byte `json:"signature"`
}

// suite is DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
var (
	suiteKEM  = hpke.DHKEM(ecdh.P256())
	suiteKDF  = hpke.HKDFSHA256()
	suiteAEAD = hpke.AES256GCM()
)

// Close codes of a handshake that failed (RFC 6455, section 7.4.2: private use).
const (
	// closeNotPaired: the page's key is not one that was allowed for its origin.
	closeNotPaired = 4401
	// closeHandshake: the page did not keep to the handshake.
	closeHandshake = 4400
)

var (
	errNotPaired = errors.New("the page's key is not allowed for its origin")
	errHandshake = errors.New("the page did not keep to the handshake")
)

// shakeHands proves the agent to the page and the page to the agent. It returns
// the sealed channel and the account that the page named.
func (s *Server) shakeHands(ws *websocket.Conn, origin string) (*sealedChannel, string, error) {
	if err := ws.SetReadDeadline(time.Now().Add(s.config.times.handshake)); err != nil {
		return nil, "", err
	}
	channelKey, err := suiteKEM.GenerateKey()
	if err != nil {
		return nil, "", err
	}
	helloFrame, err := s.config.Identity.hello(channelKey.PublicKey().Bytes())
	if err != nil {
		return nil, "", err
	}
	if err := ws.WriteMessage(websocket.TextMessage, helloFrame); err != nil {
		return nil, "", err
	}
	kind, answer, err := ws.ReadMessage()
	if err != nil || kind != websocket.BinaryMessage {
		return nil, "", errHandshake
	}
	c, p, err := openProof(channelKey, helloFrame, origin, answer)
	if err != nil {
		return nil, "", err
	}
	if !s.config.Apps.HasKey(origin, p.PageKey) {
		return nil, "", errNotPaired
	}
	c.ws = ws
	return c, p.Account, nil
}

func (i *Identity) hello(channelKey []byte) ([]byte, error) {
	nonce := make([]byte, nonceSize)
	rand.Read(nonce)
	signature, err := i.sign(transcript("hello", i.public, channelKey, nonce))
	if err != nil {
		return nil, err
	}
	return json.Marshal(hello{AgentKey: i.public, ChannelKey: channelKey, Nonce: nonce, Signature: signature})
}

// openProof reads the page's first frame: the encapsulated key, then the sealed
// proof. Whether the page's key is allowed is another question.
func openProof(channelKey hpke.PrivateKey, helloFrame []byte, origin string, answer []byte) (*sealedChannel, proof, error) {
	var p proof
	if len(answer) < publicKeySize {
		return nil, p, errHandshake
	}
	enc, sealed := answer[:publicKeySize], answer[publicKeySize:]
	info := transcript("channel", helloFrame, []byte(origin))
	incoming, err := hpke.NewRecipient(enc, channelKey, suiteKDF, suiteAEAD, info)
	if err != nil {
		return nil, p, errHandshake
	}
	plain, err := incoming.Open(nil, sealed)
	if err != nil || json.Unmarshal(plain, &p, json.RejectUnknownMembers(true)) != nil {
		return nil, p, errHandshake
	}
	signed := transcript("proof", helloFrame, enc, []byte(origin), []byte(p.Account))
	if !verify(p.PageKey, signed, p.Signature) {
		return nil, p, errHandshake
	}
	c := &sealedChannel{incoming: incoming}
	return c, p, c.export(incoming)
}

// export derives the agent's direction from the HPKE context.
func (c *sealedChannel) export(context *hpke.Recipient) error {
	key, err := context.Export("postern/v1/agent key", 32)
	if err != nil {
		return err
	}
	defer clear(key)
	nonce, err := context.Export("postern/v1/agent nonce", len(c.base))
	if err != nil {
		return err
	}
	copy(c.base[:], nonce)
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	c.outgoing, err = cipher.NewGCM(block)
	return err
}
