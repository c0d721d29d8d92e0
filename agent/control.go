package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The owner's socket: a Unix socket in a folder that only the owner enters,
// whose peers the kernel vouches for. It speaks what the bridge speaks, in the
// role of the owner.

var errAlreadyRunning = errors.New("postern is already running")

// listenControl makes the socket. A socket that answers is another agent's and
// is left alone; one that does not is left over from a crash.
func listenControl(path string) (net.Listener, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := checkPrivate(dir); err != nil {
		return nil, err
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, hinted(path+" is in the way: it is not a socket", "move it away")
	default:
		if conn, err := dialControl(context.Background(), path); err == nil {
			conn.Close()
			return nil, errAlreadyRunning
		}
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
	return &ownerListener{Listener: l, path: path}, nil
}

// ownerListener closes connections of other users, and removes its socket.
type ownerListener struct {
	net.Listener
	path string
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
	return errors.Join(o.Listener.Close(), os.Remove(o.path))
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
