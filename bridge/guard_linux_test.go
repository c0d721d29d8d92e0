package bridge

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestOtherUsersAreClosed runs a client as nobody: a second user on the machine.
func TestOtherUsersAreClosed(t *testing.T) {
	if os.Getuid() != 0 {
		guarded := &guardedListener{peerUser: func(_, _ netip.AddrPort) (int, bool) { return os.Getuid() + 1, true }}
		if guarded.admits(loopbackPair(t)) {
			t.Fatal("another user's connection was admitted")
		}
		return
	}
	s := serve(t, nil)
	ask := func(uid uint32) string {
		cmd := exec.Command("bash", "-c", fmt.Sprintf(`exec 3<>/dev/tcp/127.0.0.1/%d; printf 'GET /none HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n' >&3; head -c 12 <&3`, s.port, s.port))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		cmd.Dir = "/"
		out, _ := cmd.Output()
		return string(out)
	}
	if got := ask(0); got != "HTTP/1.1 404" {
		t.Fatalf("our own user got %q", got)
	}
	if got := ask(65534); got != "" {
		t.Fatalf("another user got %q", got)
	}
}

func loopbackPair(t *testing.T) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestPeerUserOfAConnection(t *testing.T) {
	conn := loopbackPair(t)
	local, _ := addrPort(conn.LocalAddr())
	remote, _ := addrPort(conn.RemoteAddr())
	if uid, ok := peerUser(local, remote); !ok || uid != os.Getuid() {
		t.Fatalf("got %d, %v", uid, ok)
	}
}

func TestPeerThatHasClosedIsNobody(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client.Close()
	// The end of the stream has arrived: the peer's socket is no longer established.
	if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Fatal(err)
	}
	local, _ := addrPort(conn.LocalAddr())
	remote, _ := addrPort(conn.RemoteAddr())
	if uid, ok := peerUser(local, remote); ok {
		t.Fatalf("a closed peer counts as user %d", uid)
	}
}
