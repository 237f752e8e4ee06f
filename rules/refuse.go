package rules

import (
	"errors"
	"strings"
)

// ErrRefused means that a request must not reach an origin: its rewritten path would walk out of the rule's folder,
// list a bucket, or be kept under another request's key. The answer is 404, without a pull and without a Location.
var ErrRefused = errors.New("the rewritten path is refused")

// overlong undoes encodings of ".", "/" and "\" that are too long to be UTF-8, but that old servers decode all the
// same. Such bytes get this far only with key.bad_utf8: escape.
var overlong = strings.NewReplacer(
	"\xC0\xAE", ".", "\xE0\x80\xAE", ".", "\xF0\x80\x80\xAE", ".",
	"\xC0\xAF", "/", "\xE0\x80\xAF", "/", "\xF0\x80\x80\xAF", "/",
	"\xC1\x9C", "/", "\xE0\x81\x9C", "/", "\xF0\x80\x81\x9C", "/",
)

// refuses tells whether path must not be asked of t.
//
// A URL target is an old web server with a file system: it gets no "." or ".." segment and no backslash, neither in
// the path as it is nor in what a server sees that decodes once more. A segment also counts when ";" and parameters
// follow the dots, since Java servers cut those off before they walk.
//
// A signed target is a bucket, in which dots are ordinary. It gets no empty key, which would list the bucket, nor one
// of slashes alone, which a server that merges slashes takes for empty. The target's own key prefix does not change
// that.
func (t Target) refuses(path string) bool {
	if t.Signed {
		return strings.Trim(path, "/") == ""
	}
	return walks(path) || walks(decodeLoosely(path))
}

func walks(path string) bool {
	return strings.IndexByte(path, '\\') >= 0 || dotSegment(overlong.Replace(path))
}

// dotSegment tells whether a segment of path is "." or "..", with or without parameters.
func dotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		segment, _, _ = strings.Cut(segment, ";")
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
