package main

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

func peerIsOwner(conn *net.UnixConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	owner := false
	err = raw.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
		owner = err == nil && int(cred.Uid) == os.Getuid()
	})
	return err == nil && owner
}
