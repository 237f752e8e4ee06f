package origin

import (
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// clean takes out of an answer's header what concerns the connection alone (RFC 9110 section 7.6.1). An answer with
// control characters in its header is refused: they must never get any further, and leaving them out might change what
// the header says.
func clean(h http.Header) error {
	for name, values := range h {
		for _, v := range values {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(v) {
				return fmt.Errorf("header %q is malformed", name)
			}
		}
	}
	for _, named := range h.Values("Connection") {
		for name := range strings.SplitSeq(named, ",") {
			if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); !decides(name) {
				h.Del(name)
			}
		}
	}
	for _, name := range hopByHop() {
		h.Del(name)
	}
	return nil
}

func hopByHop() []string {
	return []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te",
		"Trailer", "Transfer-Encoding", "Upgrade"}
}

// decides tells whether a header field says what the body is, or whether and how long it may be kept. Connection cannot
// take it away.
func decides(name string) bool {
	switch name {
	case "Cache-Control", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type", "Etag", "Expires",
		"Last-Modified", "Location", "Pragma", "Set-Cookie", "Vary":
		return true
	}
	return false
}

// unchunked takes aws-chunked out of a bucket's Content-Encoding: it names how the object was uploaded, not what its
// bytes are.
func unchunked(h http.Header) {
	values := h.Values("Content-Encoding")
	if !httpguts.HeaderValuesContainsToken(values, "aws-chunked") {
		return
	}
	var kept []string
	for _, coding := range strings.Split(strings.Join(values, ","), ",") {
		if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "aws-chunked") {
			kept = append(kept, coding)
		}
	}
	h.Del("Content-Encoding")
	if len(kept) > 0 {
		h.Set("Content-Encoding", strings.Join(kept, ", "))
	}
}

// abroad returns what of a request's header goes along when a redirect leads to another place: who we are, and what
// part of the object is wanted under which conditions. private are the names that the rule sets; when they are not
// known, nothing that it might have set goes along.
func abroad(h http.Header, private map[string]bool) http.Header {
	kept := make(http.Header, len(h))
	for name, values := range h {
		switch {
		case name == "Authorization", name == "Cookie", name == "Proxy-Authorization", private[name]:
		case private != nil, ours(name), ranged(name), conditional(name):
			kept[name] = values
		}
	}
	if _, ok := kept["User-Agent"]; !ok {
		kept["User-Agent"] = []string{""} // else net/http sends its own
	}
	return kept
}

// ours are the fields that the gateway itself writes and that no rule can set.
func ours(name string) bool {
	return name == "Accept-Encoding" || name == "Via" || name == "Cdn-Loop"
}

func ranged(name string) bool { return name == "Range" || name == "If-Range" }

func conditional(name string) bool {
	switch name {
	case "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since":
		return true
	}
	return false
}
