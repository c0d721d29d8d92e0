package bridge

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"sync"
	"time"
)

// Pairing makes two strangers know each other's keys again: the page pins the
// agent's identity key, the agent the page's key. Somebody between them would
// have to show each side a key of his own. What stops him is the code that the
// owner compares: it depends on both keys and both nonces, and the page commits
// to its part before it sees the agent's, so that nobody can try keys until the
// codes match; one guess in a million is what is left.

type pairParams struct {
	// Name is what the app calls itself.
	Name string `json:"name"`
	// Commitment is SHA-256 over the page's key and nonce, see the protocol page.
	Commitment []byte `json:"commitment"`
}

type pairOffer struct {
	AgentKey   []byte `json:"agentKey"`
	AgentNonce []byte `json:"agentNonce"`
}

type revealParams struct {
	PageKey   []byte `json:"pageKey"`
	PageNonce []byte `json:"pageNonce"`
}

type pairResult struct {
	Allowed bool `json:"allowed"`
	// Signature is the agent's over the pairing; the page pins the key that made it.
	Signature []byte `json:"signature,omitzero"`
}

// pairing is what a stranger's connection has agreed to so far.
type pairing struct {
	name       string
	commitment []byte
	agentNonce []byte
}

// pairRequest takes the page's commitment and gives the agent's key and nonce.
func pairRequest(_ context.Context, o *session, p pairParams) (pairOffer, error) {
	if len(p.Commitment) != len(transcript("")) {
		return pairOffer{}, fail("invalid", "The commitment must be a SHA-256.", "See the protocol page.")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pairing != nil {
		return pairOffer{}, fail("invalid", "This connection has asked already.", "Open another connection to ask again.")
	}
	nonce := make([]byte, nonceSize)
	rand.Read(nonce)
	o.pairing = &pairing{name: plain(p.Name, 64), commitment: p.Commitment, agentNonce: nonce}
	return pairOffer{AgentKey: o.server.config.Identity.public, AgentNonce: nonce}, nil
}

// pairReveal checks what the page committed to, and asks the owner. It remembers
// a yes and a no; silence is a no that is not remembered.
func pairReveal(ctx context.Context, o *session, p revealParams) (pairResult, error) {
	o.mu.Lock()
	agreed := o.pairing
	if agreed != nil {
		o.pairing = &pairing{}
	}
	o.mu.Unlock()
	if agreed == nil || agreed.commitment == nil {
		return pairResult{}, fail("invalid", "This connection has not asked, or has asked already.", "Begin with pair.request on a new connection.")
	}
	if len(p.PageKey) != publicKeySize || len(p.PageNonce) != nonceSize ||
		subtle.ConstantTimeCompare(transcript("commitment", p.PageKey, p.PageNonce), agreed.commitment) != 1 {
		o.server.questions.refuse()
		return pairResult{}, fail("denied", "The page did not keep to what it committed to.", "Ask again on the page.")
	}
	identity := o.server.config.Identity
	signed := transcript("pairing", []byte(o.origin), identity.public, agreed.agentNonce, p.PageKey, p.PageNonce)
	signature, err := identity.sign(signed)
	if err != nil {
		return pairResult{}, err
	}
	applicant := Applicant{Origin: o.origin, Name: agreed.name, Key: p.PageKey}
	if o.server.expected.take(o.origin) {
		return pairResult{Allowed: true, Signature: signature}, o.server.decide(applicant, true)
	}
	allowed, err := o.server.questions.ask(ctx, applicant, comparisonCode(signed))
	if err != nil || !allowed {
		return pairResult{}, err
	}
	return pairResult{Allowed: true, Signature: signature}, nil
}

// comparisonCode is six digits that depend on everything that was agreed.
func comparisonCode(pairing []byte) string {
	return fmt.Sprintf("%06d", binary.BigEndian.Uint64(transcript("code", pairing))%1_000_000)
}

// expectTime is how long postern app allow holds for a page that is yet to come.
const expectTime = 10 * time.Minute

// expectedOrigins are those that the owner has allowed before their page asked.
type expectedOrigins struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (e *expectedOrigins) add(origin string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.until == nil {
		e.until = map[string]time.Time{}
	}
	e.until[origin] = time.Now().Add(expectTime)
}

func (e *expectedOrigins) has(origin string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Now().Before(e.until[origin])
}

// take says whether the origin is expected, and expects it no more.
func (e *expectedOrigins) take(origin string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	expected := time.Now().Before(e.until[origin])
	delete(e.until, origin)
	return expected
}
