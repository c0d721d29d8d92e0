package bridge

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"time"
)

// Question is something only the owner can answer. It may be answered wherever
// it is shown: tray, console or command line; the first answer counts.
type Question struct {
	ID string `json:"id"`
	// Origin is who asks, in punycode; Name what it calls itself.
	Origin string `json:"origin"`
	Name   string `json:"name"`
	// Code is shown on the asking page too: only if both are the same does the
	// question come from the page that its reader has in mind.
	Code    string    `json:"code"`
	Text    string    `json:"text"`
	Expires time.Time `json:"expires"`
}

const (
	// questionTime is how long a question waits for its answer; silence is a no.
	questionTime = 60 * time.Second
	// maxRefused is how many questions an hour may end without a yes before no
	// more are asked: a page cannot wear its owner down.
	maxRefused    = 10
	refusedWindow = time.Hour
)

type questions struct {
	changed func()

	mu      sync.Mutex
	pending *pendingQuestion
	refused []time.Time
}

type pendingQuestion struct {
	Question
	applicant Applicant
	answer    chan bool
}

// ask puts the question and waits for its answer; silence is a no. One question
// is open at a time; a second one is busy, whoever asks.
func (q *questions) ask(ctx context.Context, applicant Applicant, code string) (allowed bool, err error) {
	p, err := q.open(applicant, code)
	if err != nil {
		return false, err
	}
	q.changed()
	timer := time.NewTimer(questionTime)
	defer timer.Stop()
	select {
	case allowed = <-p.answer:
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	q.close(p, allowed)
	q.changed()
	return allowed, err
}

func (q *questions) open(applicant Applicant, code string) (*pendingQuestion, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.pending != nil {
		return nil, fail("busy", "Another app is asking to be allowed.", "Answer that question first, then try again.")
	}
	q.refused = slices.DeleteFunc(q.refused, func(t time.Time) bool { return time.Since(t) > refusedWindow })
	if len(q.refused) >= maxRefused {
		return nil, fail("busy", "Too many apps asked to be allowed in the last hour.", "Allow the app with postern app allow, or try again later.")
	}
	text := applicant.Origin + " wants to use a vault on this computer and to send requests from it."
	q.pending = &pendingQuestion{applicant: applicant, answer: make(chan bool, 1), Question: Question{
		ID: rand.Text(), Origin: applicant.Origin, Name: applicant.Name, Code: code, Text: text,
		Expires: time.Now().Add(questionTime),
	}}
	return q.pending, nil
}

func (q *questions) close(p *pendingQuestion, allowed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.pending == p {
		q.pending = nil
	}
	if !allowed {
		q.refused = append(q.refused, time.Now())
	}
}

// refuse counts an attempt that never became a question.
func (q *questions) refuse() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.refused = append(q.refused, time.Now())
}

// list returns the open questions.
func (q *questions) list() []Question {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.pending == nil {
		return []Question{}
	}
	return []Question{q.pending.Question}
}

// take closes the question with that id for whoever answers it; nil means that
// it is gone. The answer channel has room for the one answer.
func (q *questions) take(id string) *pendingQuestion {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := q.pending
	if p == nil || p.ID != id {
		return nil
	}
	q.pending = nil
	return p
}
