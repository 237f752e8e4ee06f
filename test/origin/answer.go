package origin

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// End is what becomes of the connection after an answer.
type End int

// The ways to end.
const (
	KeepAlive End = iota // open for the next request, unless the client asked to close it
	Close                // closed properly: over TLS with close_notify
	Drop                 // closed (FIN), over TLS without close_notify
	Reset                // reset (RST), once all that was written has arrived
)

// Script makes an answer: it is given the sound one and changes it.
type Script func(r *Request, a *Answer)

// Sound is the Script that changes nothing.
func Sound(*Request, *Answer) {}

// Answer is what goes over the wire, as it is: nothing is checked or added.
type Answer struct {
	Before string   // written first: interim answers, or what does not belong there
	Line   string   // the status line, without its end
	Header []string // lines without their end
	Filler int64    // this many bytes more in the header
	Body   Body
	Head   Pace // how Before, Line and Header come
	Coded  Pace // how the body comes; its positions count chunk framing too
	End    End
}

// Pace is how a part of an answer comes. The zero value is: at once and whole.
type Pace struct {
	Rate  int64  // bytes per second; 0: no limit
	Piece int    // bytes written at a time under a Rate; 0: what is due in 20 ms
	Stops []Stop // by position
	Cut   bool   // nothing comes from CutAt on
	CutAt int64
}

// Stop is a pause before the byte at a position.
type Stop struct {
	At  int64
	For time.Duration // 0: until Server.Release, or until the client leaves

	gate *Gate
}

// Status makes an answer with a small body of text.
func Status(status int, header ...string) *Answer {
	text := fmt.Sprintf("%d %s\n", status, http.StatusText(status))
	a := &Answer{Line: fmt.Sprintf("HTTP/1.1 %d %s", status, http.StatusText(status)), Body: Text(text)}
	a.Header = append([]string{"Content-Type: text/plain", fmt.Sprintf("Content-Length: %d", len(text))}, header...)
	if status == http.StatusNoContent || status == http.StatusNotModified {
		a.Header, a.Body = header, Body{}
	}
	return a
}

// status is the code in the status line; 0 if there is none.
func (a *Answer) status() int {
	fields := strings.Fields(a.Line)
	if len(fields) < 2 {
		return 0
	}
	code, _ := strconv.Atoi(fields[1]) // 0 on a mistake, which is what is promised
	return code
}

// whole tells whether the answer carries the object or a part of it (or, to HEAD, would).
func (a *Answer) whole() bool {
	return a.status() == http.StatusOK || a.status() == http.StatusPartialContent
}

// Get returns the value of the first header line of that name; "" if there is none.
func (a *Answer) Get(name string) string {
	for _, line := range a.Header {
		if n, value, _ := strings.Cut(line, ":"); strings.EqualFold(n, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Set replaces the header lines of that name by one.
func (a *Answer) Set(name, value string) {
	a.Del(name)
	a.Add(name, value)
}

// Add adds a header line.
func (a *Answer) Add(name, value string) { a.Header = append(a.Header, name+": "+value) }

// Del takes the header lines of that name away.
func (a *Answer) Del(names ...string) {
	a.Header = slices.DeleteFunc(a.Header, func(line string) bool {
		n, _, _ := strings.Cut(line, ":")
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(n, name) })
	})
}

// Chunk makes the body a chunked one, with so many bytes in a chunk.
func (a *Answer) Chunk(size int) {
	a.Del("Content-Length")
	a.Set("Transfer-Encoding", "chunked")
	a.Body.Chunk, a.Body.Tail = size, "0\r\n\r\n"
}

// CutAt ends the connection before the object's byte at the offset, if the body gets that far.
func (a *Answer) CutAt(offset int64, end End) {
	if offset < a.Body.From+a.Body.Length {
		a.Coded.Cut, a.Coded.CutAt, a.End = true, a.Body.codedAt(offset), end
	}
}

// EndAt leaves the object's bytes from the offset on away, writes the tail instead of a proper end, and closes the
// connection, if the body gets that far.
func (a *Answer) EndAt(offset int64, tail string) {
	if length := offset - a.Body.From; length <= a.Body.Length && a.Body.Length > 0 {
		a.Body.Length, a.Body.Tail, a.End = max(0, length), tail, Drop
	}
}

// StallAt stops before the object's byte at the offset, if the body gets that far. For 0 see Stop.
func (a *Answer) StallAt(offset int64, wait time.Duration) {
	if offset <= a.Body.From+a.Body.Length && a.Body.Length > 0 {
		a.Coded.Stops = append(a.Coded.Stops, Stop{At: a.Body.codedAt(offset), For: wait})
	}
}
