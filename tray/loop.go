//go:build !darwin || cgo

package tray

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"
)

// errBusLost is the session bus going away under a running tray, as it does when
// a desktop session is torn down.
var errBusLost = errors.New("the tray icon is gone: the desktop session bus went away")

// signOutPatience bounds the wait for running actions when the desktop, and not
// the owner or ctx, ends the tray. Windows kills a process that takes over five
// seconds; and on macOS the wait blocks the very thread that a redraw needs.
const signOutPatience = 2 * time.Second

func run(ctx context.Context, states <-chan State, actions Actions) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if err := openSession(ctx, func() { stop(errBusLost) }); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	first, ok := firstState(ctx, states)
	if !ok {
		return nil
	}
	ended := make(chan struct{})
	onReady := func() {
		rows := newRows(actions, first.look())
		rows.show(first)
		l := &loop{actions: actions, rows: rows, stop: stop, running: map[id]bool{}, finished: make(chan id)}
		// fyne serves no menu before onReady has returned, so the loop needs a
		// goroutine of its own.
		go func() {
			l.run(ctx, states)
			close(ended)
			quitLoop()
		}()
	}
	onExit := sync.OnceFunc(func() {
		stop(nil)
		select {
		case <-ended:
		case <-time.After(signOutPatience):
		}
		if actions.Closed != nil {
			actions.Closed()
		}
	})
	runLoop(first.look(), onReady, onExit)
	<-ended
	if cause := context.Cause(ctx); errors.Is(cause, errBusLost) {
		return cause
	}
	return nil
}

// firstState waits for something to show, so that the icon never shows a guess.
func firstState(ctx context.Context, states <-chan State) (State, bool) {
	select {
	case state, ok := <-states:
		return state, ok
	case <-ctx.Done():
		return State{}, false
	}
}

// loop is the one goroutine that owns the rows: it takes turns at states, clicks
// and finished actions, and so needs no lock.
type loop struct {
	actions  Actions
	rows     *rows
	stop     context.CancelCauseFunc
	running  map[id]bool
	finished chan id
}

// The first channels that the loop selects from; the rows' clicks follow.
const (
	ctxDone = iota
	stateSent
	actionFinished
	firstClick
)

func (l *loop) run(ctx context.Context, states <-chan State) {
	rows := l.rows.all()
	cases := make([]reflect.SelectCase, firstClick, firstClick+len(rows))
	cases[ctxDone] = receive(ctx.Done())
	cases[stateSent] = receive(states)
	cases[actionFinished] = receive(l.finished)
	for _, row := range rows {
		cases = append(cases, receive(row.native.ClickedCh))
	}
	for {
		chosen, value, ok := reflect.Select(cases)
		switch chosen {
		case ctxDone:
			l.awaitActions()
			return
		case stateSent:
			if !ok {
				cases[stateSent] = receive((<-chan State)(nil))
				continue
			}
			l.rows.show(value.Interface().(State))
		case actionFinished:
			delete(l.running, value.Interface().(id))
		default:
			l.clicked(rows[chosen-firstClick])
		}
	}
}

func receive(channel any) reflect.SelectCase {
	return reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(channel)}
}

func (l *loop) awaitActions() {
	for len(l.running) > 0 {
		delete(l.running, <-l.finished)
	}
}

func (l *loop) clicked(row *row) {
	chosen := row.shows
	if !chosen.enabled || l.running[chosen.id] {
		return
	}
	action := l.actions.of(chosen)
	if action == nil {
		return
	}
	l.running[chosen.id] = true
	go func() {
		action()
		l.finished <- chosen.id
	}()
	if chosen.id.kind == quitRow {
		l.stop(nil)
	}
}

// of is what a click on the item does; nil means nothing.
func (a Actions) of(chosen item) func() {
	subject := chosen.id.subject
	switch chosen.id.kind {
	case unlockRow:
		return a.Unlock
	case lockRow:
		return a.Lock
	case consoleRow, moreApps, moreQuestions:
		return a.OpenConsole
	case allowRow:
		return func() { a.Answer(subject, true) }
	case denyRow:
		return func() { a.Answer(subject, false) }
	case disconnectRow:
		return func() { a.Disconnect(subject) }
	case forgetRow:
		return func() { a.Forget(subject) }
	case pauseRow:
		return func() { a.SetPaused(true) }
	case resumeRow:
		return func() { a.SetPaused(false) }
	case autostartRow:
		return func() { a.SetAutostart(!chosen.checked) }
	case quitRow:
		return a.Quit
	default:
		return nil
	}
}
