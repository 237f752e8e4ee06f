package rules

import (
	"net/http"
	"slices"
	"strings"
)

// maxNames is the most names that forward.headers pass, drop and set hold each.
const maxNames = 10

// headerPolicy is a rule's forward.headers with canonical names.
type headerPolicy struct {
	all        bool
	pass, drop []string
}

func newHeaderPolicy(c Config) headerPolicy {
	headers := c.Forward.Headers
	p := headerPolicy{all: headers.Pass.All()}
	for _, name := range headers.Pass {
		p.pass = append(p.pass, http.CanonicalHeaderKey(name))
	}
	for _, name := range headers.Drop {
		p.drop = append(p.drop, http.CanonicalHeaderKey(name))
	}
	return p
}

// passed gives the client's headers that go on, and what comes before our own token in CDN-Loop: the chain of
// gateways that the request went through, with a separator. Lines that are no valid header are left out, since one of
// them would make the whole request to the origin fail.
func (p headerPolicy) passed(client http.Header, proxy bool) (h http.Header, loop string) {
	h = make(http.Header)
	named := connectionNames(client)
	for name, values := range client {
		name = http.CanonicalHeaderKey(name)
		takes := validName(name) && !slices.Contains(named, name) && p.passes(name, proxy)
		for _, value := range values {
			switch {
			case !validValue(value):
			case takes:
				h[name] = append(h[name], value)
			case name == "Cdn-Loop" && strings.Trim(value, " \t,") != "":
				loop += strings.Trim(value, " \t,") + ", "
			}
		}
	}
	return h, loop
}

// passes tells whether a client's header goes on. Drop beats everything, also the ranges and conditions that proxy
// mode passes by itself.
func (p headerPolicy) passes(name string, proxy bool) bool {
	switch {
	case slices.Contains(p.drop, name):
		return false
	case proxy && isConditional(name):
		return true
	case reserved(name):
		return false
	}
	return p.all || slices.Contains(p.pass, name)
}

// isConditional tells whether name is Range or a precondition (RFC 9110 sections 13.1 and 14.2).
func isConditional(name string) bool {
	switch name {
	case "Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range":
		return true
	}
	return false
}

// reserved tells whether a header is mirrorgate's own to send or not to send. CGI gives "_" and "-" one meaning, so
// both spellings are the same name here.
func reserved(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	switch name {
	case "content-length", "authorization", "range", "date", "content-md5", "host", "expect", "accept-encoding",
		"via", "cdn-loop", "forwarded", "x-original-url", "x-rewrite-url", "x-http-method-override":
		return true
	}
	return isHopByHop(name) || slices.ContainsFunc(reservedPrefixes(), func(p string) bool {
		return strings.HasPrefix(name, p)
	})
}

// reservedPrefixes begin the names that an object store or a proxy before us would obey.
func reservedPrefixes() []string {
	return []string{"if-", "x-forwarded-", "x-bce-", "x-amz-", "x-oss-", "x-cos-", "x-obs-", "x-tos-"}
}

// isHopByHop tells whether a header, in lower case, is for one connection only (RFC 9110 section 7.6.1).
func isHopByHop(name string) bool {
	switch name {
	case "connection", "proxy-connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
		"proxy-authenticate", "proxy-authorization", "http2-settings":
		return true
	}
	return false
}

// RemoveHopByHop deletes from h what is for one connection only: the hop-by-hop fields and every field that
// Connection names (RFC 9110 section 7.6.1).
func RemoveHopByHop(h http.Header) {
	named := connectionNames(h)
	for name := range h {
		if isHopByHop(strings.ToLower(name)) || slices.Contains(named, http.CanonicalHeaderKey(name)) {
			delete(h, name)
		}
	}
}

// connectionNames gives the canonical names that Connection holds.
func connectionNames(h http.Header) []string {
	var names []string
	for name, values := range h {
		if !strings.EqualFold(name, "Connection") {
			continue
		}
		for token := range strings.SplitSeq(strings.Join(values, ","), ",") {
			names = append(names, http.CanonicalHeaderKey(strings.Trim(token, " \t")))
		}
	}
	return names
}

// validName tells whether name is a token (RFC 9110 section 5.6.2).
func validName(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return name != ""
}

// validValue tells whether value can be sent: no control characters but tabs (RFC 9110 section 5.5).
func validValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7F {
			return false
		}
	}
	return true
}
