package bridge

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// inetDiagSockID and inetDiagRequest are the kernel's inet_diag_sockid and
// inet_diag_req_v2 (linux/inet_diag.h).
type inetDiagSockID struct {
	sourcePort, destinationPort [2]byte
	source, destination         [16]byte
	iface                       uint32
	cookie                      [2]uint32
}

type inetDiagRequest struct {
	family, protocol, ext, pad uint8
	states                     uint32
	id                         inetDiagSockID
}

const (
	sockDiagByFamily = 20
	tcpEstablished   = 1
	// Offsets in inet_diag_msg, which answers the request.
	messageState = 1
	messageUID   = 4 + 48 + 4 + 4 + 4
)

// peerUser asks the kernel who owns the other end of a loopback connection
// (sock_diag(7)). A peer that has closed already is reported with user id 0, so
// only an established socket counts.
func peerUser(local, remote netip.AddrPort) (uid int, ok bool) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	timeout := unix.Timeval{Sec: 1}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return 0, false
	}
	// A client may hold an IPv6 socket that talks to an IPv4-mapped address.
	if uid, ok = askPeer(fd, unix.AF_INET, local, remote); !ok && local.Addr().Is4() {
		mapped := func(a netip.AddrPort) netip.AddrPort {
			return netip.AddrPortFrom(netip.AddrFrom16(a.Addr().As16()), a.Port())
		}
		return askPeer(fd, unix.AF_INET6, mapped(local), mapped(remote))
	}
	return uid, ok
}

func askPeer(fd int, family uint8, local, remote netip.AddrPort) (uid int, ok bool) {
	if local.Addr().Is6() {
		family = unix.AF_INET6
	}
	request := inetDiagRequest{family: family, protocol: unix.IPPROTO_TCP, states: 1 << tcpEstablished}
	request.id.cookie = [2]uint32{^uint32(0), ^uint32(0)}
	// Seen from the peer: its own end is the source.
	binary.BigEndian.PutUint16(request.id.sourcePort[:], remote.Port())
	binary.BigEndian.PutUint16(request.id.destinationPort[:], local.Port())
	copy(request.id.source[:], remote.Addr().AsSlice())
	copy(request.id.destination[:], local.Addr().AsSlice())

	const headerSize = unix.SizeofNlMsghdr
	const requestSize = int(unsafe.Sizeof(request))
	message := make([]byte, headerSize+requestSize)
	header := (*unix.NlMsghdr)(unsafe.Pointer(&message[0]))
	*header = unix.NlMsghdr{Len: uint32(len(message)), Type: sockDiagByFamily, Flags: unix.NLM_F_REQUEST}
	copy(message[headerSize:], unsafe.Slice((*byte)(unsafe.Pointer(&request)), requestSize))
	if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0, false
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil || n < headerSize+messageUID+4 {
		return 0, false
	}
	if (*unix.NlMsghdr)(unsafe.Pointer(&answer[0])).Type != sockDiagByFamily {
		return 0, false
	}
	body := answer[headerSize:n]
	if body[messageState] != tcpEstablished {
		return 0, false
	}
	return int(binary.NativeEndian.Uint32(body[messageUID:])), true
}
