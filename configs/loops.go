package configs

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"mirrorgate/rules"
)

// checkLoops reports targets that would lead back to this gateway.
func checkLoops(c *Config, report func(path, problem string)) {
	var hosts []string
	for _, site := range c.Sites {
		hosts = append(hosts, hostsOf(site)...)
	}
	own := ownAddress{listen: c.Server.Listen, hosts: hosts}
	for i, site := range c.Sites {
		for k, rule := range site.Rules {
			for _, target := range rule.Targets {
				path := fmt.Sprintf("%s.rules[%d].origin.%s", sitePath(i), k, target.Role)
				if problem := loops(rule, target, own, hostsOf(site)); problem != "" {
					report(path, problem)
				}
			}
		}
	}
}

func hostsOf(site Site) []string {
	var hosts []string
	for _, given := range site.Hosts {
		if host, err := normalHost(given); err == nil {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// loops says how a target leads back here, or "". What has a connect_to is dialled elsewhere, but a client that is
// redirected knows nothing of that.
func loops(rule Rule, target rules.Target, own ownAddress, siteHosts []string) string {
	u, err := url.Parse(target.Base)
	if err != nil || u.Host == "" {
		return ""
	}
	switch {
	case rule.Mode == rules.ModeRedirect:
		if own.listens(u) || own.serves(u, siteHosts) {
			return "redirects to this site itself: the client would come back for ever"
		}
	case target.ConnectTo == "" && (own.listens(u) || own.isHost(u)):
		return "is this gateway's own address; give connect_to with the address of the old server"
	}
	return ""
}

// ownAddress is what the gateway can be reached as.
type ownAddress struct {
	listen string   // host:port
	hosts  []string // of all sites, in their normal form
}

// listens tells whether a URL leads to the address that the gateway listens on.
func (o ownAddress) listens(u *url.URL) bool {
	host, port, err := net.SplitHostPort(o.listen)
	return err == nil && port == portOf(u) && listens(strings.ToLower(host), hostname(u))
}

// serves tells whether a redirect there comes back to one of a site's hosts, wildcards included. The port of a name
// does not count; one address may well be several servers.
func (o ownAddress) serves(u *url.URL, hosts []string) bool {
	for _, host := range hosts {
		if covers(host, hostname(u)) && (!isAddress(host) || o.isPort(u)) {
			return true
		}
	}
	return false
}

// isHost tells whether a URL names a host of some site, on a port where clients reach it. Another port is another
// server on that machine, and a name that only a wildcard covers may well have a DNS record of its own.
func (o ownAddress) isHost(u *url.URL) bool {
	return o.isPort(u) && slices.Contains(o.hosts, hostname(u))
}

// isPort tells whether clients reach the gateway on the URL's port: its own, or one that is forwarded to it.
func (o ownAddress) isPort(u *url.URL) bool {
	_, own, err := net.SplitHostPort(o.listen)
	port := portOf(u)
	return err == nil && port == own || port == "80" || port == "443"
}

// listens tells whether a listener on host answers a connection to target. No name is looked up.
func listens(host, target string) bool {
	if host == target {
		return true
	}
	addr, err := netip.ParseAddr(target)
	local := target == "localhost" || err == nil && (addr.IsLoopback() || addr.IsUnspecified())
	listen, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && listen.IsUnspecified():
		return local || isInterface(addr)
	case host == "localhost" || err == nil && listen.IsLoopback():
		return local && (target == "localhost" || host == "localhost" || addr.IsUnspecified() || addr == listen)
	}
	return false
}

// isInterface tells whether the address is one of this machine's.
func isInterface(addr netip.Addr) bool {
	if !addr.IsValid() {
		return false
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Unmap() == addr.Unmap() {
			return true
		}
	}
	return false
}

func hostname(u *url.URL) string {
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || host == "localhost"
}
