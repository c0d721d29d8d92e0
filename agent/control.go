package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// The owner's socket: a Unix socket in a folder that only the owner enters,
// whose peers the kernel vouches for. It speaks what the bridge speaks, in the
// role of the owner.

var errAlreadyRunning = errors.New("postern is already running")

// listenControl makes the socket, for one agent at a time: the lock beside it is
// held until the listener closes, and the system lets go of it when a process
// dies. A socket that is there while the lock is free is left over from a crash.
func listenControl(path string) (net.Listener, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := checkPrivate(dir); err != nil {
		return nil, err
	}
	lock := flock.New(path + ".lock")
	locked, err := lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !locked {
		return nil, errAlreadyRunning
	}
	l, err := listenSocket(path)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &ownerListener{Listener: l, path: path, lock: lock}, nil
}

func listenSocket(path string) (net.Listener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, hinted(path+" is in the way: it is not a socket", "move it away")
	default:
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	address, release, err := socketAddress(path)
	if err != nil {
		return nil, err
	}
	defer release()
	l, err := net.Listen("unix", address)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// ownerListener closes connections of other users, and takes its socket and its
// lock with it.
type ownerListener struct {
	net.Listener
	path string
	lock *flock.Flock
	once sync.Once
}

func (o *ownerListener) Accept() (net.Conn, error) {
	for {
		conn, err := o.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if peerIsOwner(conn.(*net.UnixConn)) {
			return conn, nil
		}
		conn.Close()
	}
}

func (o *ownerListener) Close() error {
	err := o.Listener.Close()
	o.once.Do(func() { err = errors.Join(err, os.Remove(o.path), o.lock.Close()) })
	return err
}

const dialTimeout = 5 * time.Second

func dialControl(ctx context.Context, path string) (net.Conn, error) {
	address, release, err := socketAddress(path)
	if err != nil {
		return nil, err
	}
	defer release()
	dialer := net.Dialer{Timeout: dialTimeout}
	return dialer.DialContext(ctx, "unix", address)
}
