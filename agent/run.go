package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"postern/bridge"
	"postern/bridge/relay"
	"postern/vault"
)

// agent is the running process: the rooms, wired.
type agent struct {
	config   config
	folders  folders
	accounts *vault.Accounts
	server   *bridge.Server
	relay    *relay.Client
	log      *slog.Logger
	// nudge wakes the tray when anything that it shows may have changed, and asked
	// those who ask the owner.
	nudge, asked chan struct{}
}

// startOptions is what start was asked for.
type startOptions struct {
	headless bool
	// welcome opens the console, or prints its address where it cannot be opened.
	welcome bool
	out     io.Writer
	errors  io.Writer
}

// run serves until ctx ends. It prints one line when it accepts connections.
func run(ctx context.Context, f folders, c config, o startOptions) error {
	if err := vault.Harden(); err != nil {
		return hinted("the process cannot be kept from being read by others", "report this, with the name of your system")
	}
	owner, err := listenControl(f.socket())
	if err != nil {
		return storageHint(f, err)
	}
	pages, err := listenLoopback(&c)
	if err != nil {
		return errors.Join(err, owner.Close())
	}
	logFile, log, err := openLog(f.log())
	if err != nil {
		return errors.Join(storageHint(f, err), owner.Close(), closeAll(pages))
	}
	defer logFile.Close()
	// Libraries print what servers and panels send them to the standard logger,
	// and that may hold what is secret.
	stdlog.SetOutput(io.Discard)
	a, err := newAgent(f, c, log)
	if err != nil {
		return errors.Join(storageHint(f, err), owner.Close(), closeAll(pages))
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var group errgroup.Group
	group.Go(func() error {
		defer stop()
		return a.server.Serve(ctx, owner, pages...)
	})
	group.Go(func() error {
		watchLocks(ctx, func() { a.accounts.LockAll(vault.LockerTimer) }, log)
		return nil
	})
	group.Go(func() error {
		a.prompt(ctx, o)
		return nil
	})
	fmt.Fprintf(o.out, "listening on 127.0.0.1:%d\n", c.Port)
	log.Info("started", "version", version(), "port", c.Port)
	if o.welcome {
		a.welcome(o)
	}
	if o.headless {
		<-ctx.Done()
	} else {
		a.runTray(ctx, o.errors)
	}
	stop()
	err = group.Wait()
	a.relay.Close()
	a.accounts.LockAll(vault.LockerExit)
	log.Info("stopped")
	return err
}

func newAgent(f folders, c config, log *slog.Logger) (*agent, error) {
	a := &agent{config: c, folders: f, log: log, nudge: make(chan struct{}, 1), asked: make(chan struct{}, 1)}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	apps, err := bridge.OpenApps(f.apps())
	if err != nil {
		return nil, err
	}
	identity, err := bridge.OpenIdentity(f.identity())
	if err != nil {
		return nil, err
	}
	keys := vault.OSKeyring{Command: self}
	a.accounts = vault.NewAccounts(vault.Options{
		Dir: f.vaults(), Keys: keys, IdleLimit: c.idleLimit(), HardLimit: c.hardLimit(), Log: log,
		Changed: func(e vault.Event) { a.server.VaultChanged(e) },
	})
	own := []netip.AddrPort{
		netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(c.Port)),
		netip.AddrPortFrom(netip.IPv6Loopback(), uint16(c.Port)),
	}
	a.relay = relay.New(relay.Config{OwnPorts: func() []netip.AddrPort { return own }, Log: log})
	a.server = bridge.New(bridge.Config{
		Accounts: a.accounts, Apps: apps, Identity: identity, Version: version(), Port: c.Port,
		Relay:         a.relay,
		RefuseNewApps: c.NewApps == "refuse", Changed: a.wake, Log: log,
	})
	a.accounts.Vault(vault.LocalAccount)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := a.accounts.FinishSignOuts(ctx); err != nil {
		log.Warn("a sign-out is still to be finished", "error", err)
	}
	return a, nil
}

func (a *agent) wake() {
	for _, sleeper := range []chan struct{}{a.nudge, a.asked} {
		select {
		case sleeper <- struct{}{}:
		default:
		}
	}
}

// welcome shows a newcomer where to go on.
func (a *agent) welcome(o startOptions) {
	link := a.server.ConsoleLink()
	if o.headless || openBrowser(link) != nil {
		fmt.Fprintf(o.out, "open %s\n", link)
	}
}

// listenLoopback takes the port on 127.0.0.1 and, where there is IPv6, on [::1]:
// whoever held the other half of the port could pose as the agent.
func listenLoopback(c *config) ([]net.Listener, error) {
	first, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, portTaken(c.Port)
	}
	if err != nil {
		return nil, hinted(fmt.Sprintf("port %d cannot be opened", c.Port), "choose another port with --port")
	}
	listeners := []net.Listener{first}
	c.Port = first.Addr().(*net.TCPAddr).Port
	second, err := net.Listen("tcp6", netip.AddrPortFrom(netip.IPv6Loopback(), uint16(c.Port)).String())
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, errors.Join(portTaken(c.Port), first.Close())
	case err == nil:
		listeners = append(listeners, second)
	}
	return listeners, nil
}

func portTaken(port int) error {
	return hinted(fmt.Sprintf("port %d is in use by another program", port), "stop that program, or choose another port with --port")
}

func closeAll(listeners []net.Listener) error {
	var err error
	for _, l := range listeners {
		err = errors.Join(err, l.Close())
	}
	return err
}

// storageHint names the folder when it cannot be written to.
func storageHint(f folders, err error) error {
	switch {
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return hinted(fmt.Sprintf("the folder %s cannot be written to", f.data), "mend its permissions, or choose another folder with --home")
	case errors.Is(err, syscall.ENOSPC):
		return hinted("the disk is full", "free some space and start again")
	}
	return err
}

// maxLog is when the log starts anew; the one before is kept.
const maxLog = 4 << 20

func openLog(path string) (io.Closer, *slog.Logger, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, nil, err
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, nil, err
		}
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	return file, slog.New(slog.NewTextHandler(file, nil)), nil
}
