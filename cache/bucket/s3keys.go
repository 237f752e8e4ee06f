package bucket

import (
	"strings"
	"unicode/utf8"

	"mirrorgate/cache"
)

// keyForm is a set of unusual forms that a key has. Servers that treat keys as file names clean or refuse them.
type keyForm uint8

const (
	formEmpty   keyForm = 1 << iota // an empty segment inside: "a//b"
	formLeading                     // a leading "/"
	formDot                         // a "." segment
	formDots                        // a ".." segment
	formBytes                       // no key of S3: not UTF-8, NUL, empty, too long
)

// probedForms are those that some servers keep apart and some do not.
const probedForms = formEmpty | formLeading | formDot | formDots

// formOf looks at every segment of key. A trailing "/" is not unusual.
func formOf(key string) keyForm {
	var form keyForm
	if key == "" || len(key) > cache.MaxKey || strings.IndexByte(key, 0) >= 0 || !utf8.ValidString(key) {
		form |= formBytes
	}
	for start := 0; start < len(key); {
		end := strings.IndexByte(key[start:], '/')
		if end < 0 {
			end = len(key) - start
		}
		switch key[start : start+end] {
		case "":
			if start == 0 {
				form |= formLeading
			} else {
				form |= formEmpty
			}
		case ".":
			form |= formDot
		case "..":
			form |= formDots
		}
		start += end + 1
	}
	return form
}

// appendPath adds key to a request's path, percent-encoded exactly once, as AWS's signature wants it: all but the
// unreserved characters of RFC 3986 and "/".
func appendPath(dst []byte, key string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(key) {
		c := key[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
			dst = append(dst, c)
		case c == '-', c == '.', c == '_', c == '~', c == '/':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
