package bridge

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"postern/bridge/bridgetest"
)

// channelVectors is bridge/testdata/channel.json, for clients in any language.
// Binary values are base64.
type channelVectors struct {
	Transcripts []transcriptVector `json:"transcripts"`
	Pairing     pairingVector      `json:"pairing"`
	Signatures  []signatureVector  `json:"signatures"`
	Session     sessionVector      `json:"session"`
	// BadHellos are hello frames that a page which has pinned session.agentKey
	// must refuse.
	BadHellos []namedFrame `json:"badHellos"`
}

type transcriptVector struct {
	Label  string   `json:"label"`
	Parts  [][]byte `json:"parts"`
	SHA256 []byte   `json:"sha256"`
}

type pairingVector struct {
	Origin     string `json:"origin"`
	AgentKey   []byte `json:"agentKey"`
	AgentNonce []byte `json:"agentNonce"`
	PageKey    []byte `json:"pageKey"`
	PageNonce  []byte `json:"pageNonce"`
	Commitment []byte `json:"commitment"`
	Pairing    []byte `json:"pairing"`
	Code       string `json:"code"`
	Signature  []byte `json:"signature"`
}

type signatureVector struct {
	Why        string `json:"why"`
	Key        []byte `json:"key"`
	Transcript []byte `json:"transcript"`
	Signature  []byte `json:"signature"`
	Valid      bool   `json:"valid"`
}

// sessionVector is one handshake and two frames each way. With channelPrivateKey
// the agent's side can be replayed; agentFrameKey and agentFrameNonce are what
// both sides export.
type sessionVector struct {
	Origin            string   `json:"origin"`
	Account           string   `json:"account"`
	AgentKey          []byte   `json:"agentKey"`
	PageKey           []byte   `json:"pageKey"`
	ChannelPrivateKey []byte   `json:"channelPrivateKey"`
	Hello             string   `json:"hello"`
	Info              []byte   `json:"info"`
	Answer            []byte   `json:"answer"`
	AgentFrameKey     []byte   `json:"agentFrameKey"`
	AgentFrameNonce   []byte   `json:"agentFrameNonce"`
	PageFrames        [][]byte `json:"pageFrames"`
	PageTexts         []string `json:"pageTexts"`
	AgentFrames       [][]byte `json:"agentFrames"`
	AgentTexts        []string `json:"agentTexts"`
}

type namedFrame struct {
	Why   string `json:"why"`
	Frame string `json:"frame"`
}

const vectorsPath = "testdata/channel.json"

func TestChannelVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	text, err := os.ReadFile(vectorsPath)
	if err != nil {
		t.Fatal(err)
	}
	var v channelVectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Transcripts {
		if got := transcript(c.Label, c.Parts...); !bytes.Equal(got, c.SHA256) {
			t.Errorf("transcript %q: %x", c.Label, got)
		}
	}
	checkPairing(t, v.Pairing)
	for _, c := range v.Signatures {
		if got := verify(c.Key, c.Transcript, c.Signature); got != c.Valid {
			t.Errorf("%s: valid %v, want %v", c.Why, got, c.Valid)
		}
	}
	checkSession(t, v.Session)
	page := bridgetest.Page{Origin: v.Session.Origin, AgentKey: v.Session.AgentKey}
	for _, c := range v.BadHellos {
		if _, _, err := page.Prove([]byte(c.Frame), ""); err == nil {
			t.Errorf("a page takes a hello with %s", c.Why)
		}
	}
}

func checkPairing(t *testing.T, v pairingVector) {
	t.Helper()
	if got := transcript("commitment", v.PageKey, v.PageNonce); !bytes.Equal(got, v.Commitment) {
		t.Errorf("commitment %x", got)
	}
	pairing := transcript("pairing", []byte(v.Origin), v.AgentKey, v.AgentNonce, v.PageKey, v.PageNonce)
	if !bytes.Equal(pairing, v.Pairing) || comparisonCode(pairing) != v.Code || !verify(v.AgentKey, pairing, v.Signature) {
		t.Errorf("pairing %x, code %s", pairing, comparisonCode(pairing))
	}
}

func checkSession(t *testing.T, v sessionVector) {
	t.Helper()
	channelKey, err := suiteKEM.NewPrivateKey(v.ChannelPrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	if info := transcript("channel", []byte(v.Hello), []byte(v.Origin)); !bytes.Equal(info, v.Info) {
		t.Errorf("info %x", info)
	}
	c, p, err := openProof(channelKey, []byte(v.Hello), v.Origin, v.Answer)
	if err != nil || p.Account != v.Account || !bytes.Equal(p.PageKey, v.PageKey) {
		t.Fatalf("proof %+v, %v", p, err)
	}
	for i, frame := range v.PageFrames {
		if plain, err := c.incoming.Open(nil, frame); err != nil || plain[0] != frameText || string(plain[1:]) != v.PageTexts[i] {
			t.Errorf("page frame %d: %q, %v", i, plain, err)
		}
	}
	for i, frame := range v.AgentFrames {
		if got := c.seal([]byte(v.AgentTexts[i])); !bytes.Equal(got, frame) {
			t.Errorf("agent frame %d: %x", i, got)
		}
	}
	if _, _, err := openProof(channelKey, []byte(v.Hello), "https://other.example.com", v.Answer); err == nil {
		t.Error("the proof opens for another origin")
	}
}

func writeVectors(t *testing.T) {
	t.Helper()
	identity, err := OpenIdentity(filepath.Join(t.TempDir(), "identity.pem"))
	if err != nil {
		t.Fatal(err)
	}
	const origin = "https://app.example.com"
	page, err := bridgetest.NewPage("", origin)
	if err != nil {
		t.Fatal(err)
	}
	page.AgentKey = identity.public
	v := channelVectors{
		Transcripts: []transcriptVector{
			{Label: "", Parts: [][]byte{}}, {Label: "code", Parts: [][]byte{{}}}, {Label: "code", Parts: [][]byte{{}, {}}},
			{Label: "pairing", Parts: [][]byte{[]byte(origin), {0, 1, 2, 255}}}, {Label: "pairing", Parts: [][]byte{[]byte(origin + "\x00"), {1, 2, 255}}},
		},
		Pairing: pairingVector{Origin: origin, AgentKey: identity.public, PageKey: page.Key, AgentNonce: bytes.Repeat([]byte{7}, 32), PageNonce: bytes.Repeat([]byte{8}, 32)},
	}
	for i, c := range v.Transcripts {
		v.Transcripts[i].SHA256 = transcript(c.Label, c.Parts...)
	}
	p := &v.Pairing
	p.Commitment = transcript("commitment", p.PageKey, p.PageNonce)
	p.Pairing = transcript("pairing", []byte(origin), p.AgentKey, p.AgentNonce, p.PageKey, p.PageNonce)
	p.Code = comparisonCode(p.Pairing)
	if p.Signature, err = identity.sign(p.Pairing); err != nil {
		t.Fatal(err)
	}
	v.Signatures = signatureVectors(*p)
	v.Session, v.BadHellos = recordSession(t, identity, page)
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(vectorsPath), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorsPath, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func signatureVectors(p pairingVector) []signatureVector {
	changed := func(b []byte, at int) []byte {
		out := bytes.Clone(b)
		out[at] ^= 1
		return out
	}
	return []signatureVector{
		{"good", p.AgentKey, p.Pairing, p.Signature, true},
		{"another transcript", p.AgentKey, p.Commitment, p.Signature, false},
		{"another key", p.PageKey, p.Pairing, p.Signature, false},
		{"r changed", p.AgentKey, p.Pairing, changed(p.Signature, 5), false},
		{"s changed", p.AgentKey, p.Pairing, changed(p.Signature, 40), false},
		{"zeros", p.AgentKey, p.Pairing, make([]byte, signatureSize), false},
		{"short", p.AgentKey, p.Pairing, p.Signature[:63], false},
		{"key is no point", changed(p.AgentKey, 9), p.Pairing, p.Signature, false},
	}
}

func recordSession(t *testing.T, identity *Identity, page *bridgetest.Page) (sessionVector, []namedFrame) {
	t.Helper()
	v := sessionVector{
		Origin: page.Origin, Account: "alice", AgentKey: identity.public, PageKey: page.Key,
		PageTexts:  []string{`{"jsonrpc":"2.0","id":1,"method":"vault.status"}`, `{"jsonrpc":"2.0","id":2,"method":"secret.list","params":{"filter":"ä"}}`},
		AgentTexts: []string{`{"jsonrpc":"2.0","id":1,"result":{"state":"locked"}}`, `{"jsonrpc":"2.0","method":"vault.changed","params":{}}`},
	}
	private, err := ecdh.P256().NewPrivateKey(bytes.Repeat([]byte{3}, 32))
	if err != nil {
		t.Fatal(err)
	}
	channelKey, err := hpke.NewDHKEMPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	v.ChannelPrivateKey = private.Bytes()
	helloFrame, err := identity.hello(channelKey.PublicKey().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	v.Hello, v.Info = string(helloFrame), transcript("channel", helloFrame, []byte(page.Origin))
	conn, answer, err := page.Prove(helloFrame, v.Account)
	if err != nil {
		t.Fatal(err)
	}
	v.Answer = answer
	c, _, err := openProof(channelKey, helloFrame, page.Origin, answer)
	if err != nil {
		t.Fatal(err)
	}
	if v.AgentFrameKey, err = c.incoming.Export("postern/v1/agent key", 32); err != nil {
		t.Fatal(err)
	}
	v.AgentFrameNonce = c.base[:]
	for _, text := range v.PageTexts {
		frame, err := conn.Seal([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		v.PageFrames = append(v.PageFrames, frame)
	}
	for _, text := range v.AgentTexts {
		v.AgentFrames = append(v.AgentFrames, c.seal([]byte(text)))
	}
	return v, badHellos(t, identity, page, helloFrame)
}

func badHellos(t *testing.T, identity *Identity, page *bridgetest.Page, good []byte) []namedFrame {
	t.Helper()
	var h hello
	if err := json.Unmarshal(good, &h); err != nil {
		t.Fatal(err)
	}
	frame := func(edit func(*hello)) string {
		changed := h
		edit(&changed)
		text, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	otherKey := page.Key
	return []namedFrame{
		{"another agent's key, signed by it", frame(func(h *hello) {
			h.AgentKey = otherKey
			h.Signature = page.Sign(transcript("hello", h.AgentKey, h.ChannelKey, h.Nonce))
		})},
		{"the right key and a signature of another", frame(func(h *hello) { h.Signature = page.Sign(transcript("hello", h.AgentKey, h.ChannelKey, h.Nonce)) })},
		{"another channel key", frame(func(h *hello) { h.ChannelKey = otherKey })},
		{"another nonce", frame(func(h *hello) { h.Nonce = bytes.Repeat([]byte{1}, 32) })},
		{"no signature", frame(func(h *hello) { h.Signature = nil })},
		{"a signature for a pairing", frame(func(h *hello) {
			h.Signature, _ = identity.sign(transcript("pairing", h.AgentKey, h.ChannelKey, h.Nonce))
		})},
		{"nothing", "{}"},
		{"no JSON", "hello"},
	}
}
