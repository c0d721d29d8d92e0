package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// portHolder says who listens where connections to the address and port arrive.
func portHolder(_ context.Context, address string, port int, agent *client) (holder string, held bool) {
	sockets := listening(netip.AddrPortFrom(netip.MustParseAddr(address), uint16(port)))
	if len(sockets) == 0 {
		return "", false
	}
	agentID := agentProcess(agent)
	holder = "a program of another user"
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range processes {
		if !hasSocket(process, sockets) {
			continue
		}
		id, _ := strconv.Atoi(filepath.Base(process))
		if id == agentID {
			return agentHolds, true
		}
		name, _ := os.ReadFile(filepath.Join(process, "comm"))
		holder = fmt.Sprintf("%s (process %d)", strings.TrimSpace(string(name)), id)
	}
	return holder, true
}

// agentProcess is the process at the other end of the control socket; 0 means
// that there is none.
func agentProcess(agent *client) (id int) {
	if agent == nil {
		return 0
	}
	conn, ok := agent.ws.NetConn().(*net.UnixConn)
	if !ok {
		return 0
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			id = int(peer.Pid)
		}
	})
	return id
}

// hasSocket looks whether one of the process's files is one of the sockets. Those
// of other users' processes cannot be read.
func hasSocket(process string, sockets map[string]bool) bool {
	files, err := os.ReadDir(filepath.Join(process, "fd"))
	if err != nil {
		return false
	}
	for _, file := range files {
		link, err := os.Readlink(filepath.Join(process, "fd", file.Name()))
		if err == nil && sockets[link] {
			return true
		}
	}
	return false
}

// listening finds the sockets that connections to the address reach, named as the
// links in a process's fd folder name them.
func listening(to netip.AddrPort) map[string]bool {
	sockets := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			// The columns of proc(5): slot, local, remote, state (0A is LISTEN), …, inode.
			if len(fields) < 10 || fields[3] != "0A" {
				continue
			}
			if at, ok := parseProcAddress(fields[1]); ok && reaches(to, at) {
				sockets["socket:["+fields[9]+"]"] = true
			}
		}
		f.Close()
	}
	return sockets
}

// reaches says whether a listener at an address gets connections to another one;
// one on all IPv6 addresses commonly gets those of IPv4 too.
func reaches(to, at netip.AddrPort) bool {
	if to.Port() != at.Port() {
		return false
	}
	everywhere := at.Addr().IsUnspecified() && (at.Addr().Is6() || to.Addr().Is4())
	return everywhere || at.Addr().Unmap() == to.Addr()
}

// parseProcAddress reads an address as the kernel prints it: words of four bytes
// in the machine's order, then the port.
func parseProcAddress(text string) (netip.AddrPort, bool) {
	words, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(words)
	number, errPort := strconv.ParseUint(port, 16, 16)
	if err != nil || errPort != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	address, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(address, uint16(number)), ok
}

func checkSessionBus(ctx context.Context) check {
	conn, err := sessionBus(ctx)
	if err != nil {
		return warning("there is no session bus: no tray icon, no notification and no password manager", "start the agent from a desktop session; a server does without")
	}
	_ = conn.Close()
	return good("the session bus answers")
}

func checkTray(ctx context.Context) check {
	conn, err := sessionBus(ctx)
	if err != nil {
		return skipped("there is no session bus to look for a panel on")
	}
	defer conn.Close()
	if ownerOf(conn, "org.kde.StatusNotifierWatcher") == "" {
		return warning("no panel shows tray icons", "on GNOME install the extension AppIndicator; the console and the postern command do without a tray")
	}
	return good("a panel shows tray icons")
}
