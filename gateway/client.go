package gateway

import (
	"net"
	"net/netip"
	"strings"

	"github.com/valyala/fasthttp"
)

// clientOf is the address of who asks. Behind proxies that are trusted it is the one that X-Forwarded-For names: read
// from its end, where the nearest proxy has written, only as far as those who wrote are trusted.
func (g *Gateway) clientOf(ctx *fasthttp.RequestCtx) string {
	peer, ok := ctx.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return ctx.RemoteIP().String()
	}
	client := peer.AddrPort().Addr().Unmap()
	lines := ctx.Request.Header.PeekAll(fasthttp.HeaderXForwardedFor)
	for i := len(lines) - 1; i >= 0; i-- {
		for rest := string(lines[i]); rest != ""; {
			var last string
			rest, last = cutLast(rest)
			named, ok := parseForwarded(last)
			if !ok || !g.trusts(client) {
				return client.String()
			}
			client = named
		}
	}
	return client.String()
}

func (g *Gateway) trusts(a netip.Addr) bool {
	for _, p := range g.trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// cutLast takes the last member off a list.
func cutLast(list string) (rest, last string) {
	if i := strings.LastIndexByte(list, ','); i >= 0 {
		return list[:i], list[i+1:]
	}
	return "", list
}

// parseForwarded reads an address, which some write with a port.
func parseForwarded(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if with, err := netip.ParseAddrPort(s); err == nil {
		return with.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap().WithZone(""), err == nil
}

// prefixes reads server.trusted_proxies, which have been validated.
func prefixes(list []string) (all []netip.Prefix) {
	for _, s := range list {
		if p, err := netip.ParsePrefix(s); err == nil {
			all = append(all, p.Masked())
		}
	}
	return all
}
