package gateway_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

// TestClientBehindProxies asks with addresses that proxies have written, or a client has made up.
func TestClientBehindProxies(t *testing.T) {
	g := serveTold(t, nil)
	f := func(from, want string, fields ...string) {
		t.Helper()
		local := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0))
		c, err := (&net.Dialer{LocalAddr: local}).DialContext(t.Context(), "tcp", g.addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(second(c.Write([]byte(get("/b.txt", fields...)))), second(c.Read(make([]byte, 1))), c.Close()); err != nil {
			t.Fatal(err)
		}
		if got := next(t, g.answers).Client; got != want {
			t.Errorf("from %s with %q: the client is %s, want %s", from, fields, got, want)
		}
	}
	const x = "X-Forwarded-For: "
	f("127.0.0.1", "127.0.0.1")
	f("127.0.0.1", "9.9.9.9", x+"9.9.9.9")
	f("127.0.0.1", "9.9.9.9", x+"1.2.3.4, 9.9.9.9,10.1.2.3")
	f("127.0.0.1", "9.9.9.9", x+"1.2.3.4", x+"9.9.9.9", x+"10.1.2.3")
	f("127.0.0.1", "2001:db8::1", x+"[2001:db8::1]:4711")
	f("127.0.0.1", "9.9.9.9", x+"::ffff:9.9.9.9")
	f("127.0.0.1", "10.1.2.3", x+"9.9.9.9, not an address, 10.1.2.3")
	f("127.0.0.1", "127.0.0.1", x+`"\n forged`)
	f("127.0.0.1", "10.0.0.2", x+"10.0.0.2, 10.0.0.3")
	f("127.0.0.2", "127.0.0.2", x+"9.9.9.9")
}
