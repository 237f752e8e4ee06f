package rules

import "strings"

// url gives the URL that is asked of t for path: the base, "/", and the path encoded.
func (t Target) url(path string) string {
	raw := isPathChar
	if t.Signed {
		path, raw = t.KeyPrefix+path, isUnreserved
	}
	return t.Base + "/" + encode(path, raw)
}

// encode writes the bytes of path as they are if raw or "/", and as %XX in upper case otherwise.
func encode(path string, raw func(byte) bool) string {
	out := make([]byte, 0, len(path)+16)
	for i := range len(path) {
		if c := path[i]; c == '/' || raw(c) {
			out = append(out, c)
		} else {
			out = appendPercent(out, c)
		}
	}
	return string(out)
}

// isPathChar is the pchar of RFC 3986 section 3.3 without pct-encoded.
func isPathChar(c byte) bool {
	return isUnreserved(c) || strings.IndexByte("!$&'()*+,;=:@", c) >= 0
}

// isUnreserved is unreserved of RFC 3986 section 2.3, which is also what SigV4 leaves raw.
func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}
