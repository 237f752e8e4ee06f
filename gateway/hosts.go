package gateway

import (
	"net"
	"strings"
)

// hosts finds a site by the Host header: exact names first, then the longest wildcard, then "*".
type hosts struct {
	exact    map[string]*Site
	wildcard map[string]*Site // by the part after "*"
	rest     *Site
	byName   map[string]*Site
}

func newHosts(sites []*Site) hosts {
	h := hosts{exact: make(map[string]*Site), wildcard: make(map[string]*Site), byName: make(map[string]*Site)}
	for _, s := range sites {
		h.byName[s.Name] = s
		for _, name := range s.Hosts {
			switch name := NormalHost(name); {
			case name == "*":
				h.rest = s
			case strings.HasPrefix(name, "*."):
				h.wildcard[name[1:]] = s
			default:
				h.exact[name] = s
			}
		}
	}
	return h
}

// named returns the site of a name, or nil.
func (h hosts) named(name string) *Site { return h.byName[name] }

// find returns the site for a Host header, or nil.
func (h hosts) find(host string) *Site {
	host = NormalHost(host)
	if s, ok := h.exact[host]; ok {
		return s
	}
	for rest := host; len(h.wildcard) > 0; {
		_, after, ok := strings.Cut(rest, ".")
		if !ok {
			break
		}
		if s, ok := h.wildcard["."+after]; ok {
			return s
		}
		rest = after
	}
	return h.rest
}

// serves tells whether host is among those that are configured by name. A site for all other hosts does not make all of
// them ours.
func (h hosts) serves(host string) bool {
	h.rest = nil
	return h.find(host) != nil
}

// findPlain returns the site for a Host header that stands as it is among the exact names, or, when there is no other
// kind of site, the one for all hosts; else nil, and find may know more. It does not allocate.
func (h hosts) findPlain(host []byte) *Site {
	if s, ok := h.exact[string(host)]; ok {
		return s
	}
	if len(h.exact) == 0 && len(h.wildcard) == 0 {
		return h.rest
	}
	return nil
}

// NormalHost is host without what does not count in comparing: case, port and a trailing dot.
func NormalHost(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i:], ']') < 0 {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
	}
	host = strings.Trim(host, "[]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
