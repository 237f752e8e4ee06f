package rules

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// maxKey is the longest key that a bucket holds, in bytes (the limit of S3).
const maxKey = 1024

// reservedPrefix begins the keys that mirrorgate keeps for itself in a bucket.
const reservedPrefix = ".mirrorgate/"

// The codes of a KeyError.
const (
	CodeInvalidURI = "InvalidURI"
	CodeKeyTooLong = "KeyTooLongError"
)

// ErrNoKey means that the path names no object a client can have: the key is empty, or one of mirrorgate's own. The
// answer is 404 without asking bucket or origin.
var ErrNoKey = errors.New("the path names no object")

// KeyError means that a path cannot be a key. The answer is 400 with Code.
type KeyError struct {
	Code   string // CodeInvalidURI or CodeKeyTooLong
	Reason string // for people; says nothing of the site
}

func (e *KeyError) Error() string { return e.Code + ": " + e.Reason }

// Key makes the object key of a request. rawPath is the path of the request target as it came: percent-encoded,
// without query. This is the one function that makes keys.
//
// The first "/" is taken away and the rest percent-decoded once. Nothing is cleaned: empty, "." and ".." segments
// stay. Then, in this order, key.case, key.merge_slashes, key.bad_utf8 and index are applied. Merging looks at the
// whole path, so "//x" gives the key "x". A byte that was not percent-encoded but should have been stands for itself.
//
// With bad_utf8: escape a byte that is not UTF-8 becomes %XX in upper case, whatever key.case says. So that no other
// path has that key, a literal "%" followed by "25" or by 80 to FF becomes "%25": the path "/%E9" has the key "%E9",
// the path "/%25E9" has the key "%25E9", and the path "/%252F" has the key "%2F" as everywhere.
//
// The error is a *KeyError or ErrNoKey. A key is never empty, never longer than 1,024 bytes, valid UTF-8 and free of
// NUL. Key does not allocate when the path is the key.
func Key(rawPath string, c SetConfig) (string, error) {
	path, ok := strings.CutPrefix(rawPath, "/")
	if !ok {
		return "", invalidURI(`the path must begin with "/"`)
	}
	key, ok := percentDecode(path)
	if !ok {
		return "", invalidURI("the path has a % that two hexadecimal digits do not follow")
	}
	if strings.IndexByte(key, 0) >= 0 {
		return "", invalidURI("the path holds a NUL byte")
	}
	if c.Key.Case == CaseLower {
		key = lower(key)
	}
	if c.Key.MergeSlashes {
		key = mergeSlashes(key)
	}
	if c.escapes() {
		key = escape(key)
	} else if !utf8.ValidString(key) {
		return "", invalidURI("the path is not UTF-8")
	}
	if c.Index != "" && (key == "" || key[len(key)-1] == '/') {
		key += c.Index
	}
	return checkedKey(key)
}

// checkedKey returns a key that clients can have, or why they cannot.
func checkedKey(key string) (string, error) {
	if key == "" || strings.HasPrefix(key, reservedPrefix) {
		return "", ErrNoKey
	}
	if len(key) > maxKey {
		return "", tooLong()
	}
	return key, nil
}

func invalidURI(reason string) error { return &KeyError{Code: CodeInvalidURI, Reason: reason} }

func tooLong() error {
	return &KeyError{Code: CodeKeyTooLong, Reason: "the key is longer than 1024 bytes"}
}
