package cache

import (
	"errors"
	"strconv"
	"strings"
)

// Range is one byte range of RFC 9110 section 14.1.2 before the object's size is known.
type Range struct {
	First int64 // the first byte, or -1 for a suffix range
	Last  int64 // the last byte, or -1 for "to the end"; of a suffix range the number of bytes
}

// ParseRange reads a Range header. It reports false for everything that is answered with the whole object: another
// unit, several ranges, a malformed one (RFC 9110 section 14.2 lets a server ignore those).
func ParseRange(header string) (Range, bool) {
	unit, spec, ok := strings.Cut(header, "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(unit), "bytes") {
		return Range{}, false
	}
	first, last, ok := strings.Cut(strings.Trim(spec, " \t"), "-")
	if !ok {
		return Range{}, false
	}
	if first == "" {
		n, ok := parseOffset(last)
		return Range{First: -1, Last: n}, ok
	}
	r := Range{Last: -1}
	if r.First, ok = parseOffset(first); !ok {
		return Range{}, false
	}
	if last != "" {
		if r.Last, ok = parseOffset(last); !ok || r.Last < r.First {
			return Range{}, false
		}
	}
	return r, true
}

// parseOffset reads 1*DIGIT. What does not fit an int64 lies behind the end of every object, as the largest int64 does:
// "0-99999999999999999999" is the whole.
func parseOffset(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" { // ErrRange alone does not say that all are digits
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 63) // the largest value of 63 bits beside ErrRange
	return int64(n), err == nil || errors.Is(err, strconv.ErrRange)
}

// Resolve gives the bytes [start, start+length) that r means in an object of size bytes, and false when there are none.
func (r Range) Resolve(size int64) (start, length int64, ok bool) {
	if r.First < 0 {
		n := min(r.Last, size)
		return size - n, n, n > 0
	}
	if r.First >= size {
		return 0, 0, false
	}
	end := size
	if r.Last >= 0 && r.Last < size-1 {
		end = r.Last + 1
	}
	return r.First, end - r.First, true
}

// String is the value of a Range header.
func (r Range) String() string {
	switch {
	case r.First < 0:
		return "bytes=-" + strconv.FormatInt(r.Last, 10)
	case r.Last < 0:
		return "bytes=" + strconv.FormatInt(r.First, 10) + "-"
	default:
		return "bytes=" + strconv.FormatInt(r.First, 10) + "-" + strconv.FormatInt(r.Last, 10)
	}
}
