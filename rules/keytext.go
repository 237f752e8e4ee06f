package rules

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// percentDecode decodes s once (RFC 3986 section 2.1), and reports false when a "%" begins no %XX.
func percentDecode(s string) (string, bool) {
	at := strings.IndexByte(s, '%')
	if at < 0 {
		return s, true
	}
	out := append(make([]byte, 0, len(s)), s[:at]...)
	for i := at; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		b, ok := hexByte(s[i+1:])
		if !ok {
			return "", false
		}
		out = append(out, b)
		i += 2
	}
	return string(out), true
}

// decodeLoosely decodes s once, as a lenient server would: a "%" that begins no %XX stands for itself.
func decodeLoosely(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if b, ok := hexByte(s[i+1:]); s[i] == '%' && ok {
			out = append(out, b)
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}

// hexByte reads the two hexadecimal digits that s begins with.
func hexByte(s string) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	high, ok1 := hexDigit(s[0])
	low, ok2 := hexDigit(s[1])
	return high<<4 | low, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// lower puts every letter of s into lower case and leaves bytes that are not UTF-8 as they are, which strings.ToLower
// does not.
func lower(s string) string {
	if !hasUpper(s) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			out = append(out, s[i])
		} else {
			out = utf8.AppendRune(out, unicode.ToLower(r))
		}
		i += size
	}
	return string(out)
}

func hasUpper(s string) bool {
	for _, r := range s {
		if unicode.ToLower(r) != r {
			return true
		}
	}
	return false
}

// mergeSlashes makes one "/" of every run of them, and none of those that follow the path's own first "/".
func mergeSlashes(s string) string {
	s = strings.TrimLeft(s, "/")
	if !strings.Contains(s, "//") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '/' || out[len(out)-1] != '/' {
			out = append(out, s[i])
		}
	}
	return string(out)
}

// escape writes the bytes of s that are not UTF-8 as %XX. A "%" that unescape would take for such an escape becomes
// "%25", so that no two texts have one escaped form.
func escape(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		_, ambiguous := escaped(s[i:])
		if ambiguous || r == utf8.RuneError && size == 1 {
			out = appendPercent(out, s[i])
		} else {
			out = append(out, s[i:i+size]...)
		}
		i += size
	}
	return string(out)
}

// unescape gives back what escape was given.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if b, ok := escaped(s[i:]); ok {
			out = append(out, b)
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}

// escaped reads the escape that s begins with: %25 or %80 to %FF in upper case.
func escaped(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' || s[1] >= 'a' || s[2] >= 'a' {
		return 0, false
	}
	b, ok := hexByte(s[1:])
	return b, ok && (b == '%' || b >= utf8.RuneSelf)
}

const upperHex = "0123456789ABCDEF"

// appendPercent appends b as %XX in upper case.
func appendPercent(out []byte, b byte) []byte {
	return append(out, '%', upperHex[b>>4], upperHex[b&15])
}
