package reload_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"

	"mirrorgate/test/harness"
)

// peek is a body of which the beginning may be looked at more than once.
type peek struct {
	*bufio.Reader
	io.Closer
}

// beginning is how much of a body tells two objects apart.
const beginning = 64

// peeked makes the answer's body one.
func peeked(r *http.Response) peek {
	p, ok := r.Body.(peek)
	if !ok {
		p = peek{bufio.NewReader(r.Body), r.Body}
		r.Body = p
	}
	return p
}

func (p peek) begins(with harness.Truth, at int64) bool {
	want := make([]byte, beginning)
	_, _ = with.ReadAt(want, at)
	got, err := p.Peek(beginning)
	return err == nil && bytes.Equal(got, want)
}
