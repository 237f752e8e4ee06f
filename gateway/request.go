package gateway

import (
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"mirrorgate/cache"
)

// request is what the walk needs of an HTTP request. All of it is copied: it outlives the connection's buffers.
type request struct {
	id     string // X-Request-Id
	method string
	host   string
	path   string // as it came: percent-encoded, without the query
	query  string // as it came, without "?"
	has10  bool   // HTTP/1.0: no chunked bodies

	hasQuery bool
	ranged   *cache.Range // of a GET
	cond     conditions
	loop     []string // CDN-Loop lines

	// header copies all headers. It must be called before the handler returns.
	header func() http.Header
}

func parse(ctx *fasthttp.RequestCtx, id string) *request {
	h := &ctx.Request.Header
	target, _, _ := strings.Cut(string(h.RequestURI()), "#")
	r := &request{
		id: id, method: methodOf(h), host: string(h.Host()), has10: !h.IsHTTP11(),
		header: func() http.Header { return copyHeader(h) },
	}
	r.path, r.query, r.hasQuery = strings.Cut(target, "?")
	ranges := ""
	for name, value := range h.All() {
		switch string(name) {
		case fasthttp.HeaderRange:
			ranges = joined(ranges, value)
		case "Cdn-Loop":
			r.loop = append(r.loop, string(value))
		default:
			r.cond.add(name, value)
		}
	}
	if r.method == http.MethodGet && ranges != "" {
		if byteRange, ok := cache.ParseRange(ranges); ok {
			r.ranged = &byteRange
		}
	}
	return r
}

// methodOf is the method, which for the usual ones is not copied.
func methodOf(h *fasthttp.RequestHeader) string {
	switch {
	case h.IsGet():
		return http.MethodGet
	case h.IsHead():
		return http.MethodHead
	default:
		return string(h.Method())
	}
}

func copyHeader(h *fasthttp.RequestHeader) http.Header {
	out := make(http.Header, h.Len())
	for name, value := range h.All() {
		canonical := http.CanonicalHeaderKey(string(name))
		out[canonical] = append(out[canonical], string(value))
	}
	return out
}

// withSlash is the request's own target with a "/" at the end of its path, as a Location. Two slashes at its beginning
// would make another host of what follows them (RFC 3986 section 4.2), so the second one is written as %2F there: it is
// the same key.
func (r *request) withSlash() string {
	location := r.path + "/"
	if rest, ok := strings.CutPrefix(location, "//"); ok {
		location = "/%2F" + rest
	}
	if r.hasQuery {
		location += "?" + r.query
	}
	return location
}

// looped tells whether this gateway (or one of its fleet) has seen the request before (RFC 8586).
func (r *request) looped(token string) bool {
	for _, line := range r.loop {
		for member := range strings.SplitSeq(line, ",") {
			id, _, _ := strings.Cut(member, ";")
			if strings.TrimSpace(id) == token {
				return true
			}
		}
	}
	return false
}
