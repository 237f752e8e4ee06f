package migration

import (
	"strconv"
	"strings"
	"unicode"
)

// maxKey is how many bytes of a key are kept. Keys that differ only behind count as one.
const maxKey = 160

// cut is what is kept of a key: all, or its beginning and "…".
func cut(key string) string {
	if len(key) <= maxKey {
		return strings.Clone(key) // it may be a piece of something larger
	}
	half := func(r rune) bool { return r == unicode.ReplacementChar } // of a character
	return strings.TrimRightFunc(key[:maxKey], half) + "…"
}

// printable is a key as people and JSON can read it: with escapes if something in it is no text.
func printable(key string) string {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	if !strings.ContainsFunc(key, odd) {
		return key
	}
	quoted := strconv.Quote(key)
	return quoted[1 : len(quoted)-1]
}

// maxDepth is how many levels of folders are told apart.
const maxDepth = 4

// folders are those that a key lies in, each with its last "/", the outermost first.
func folders(key string) []string {
	var list []string
	for i := 0; i < len(key) && len(list) < maxDepth; i++ {
		if key[i] == '/' {
			list = append(list, key[:i+1])
		}
	}
	return list
}

// parent is the folder that a folder lies in; "" for an outermost one.
func parent(folder string) string {
	return folder[:strings.LastIndexByte(folder[:len(folder)-1], '/')+1]
}
