package relay

import (
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// Addresses that are never reached, whoever asks: what answers there hands out
// credentials of the machine itself, or is no single machine.
var neverReached = prefixes(
	"0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
	"::/128", "fe80::/10", "ff00::/8",
	// Cloud metadata outside the link-local range: Alibaba, Oracle, Azure, AWS, Google.
	"100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32", "fd00:ec2::254/128", "fd20:ce::254/128",
)

// Addresses of this machine and of private networks.
var localNetworks = prefixes(
	"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15",
	"::1/128", "fc00::/7", "fec0::/10",
)

// Forms of IPv6 address that carry an IPv4 address, and where its bytes stand.
var carriers = []struct {
	prefix netip.Prefix
	offset int
	flip   byte
}{
	{netip.MustParsePrefix("2002::/16"), 2, 0},     // 6to4
	{netip.MustParsePrefix("64:ff9b::/96"), 12, 0}, // NAT64
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12, 0},
	{netip.MustParsePrefix("2001::/32"), 12, 0xff}, // Teredo
	{netip.MustParsePrefix("::/96"), 12, 0},        // IPv4-compatible
}

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, text := range list {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

func isIn(list []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// forms lists the address and the IPv4 address inside it, if it carries one.
func forms(addr netip.Addr) []netip.Addr {
	addr = addr.Unmap().WithZone("")
	list := []netip.Addr{addr}
	for _, c := range carriers {
		if addr == netip.IPv6Loopback() || !c.prefix.Contains(addr) {
			continue
		}
		bytes := addr.As16()
		var inner [4]byte
		for i := range inner {
			inner[i] = bytes[c.offset+i] ^ c.flip
		}
		list = append(list, netip.AddrFrom4(inner))
	}
	return list
}

// guard decides about an address that is about to be dialled, after names are
// resolved, so that no name can lead elsewhere than what was looked at.
type guard struct {
	localNetwork bool
	ownPorts     func() []netip.AddrPort
}

func (g guard) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !g.allows(to) {
		return ErrBlockedAddress
	}
	return nil
}

func (g guard) allows(to netip.AddrPort) bool {
	for _, addr := range forms(to.Addr()) {
		if isIn(neverReached, addr) {
			return false
		}
		if isIn(localNetworks, addr) && !g.localNetwork {
			return false
		}
		if g.isOwn(netip.AddrPortFrom(addr, to.Port())) {
			return false
		}
	}
	return true
}

// isOwn counts every loopback address as the agent's, on the ports that it has
// on any.
func (g guard) isOwn(to netip.AddrPort) bool {
	return slices.ContainsFunc(g.ownPorts(), func(own netip.AddrPort) bool {
		return own.Port() == to.Port() && (to.Addr().IsLoopback() || to.Addr() == own.Addr().Unmap())
	})
}

func (g guard) dialer(base net.Dialer) *net.Dialer {
	base.Control = g.control
	return &base
}
