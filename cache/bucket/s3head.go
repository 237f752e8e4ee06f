package bucket

import (
	"bytes"
	"errors"
	"fmt"
)

// answerHead is what the header of an answer says. Its slices are parts of what was parsed.
type answerHead struct {
	status  int
	old     bool  // HTTP/1.0
	closes  bool  // Connection: close
	coded   bool  // the body has a transfer coding
	chunked bool  // which is chunked, and no other
	length  int64 // Content-Length; -1: none

	etag, modified, contentRange, marker, minioCode            []byte
	kind, coding, disposition, cacheControl, expires, language []byte
	user                                                       []userField
}

// userField is one entry of the user metadata, its name in lower case and without x-amz-meta-.
type userField struct{ name, value []byte }

// errMore: the header goes on.
var errMore = errors.New("the header is not complete")

// parse reads the header (RFC 9112 section 4 and 5) that b begins with, and tells how long it is. Names in b are made
// lower case. It is strict: a header that somebody might read differently is an error.
func (h *answerHead) parse(b []byte) (int, error) {
	*h = answerHead{length: -1, user: h.user[:0]}
	line, n, err := nextLine(b)
	if err != nil {
		return 0, err
	}
	if err := h.statusLine(line); err != nil {
		return 0, err
	}
	for {
		line, size, err := nextLine(b[n:])
		if err != nil {
			return 0, err
		}
		n += size
		if len(line) == 0 {
			return n, nil
		}
		name, value, err := splitField(line)
		if err != nil {
			return 0, err
		}
		if err := h.field(name, value); err != nil {
			return 0, err
		}
	}
}

// nextLine gives the first line of b without its end, and its size with it.
func nextLine(b []byte) (line []byte, size int, err error) {
	n := bytes.IndexByte(b, '\n')
	switch {
	case n < 0:
		return nil, 0, errMore
	case n == 0 || b[n-1] != '\r':
		return nil, 0, errors.New("malformed answer: a line does not end in CR LF")
	}
	return b[:n-1], n + 1, nil
}

func (h *answerHead) statusLine(line []byte) error {
	const form = len("HTTP/1.1 200")
	if len(line) < form || string(line[:7]) != "HTTP/1." || line[7] != '0' && line[7] != '1' || line[8] != ' ' ||
		len(line) > form && line[form] != ' ' {
		return malformedLine("status line", line)
	}
	h.old = line[7] == '0'
	for _, c := range line[9:form] {
		if c < '0' || c > '9' {
			return malformedLine("status line", line)
		}
		h.status = h.status*10 + int(c-'0')
	}
	if h.status < 100 {
		return malformedLine("status line", line)
	}
	return nil
}

func malformedLine(what string, line []byte) error {
	return fmt.Errorf("malformed answer: %s %q", what, line[:min(len(line), 64)])
}

// splitField gives name, in lower case, and value of a field line. A line that continues the one before is malformed.
func splitField(line []byte) (name, value []byte, err error) {
	n := 0
	for ; n < len(line) && tokenBytes[line[n]] != 0; n++ {
		line[n] = tokenBytes[line[n]]
	}
	if n == 0 || n == len(line) || line[n] != ':' {
		return nil, nil, malformedLine("header line", line)
	}
	value = trimBlank(line[n+1:])
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return nil, nil, malformedLine("header line", line)
		}
	}
	return line[:n], value, nil
}

func trimBlank(v []byte) []byte {
	for len(v) > 0 && (v[0] == ' ' || v[0] == '\t') {
		v = v[1:]
	}
	for len(v) > 0 && (v[len(v)-1] == ' ' || v[len(v)-1] == '\t') {
		v = v[:len(v)-1]
	}
	return v
}

// tokenBytes maps what may stand in a name (RFC 9110 section 5.6.2) to lower case, and all else to 0.
var tokenBytes = func() (table [256]byte) {
	const others = "!#$%&'*+-.^_`|~0123456789"
	for i := range len(others) {
		table[others[i]] = others[i]
	}
	for c := byte('a'); c <= 'z'; c++ {
		table[c], table[c-'a'+'A'] = c, c
	}
	return table
}()

// field notes one field. Of several with one name the last counts, unless they frame the body.
func (h *answerHead) field(name, value []byte) error {
	switch string(name) {
	case "content-length":
		return h.setLength(value)
	case "transfer-encoding":
		h.chunked = !h.coded && bytes.EqualFold(value, []byte("chunked"))
		h.coded = true
	case "connection":
		h.closes = h.closes || hasClose(value)
	case "etag":
		h.etag = value
	case "last-modified":
		h.modified = value
	case "content-range":
		h.contentRange = value
	case "content-type":
		h.kind = value
	case "content-encoding":
		h.coding = value
	case "content-disposition":
		h.disposition = value
	case "cache-control":
		h.cacheControl = value
	case "expires":
		h.expires = value
	case "content-language":
		h.language = value
	case "x-amz-delete-marker":
		h.marker = value
	case "x-minio-error-code":
		h.minioCode = value
	default:
		if user, ok := bytes.CutPrefix(name, userPrefix); ok && len(user) > 0 {
			h.user = append(h.user, userField{user, value})
		}
	}
	return nil
}

var userPrefix = []byte("x-amz-meta-")

func (h *answerHead) setLength(value []byte) error {
	if h.length >= 0 {
		return errors.New("malformed answer: more than one Content-Length")
	}
	if len(value) == 0 || len(value) > len("999999999999999999") {
		return malformedLine("Content-Length", value)
	}
	h.length = 0
	for _, c := range value {
		if c < '0' || c > '9' {
			return malformedLine("Content-Length", value)
		}
		h.length = h.length*10 + int64(c-'0')
	}
	return nil
}

// hasClose looks for "close" in a list.
func hasClose(list []byte) bool {
	for token := range bytes.SplitSeq(list, []byte(",")) {
		if bytes.EqualFold(trimBlank(token), []byte("close")) {
			return true
		}
	}
	return false
}

// bodiless tells that no body follows, whatever the header says of one (RFC 9110 section 6.4.1).
func (h *answerHead) bodiless(method string) bool {
	return method == "HEAD" || h.status == 204 || h.status == 304 || h.status < 200
}
