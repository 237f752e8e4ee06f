package origin_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mirrorgate/test/origin"
)

// proof is what a fault's answer must be on the wire.
type proof struct {
	method string   // "": GET
	header []string // of the request
	open   bool     // the client does not ask to close the connection
	nth    int      // which request with this method is looked at; 0: the first
	before []string // the header of the requests before it

	line  string   // "": HTTP/1.1 200 OK
	has   []string // header lines
	lacks []string // names that no header line has
	body  func(o origin.Object) string
	reset bool

	raw   func(o origin.Object, r reply) error              // looks at all of it instead of line, has, lacks and body
	check func(t *testing.T, s *origin.Server, path string) // does all itself
}

// proofs of all faults, by name.
func proofs() map[string]proof {
	all := map[string]proof{}
	for _, group := range []map[string]proof{
		soundProofs(), cutProofs(), chunkProofs(), lengthProofs(), slowProofs(), statusProofs(), redirectProofs(), headProofs(),
		rangeProofs(), resumeProofs(), lineProofs(), headerProofs(), digestProofs(), policyProofs(),
	} {
		for name, p := range group {
			all[name] = p
		}
	}
	return all
}

func TestEveryFaultIsOnTheWire(t *testing.T) {
	proofs := proofs()
	for _, f := range origin.Faults() {
		p, found := proofs[f.Name]
		delete(proofs, f.Name)
		if !found {
			t.Errorf("no proof of %s", f.Name)
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			s := origin.Start(t, origin.Config{})
			p.prove(t, s, f.Path("a"))
		})
	}
	for name := range proofs {
		t.Errorf("a proof of %s, which does not exist", name)
	}
}

func (p proof) prove(t *testing.T, s *origin.Server, path string) {
	t.Helper()
	if p.check != nil {
		p.check(t, s, path)
		return
	}
	if p.method == "" {
		p.method = "GET"
	}
	for range p.nth - 1 {
		get(t, s, p.method, path, p.before...)
	}
	r := p.ask(t, s, path)
	if same(t, "reset", r.reset, p.reset); p.raw != nil {
		if err := p.raw(s.Object(path), r); err != nil {
			t.Errorf("%v: %q", err, r.raw[:min(300, len(r.raw))])
		}
		return
	}
	p.compare(t, s.Object(path), r)
}

func (p proof) ask(t *testing.T, s *origin.Server, path string) reply {
	t.Helper()
	if !p.open {
		return get(t, s, p.method, path, p.header...)
	}
	c := dial(t, s)
	c.send(p.method, path, p.header...)
	return c.rest()
}

func (p proof) compare(t *testing.T, o origin.Object, r reply) {
	t.Helper()
	if p.line == "" {
		p.line = "HTTP/1.1 200 OK"
	}
	same(t, "the status line", r.line(), p.line)
	for _, line := range p.has {
		if !r.has(line) {
			t.Errorf("no line %q in %q", line, r.head)
		}
	}
	for _, name := range p.lacks {
		if slices.ContainsFunc(r.names(), func(n string) bool { return strings.EqualFold(n, name) }) {
			t.Errorf("a %s in %q", name, r.head)
		}
	}
	want := ""
	switch {
	case p.body != nil:
		want = p.body(o)
	case p.method != "HEAD":
		want = whole(o)
	}
	sameBytes(t, "the body", r.body, []byte(want))
}

// Bodies.

func whole(o origin.Object) string { return string(o.Truth.Bytes()) }
func none(origin.Object) string    { return "" }

func upTo(n int64) func(origin.Object) string {
	return func(o origin.Object) string { return whole(o)[:n] }
}

func from(n int64) func(origin.Object) string {
	return func(o origin.Object) string { return whole(o)[n:] }
}

func text(s string) func(origin.Object) string { return func(origin.Object) string { return s } }

// chunkedUpTo is the first n bytes in chunks of a size, each with an extension, and a tail.
func chunkedUpTo(n int64, size int, extension, tail string) func(origin.Object) string {
	return func(o origin.Object) string { return inChunks(whole(o)[:n], size, extension) + tail }
}

func inChunks(data string, size int, extension string) string {
	var b strings.Builder
	for chunk := range slices.Chunk([]byte(data), size) {
		fmt.Fprintf(&b, "%x%s\r\n%s\r\n", len(chunk), extension, chunk)
	}
	return b.String()
}

const (
	size      = origin.DefaultSize
	half      = int64(size / 2)
	edge      = half - half%4096
	lastChunk = "0\r\n\r\n"
)

// lengthIs is the line that tells it.
func lengthIs[N int | int64](n N) string { return fmt.Sprintf("Content-Length: %d", n) }
