package configs

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"mirrorgate/gateway"
)

// normalHost gives a host of the configuration in the form that the gateway compares, or says why it is none.
func normalHost(s string) (string, error) {
	if _, port, err := net.SplitHostPort(s); err == nil && !digits(port) {
		return "", errors.New("must be a host name, with or without a port; no URL")
	}
	host := gateway.NormalHost(s)
	if _, err := netip.ParseAddr(host); err == nil || host == "*" {
		return host, nil
	}
	name := strings.TrimPrefix(host, "*.")
	if name == "" || len(name) > 253 {
		return "", errors.New("must be a host name of at most 253 characters")
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "", errors.New(`must be a host name (non-ASCII ones in their xn-- form), an address, "*.suffix" or "*"`)
		}
	}
	return host, nil
}

// covers tells whether a host of a site, in its normal form, stands for a name. The catch-all "*" stands for no name in
// particular.
func covers(host, name string) bool {
	if suffix, ok := strings.CutPrefix(host, "*"); ok {
		return suffix != "" && len(name) > len(suffix) && strings.HasSuffix(name, suffix)
	}
	return host == name
}

// checkHosts reports hosts that are none, and those that two sites, or one site twice, would answer for.
func checkHosts(sites []Site, report func(path, problem string)) {
	first := make(map[string]string)
	for i, site := range sites {
		for k, given := range site.Hosts {
			path := fmt.Sprintf("%s.hosts[%d]", sitePath(i), k)
			host, err := normalHost(given)
			if err != nil {
				report(path, err.Error())
				continue
			}
			if other, taken := first[host]; taken {
				report(path, fmt.Sprintf("%q is also %s; case, port and a trailing dot do not count", given, other))
				continue
			}
			first[host] = path
		}
	}
}

// checkNames reports sites that share a name.
func checkNames(sites []Site, report func(path, problem string)) {
	first := make(map[string]int)
	for i, site := range sites {
		if other, taken := first[site.Name]; taken && site.Name != "" {
			report(sitePath(i)+".name", fmt.Sprintf("%q is also the name of %s", site.Name, sitePath(other)))
			continue
		}
		first[site.Name] = i
	}
}
