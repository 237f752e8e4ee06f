package origin

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// body is what a Response's Body is: one part, and another where the origin broke off and the rest could be had.
type body struct {
	p   *pull
	ask Ask    // of the target that answered
	got *reply // the first answer; its header belongs to the caller by now

	tag    string // the strong ETag of the first answer; "": nothing is resumed
	coding string // its Content-Encoding

	// The fields below are Read's alone.
	size     int64 // of the whole; -1: the framing alone tells
	at       int64 // bytes read
	attempts int   // to resume
	tried    int64 // where the last of them was
	err      error // how it ended

	once   sync.Once
	mu     sync.Mutex
	part   *part // Read alone changes it
	closed bool
}

func (p *pull) body(a Ask, got *reply) *body {
	b := &body{p: p, ask: a, got: got, part: p.part(got), size: -1, tried: -1}
	if p.r.Method == http.MethodGet && !p.r.Proxy && got.StatusCode == http.StatusOK {
		b.tag, b.coding = strongTag(got.Header), codingOf(got.Header)
	}
	if b.tag != "" {
		b.size = got.ContentLength
	}
	return b
}

// Read returns at least one byte or an error. io.EOF comes only where the framing, or the length, says that the body
// ends.
func (b *body) Read(to []byte) (int, error) {
	for b.err == nil && len(to) > 0 {
		n, err := b.part.Read(to)
		if b.at += int64(n); b.size >= 0 && b.at > b.size {
			b.err = b.failed(fmt.Errorf("more than the %d bytes that were announced", b.size))
		} else if n > 0 {
			return n, nil // an error comes again with the next Read
		} else {
			b.err = b.next(err)
		}
	}
	return 0, b.err
}

// next decides what follows the end of a part: nil for another one.
func (b *body) next(err error) error {
	var broke *Error
	switch {
	case err == io.EOF && (b.size < 0 || b.at == b.size):
		return io.EOF
	case err == io.EOF:
		broke = b.failed(fmt.Errorf("%w: %d of %d bytes", io.ErrUnexpectedEOF, b.at, b.size))
	case !b.part.broke || b.p.budget.ctx.Err() != nil || !errors.As(err, &broke):
		return err
	case b.at == b.size:
		return io.EOF // every byte is there: what broke after the last one does not matter
	}
	failed := b.resume(broke)
	if failed == nil {
		return nil
	}
	if b.p.budget.ctx.Err() == nil {
		b.part.tally.cut.Add(1)
	}
	if b.got.hop.kept && b.p.budget.ctx.Err() == nil {
		b.p.settle(b.got.hop.t, b.got.with, outcomeSpoiled, failed)
	}
	return failed
}

func (b *body) failed(err error) *Error {
	return &Error{Kind: KindFailed, Target: b.got.hop.t.role, Op: opBody, Temporary: true, Err: err}
}

// Close ends the pull: a Read under way fails, and a body that was not read to its end is cut off.
func (b *body) Close() error {
	b.once.Do(func() {
		b.p.budget.end() // and with it a Read that is about to resume
		b.mu.Lock()
		b.closed = true
		b.part.close()
		b.mu.Unlock()
		b.p.end()
	})
	return nil
}

// turnTo goes on with another part.
func (b *body) turnTo(next *part) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.part.close()
	if b.part = next; b.closed {
		next.close()
	}
}

// strongTag returns the strong entity tag of an answer (RFC 9110 section 8.8.3), "" if it has none, or one that can
// hardly be meant.
func strongTag(h http.Header) string {
	values := h.Values("Etag")
	if len(values) != 1 {
		return ""
	}
	inner, begins := strings.CutPrefix(values[0], `"`)
	inner, ends := strings.CutSuffix(inner, `"`)
	if !begins || !ends || inner == "" || strings.Contains(inner, `"`) {
		return ""
	}
	return values[0]
}

func codingOf(h http.Header) string { return strings.Join(h.Values("Content-Encoding"), ",") }
