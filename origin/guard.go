package origin

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
)

// refusedError means that an address must not be dialled.
type refusedError struct {
	addr netip.Addr
	why  string
}

func (e *refusedError) Error() string { return fmt.Sprintf("address %s is refused: %s", e.addr, e.why) }

// guard returns what a net.Dialer asks before it connects to an address, which is resolved by then: neither a name
// that resolves differently the second time nor an odd spelling of an address gets around it.
func guard(private bool) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, network, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !strings.HasPrefix(network, "tcp") {
			return fmt.Errorf("only TCP addresses are dialled, not %s %s", network, address)
		}
		return checkAddr(to.Addr(), private)
	}
}

func checkAddr(addr netip.Addr, private bool) error {
	if forbidden(addr) {
		return &refusedError{addr, "it leads to metadata services or nowhere"}
	}
	if !private && internal(addr) {
		return &refusedError{addr, "a redirect to another host led to a private address (allow_private_redirects)"}
	}
	return nil
}

// forbidden tells whether no origin may be at the address, whoever configured it.
func forbidden(addr netip.Addr) bool {
	return within(addr, forbiddenNets())
}

// internal tells whether the address is private: only a configured target may be there.
func internal(addr netip.Addr) bool {
	return within(addr, internalNets())
}

func within(addr netip.Addr, nets []netip.Prefix) bool {
	for _, a := range readings(addr) {
		for _, n := range nets {
			if n.Contains(a) {
				return true
			}
		}
	}
	return false
}

func forbiddenNets() []netip.Prefix {
	return prefixes("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32", "168.63.129.16/32",
		"0.0.0.0/8", "::/128", "224.0.0.0/4", "255.255.255.255/32", "ff00::/8")
}

func internalNets() []netip.Prefix {
	return prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "fc00::/7", "::1/128")
}

func prefixes(all ...string) []netip.Prefix {
	nets := make([]netip.Prefix, len(all))
	for i, s := range all {
		nets[i] = netip.MustParsePrefix(s)
	}
	return nets
}

// readings returns the address and, where it is an IPv6 address that carries an IPv4 one, that one too: IPv4-mapped
// (::ffff:0:0/96), NAT64 (64:ff9b::/96, RFC 6052) and 6to4 (2002::/16, RFC 3056).
func readings(addr netip.Addr) []netip.Addr {
	addr = addr.WithZone("")
	all := []netip.Addr{addr}
	if !addr.Is6() {
		return all
	}
	bytes := addr.As16()
	switch {
	case addr.Is4In6(), netip.MustParsePrefix("64:ff9b::/96").Contains(addr):
		all = append(all, netip.AddrFrom4([4]byte(bytes[12:16])))
	case netip.MustParsePrefix("2002::/16").Contains(addr):
		all = append(all, netip.AddrFrom4([4]byte(bytes[2:6])))
	}
	return all
}
