package accesslog

import (
	"net/http"
	"strings"
	"time"
)

// Request is one line of a log.
type Request struct {
	Method string // GET or HEAD
	Target string // begins with "/"; as it was sent, with the query
	Host   string // "": the log does not say
	Line   int    // from 1
	Status int    // of the old answer; 0: the log does not say
	Time   time.Time
	// Header has what a JSON log says of the request's ranges and conditions; nil: nothing.
	Header http.Header
}

// Skip says why a line of the right format is no request to send.
type Skip string

// The reasons.
const (
	SkipMethod Skip = "another method"
	SkipBroken Skip = "no request line"
	SkipTarget Skip = "not a path"
	SkipBytes  Skip = "JSON that is not UTF-8"
)

// setLine takes a request line, "GET /path HTTP/1.1".
func (r *Request) setLine(line string) Skip {
	method, rest, _ := strings.Cut(line, " ")
	target, version, ok := strings.Cut(rest, " ")
	switch {
	case ok && !strings.HasPrefix(version, "HTTP/"), !ok && rest == "":
		return SkipBroken
	case !isToken(method):
		return SkipBroken
	}
	return r.set(method, target)
}

// set takes method and target; the target may be a whole URL, whose host then counts.
func (r *Request) set(method, target string) Skip {
	if method != http.MethodGet && method != http.MethodHead {
		return SkipMethod
	}
	if host, path, ok := splitURL(target); ok {
		r.Host, target = host, path
	}
	if !strings.HasPrefix(target, "/") || strings.ContainsFunc(target, unsendable) {
		return SkipTarget
	}
	r.Method, r.Target = method, target
	return ""
}

// splitURL takes an http or https URL apart, without changing its path.
func splitURL(text string) (host, target string, ok bool) {
	scheme, rest, found := strings.Cut(text, "://")
	if !found || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", "", false
	}
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	host, target = rest[:end], rest[end:]
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	return host, target, isHost(host)
}

// unsendable are characters that would end a request line, or make it another one.
func unsendable(c rune) bool { return c <= ' ' || c == 0x7f }

func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool { return (c < 'A' || c > 'Z') && c != '-' && c != '_' })
}

// isHost tells whether the text can stand in a Host header.
func isHost(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return unsendable(c) || c > 0x7e || strings.ContainsRune(`/\@?#"<>`, c)
	})
}
