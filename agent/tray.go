package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"postern/installer"
	"postern/tray"
	"postern/vault"
)

// runTray shows the tray until ctx ends. Without a desktop session the agent
// goes on without a tray and says so.
func (a *agent) runTray(ctx context.Context, messages io.Writer) {
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	states := make(chan tray.State, 1)
	states <- a.trayState("")
	problems := make(chan string, 1)
	watcherEnded := make(chan struct{})
	go func() {
		defer close(watcherEnded)
		a.feedTray(ctx, states, problems)
	}()
	quitChosen := false
	actions := a.trayActions(ctx, problems)
	actions.Quit = func() { quitChosen = true; quit() }
	if err := tray.Run(ctx, states, actions); err != nil {
		fmt.Fprintf(messages, "postern: %s\n  the agent runs on; use the console page and the postern command\n", inVoice(err.Error()))
		a.log.Warn("no tray", "error", err)
	}
	if !quitChosen {
		<-ctx.Done()
	}
	quit()
	<-watcherEnded
}

// feedTray sends the newest state whenever something changed.
func (a *agent) feedTray(ctx context.Context, states chan tray.State, problems <-chan string) {
	problem, vaultThen := "", tray.VaultNone
	for {
		select {
		case <-ctx.Done():
			return
		case problem = <-problems:
		case <-a.nudge:
		}
		state := a.trayState(problem)
		if state.Vault != vaultThen {
			// What stood in the way is over, whoever mended it.
			problem, state.Problem, vaultThen = "", "", state.Vault
		}
		select {
		case <-states:
		default:
		}
		states <- state
	}
}

func (a *agent) trayState(problem string) tray.State {
	s := tray.State{Vault: tray.VaultNone, Version: version(), Problem: problem}
	for _, v := range a.accounts.All() {
		status := v.Status()
		switch {
		case status.State == vault.StateOpen:
			s.Vault = tray.VaultOpen
			s.Secrets += status.Secrets
		case status.State == vault.StateLocked && s.Vault == tray.VaultNone:
			s.Vault = tray.VaultLocked
		}
	}
	for _, app := range a.server.ConnectedApps() {
		if app.Allowed {
			s.Apps = append(s.Apps, tray.App{Origin: app.Origin, Name: app.Name, Connections: app.Connections})
		}
	}
	for _, q := range a.server.Questions() {
		s.Questions = append(s.Questions, tray.Question{ID: q.ID, Text: q.Origin + " wants to connect", Code: q.Code})
	}
	s.Autostart, _ = installer.Installed()
	return s
}

// trayActions connects the rows of the menu to what they do. A refusal becomes
// the tray's problem line, and the next success clears it.
func (a *agent) trayActions(ctx context.Context, problems chan<- string) tray.Actions {
	say := func(err error) {
		text := ""
		if err != nil {
			text = a.server.Explain(err).Message
		}
		select {
		case problems <- text:
		case <-ctx.Done():
		}
	}
	return tray.Actions{
		Unlock:      func() { say(a.accounts.OpenAll(ctx)) },
		Lock:        func() { a.accounts.LockAll(vault.LockerOwner); say(nil) },
		OpenConsole: func() { say(openBrowser(a.server.ConsoleLink())) },
		Disconnect:  a.server.Disconnect,
		Forget:      func(origin string) { say(a.server.Forget(origin)) },
		Answer: func(id string, allow bool) {
			_, err := a.server.Answer(id, allow)
			say(err)
		},
		SetAutostart: func(on bool) { say(setAutostart(on)) },
		// The tray ends with the desktop session, after which nobody is there to lock.
		Closed: func() { a.accounts.LockAll(vault.LockerExit) },
	}
}

func setAutostart(on bool) error {
	if !on {
		return installer.Uninstall()
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return installer.Install(installer.Options{Exe: self, Args: []string{"start"}})
}
