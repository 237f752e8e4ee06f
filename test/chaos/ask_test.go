package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
)

// ask is one request.
type ask struct {
	*object
	kind   string
	method string
	header string // lines
	span   *span  // nil: no range
	never  []int  // statuses that would be wrong
	may    []int  // statuses that are right besides 200 and refusals
	closes bool   // the connection is to end
}

func (a *ask) text() string {
	last := ""
	if a.closes {
		last = "Connection: close\r\n"
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n", a.method, a.path, siteHost, a.header, last)
}

func (a *ask) String() string {
	return fmt.Sprintf("%s %s (%s)", a.method, a.path, strings.ReplaceAll(strings.TrimSpace(a.header), "\r\n", "; "))
}

// span is a range of bytes: from first on, to last if that is not negative. A negative first is a suffix.
type span struct{ first, last int64 }

func (s span) String() string {
	switch {
	case s.first < 0:
		return fmt.Sprintf("bytes=%d", s.first)
	case s.last < 0:
		return fmt.Sprintf("bytes=%d-", s.first)
	}
	return fmt.Sprintf("bytes=%d-%d", s.first, s.last)
}

// of is the part of an object of that size; false if there is none.
func (s span) of(size int64) (start, length int64, ok bool) {
	start, end := s.first, size
	if s.first < 0 {
		start = max(0, size+s.first)
	}
	if s.last >= 0 {
		end = min(size, s.last+1)
	}
	return start, end - start, start < size
}

func whole(o *object) *ask { return &ask{object: o, kind: "whole", method: http.MethodGet} }

// asking makes a request for the object in one of the ways that there are.
func asking(o *object, r *rand.Rand) *ask {
	a := whole(o)
	a.closes = r.IntN(3) == 0
	ways := []func(*ask, *rand.Rand){
		func(*ask, *rand.Rand) {}, func(*ask, *rand.Rand) {},
		ranged, ranged, several, headed, conditional, ifRanged,
	}
	ways[r.IntN(len(ways))](a, r)
	return a
}

// ranged asks for a range: near the start, anywhere, at the end, beyond it.
func ranged(a *ask, r *rand.Rand) {
	size := a.rule.primary.Truth(a.path).Size
	from := r.Int64N(size + 1)
	s := []span{
		{0, -1}, {0, r.Int64N(100)}, {min(from, kib), -1}, {from, from + r.Int64N(64*kib)}, {from, -1},
		{-1 - r.Int64N(size+10), -1}, {size - 1, -1}, {size + r.Int64N(100), -1},
	}[r.IntN(8)]
	a.kind, a.span = "range", &s
	a.add("Range", s.String())
	a.may = append(a.may, http.StatusPartialContent)
	if _, _, ok := s.of(size); !ok || !a.sound() {
		a.may = append(a.may, http.StatusRequestedRangeNotSatisfiable)
	}
}

func several(a *ask, _ *rand.Rand) {
	a.kind, a.never = "ranges", []int{http.StatusPartialContent}
	a.add("Range", "bytes=0-1,4-5")
}

func headed(a *ask, _ *rand.Rand) { a.kind, a.method = "head", http.MethodHead }

// conditional asks under a condition that holds or not.
func conditional(a *ask, r *rand.Rand) {
	object := a.rule.primary.Object(a.path)
	const other = `"no such version"`
	a.kind = "condition"
	switch r.IntN(5) {
	case 0:
		a.add("If-None-Match", object.ETag)
		a.may = []int{http.StatusNotModified}
	case 1:
		a.add("If-None-Match", other)
		a.never = []int{http.StatusNotModified}
	case 2:
		a.add("If-Match", object.ETag) // a weak one does not match
		a.may = []int{http.StatusPreconditionFailed}
	case 3:
		a.add("If-Match", other)
		a.may, a.never = []int{http.StatusPreconditionFailed}, []int{http.StatusOK}
	case 4:
		a.add("If-Modified-Since", object.LastModified.UTC().Format(http.TimeFormat))
		a.may = []int{http.StatusNotModified}
	}
}

// ifRanged asks for a range of a version, or else for everything.
func ifRanged(a *ask, r *rand.Rand) {
	ranged(a, r)
	a.kind = "if-range"
	if r.IntN(2) == 0 {
		a.add("If-Range", a.rule.primary.Object(a.path).ETag)
		return
	}
	a.add("If-Range", strconv.Quote("no such version"))
	a.never = []int{http.StatusPartialContent}
	if a.sound() {
		a.may = nil
	}
}

func (a *ask) add(name, value string) { a.header += name + ": " + value + "\r\n" }
