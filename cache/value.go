package cache

import (
	"encoding/base64"
	"strings"
)

// encodedMark begins a value that is kept in base64 because a bucket could not hold it raw.
const encodedMark = "b64:"

func encodeValue(v string) string {
	if holdsRaw(v) && !strings.HasPrefix(v, encodedMark) {
		return v
	}
	return encodedMark + base64.RawURLEncoding.EncodeToString([]byte(v))
}

// decodeValue reads what encodeValue wrote.
func decodeValue(v string) string {
	if coded, ok := strings.CutPrefix(v, encodedMark); ok {
		if raw, err := base64.RawURLEncoding.DecodeString(coded); err == nil {
			v = string(raw)
		}
	}
	return safeValue(v)
}

// safeValue returns "" for a value that no header may hold: whoever can write into the bucket could else put lines of
// their own into answers.
func safeValue(v string) string {
	if !ValidHeaderValue(v) {
		return ""
	}
	return v
}

// ValidHeaderValue tells whether v may stand in a header (RFC 9110 section 5.5): no control character but the tab.
func ValidHeaderValue(v string) bool {
	for i := range len(v) {
		if v[i] < 0x20 && v[i] != '\t' || v[i] == 0x7f {
			return false
		}
	}
	return true
}

// Replayable tells whether a response header of this name (lower case) may be kept and shown again: a token that
// neither frames the message nor is decided by the gateway itself.
func Replayable(name string) bool {
	if !isToken(name) {
		return false
	}
	switch name {
	case "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
		"proxy-authenticate", "proxy-authorization", "www-authenticate", "content-length", "content-range",
		"accept-ranges", "age", "date", "etag", "last-modified", "location", "set-cookie", "set-cookie2", "status",
		"via", "cdn-loop", "cache-status", "x-request-id", "server", "vary", "authorization", "cookie", "host",
		"retry-after", "allow", "content-type", "content-encoding", "content-disposition", "cache-control", "expires",
		"content-language", "access-control-allow-origin":
		return false
	}
	return !strings.HasPrefix(name, "x-amz-") && !strings.HasPrefix(name, "mg-")
}

// isToken tells whether name is a token of RFC 9110 section 5.6.2 in lower case.
func isToken(name string) bool {
	const chars = "abcdefghijklmnopqrstuvwxyz0123456789-_.!#$%&'*+^`|~"
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool { return !strings.ContainsRune(chars, c) })
}

// showsAsUser tells whether user metadata of this name is shown to clients: mirrorgate's own never is.
func showsAsUser(name string) bool { return !strings.HasPrefix(name, "mg-") && isToken(name) }

// holdsRaw tells whether every bucket gives v back as it is: printable ASCII without spaces that a signer or a proxy
// would fold.
func holdsRaw(v string) bool {
	for i := range len(v) {
		if v[i] < 0x20 || v[i] > 0x7e {
			return false
		}
	}
	return strings.TrimSpace(v) == v && !strings.Contains(v, "  ")
}
