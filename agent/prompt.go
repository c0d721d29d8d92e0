package main

import (
	"context"
	"sync"

	"postern/bridge"
)

// A question waits for its owner in many places at once: the tray, the console,
// the command line, and those that ask by themselves, which are here. The server
// holds the question; an answer in any place takes it away in all of them.

// asker asks one question where a person looks, until it is answered there or
// ctx ends, and leaves nothing of it to be seen. That it was closed is no answer.
type asker func(ctx context.Context, q bridge.Question) (allow, answered bool)

// questioner is what prompts needs of a bridge.Server.
type questioner struct {
	questions func() []bridge.Question
	answer    func(id string, allow bool)
}

// prompts has each question asked that comes up, until ctx ends; changed tells it
// to look again.
func prompts(ctx context.Context, from questioner, changed <-chan struct{}, ask asker) {
	asked := map[string]context.CancelFunc{}
	var asking sync.WaitGroup
	defer asking.Wait()
	for {
		open := map[string]bool{}
		for _, q := range from.questions() {
			open[q.ID] = true
			if asked[q.ID] != nil {
				continue
			}
			ctx, cancel := context.WithDeadline(ctx, q.Expires)
			asked[q.ID] = cancel
			asking.Go(func() {
				defer cancel()
				if allow, answered := ask(ctx, q); answered {
					from.answer(q.ID, allow)
				}
			})
		}
		for id, cancel := range asked {
			if !open[id] {
				cancel()
				delete(asked, id)
			}
		}
		select {
		case <-ctx.Done():
			for _, cancel := range asked {
				cancel()
			}
			return
		case <-changed:
		}
	}
}

// prompt asks the owner until ctx ends: on the desktop, or without one on the
// terminal that the agent was started from.
func (a *agent) prompt(ctx context.Context, o startOptions) {
	ask := askOnDesktop(a.log)
	if o.headless {
		ask = askOnTerminal(o.errors)
	}
	if ask == nil {
		return
	}
	answer := func(id string, allow bool) {
		// Another place may have been quicker, which is no error.
		if _, err := a.server.Answer(id, allow); err != nil {
			a.log.Warn("the answer could not be remembered", "error", err)
		}
	}
	prompts(ctx, questioner{questions: a.server.Questions, answer: answer}, a.asked, ask)
}
