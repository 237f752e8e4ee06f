package origin

import (
	"errors"
	"io"
	"sync"

	"golang.org/x/time/rate"
)

// body is what a Response's Body is: the origin's, read under the limits on stalls and bandwidth.
type body struct {
	src    io.ReadCloser
	w      *watch // of the request that brought it
	stall  *limitError
	flow   *rate.Limiter // nil: no limit
	target string
	p      *pull

	err  error // how it ended, for Read alone
	once sync.Once
}

func (p *pull) body(h hop, a *answer) *body {
	return &body{src: a.Body, w: a.w, stall: p.o.stall, flow: p.o.limits.bandwidth, target: h.t.role, p: p}
}

// Read returns at least one byte or an error. io.EOF comes only where the framing says that the body ends.
func (b *body) Read(to []byte) (int, error) {
	if b.err != nil || len(to) == 0 {
		return 0, b.err
	}
	if b.flow != nil {
		to = to[:min(len(to), b.flow.Burst())]
	}
	n, err := b.more(to)
	if err != nil {
		b.err = b.failure(err)
	}
	if n > 0 && b.flow != nil {
		if err := b.flow.WaitN(b.w.ctx, n); err != nil {
			b.err = b.failure(err)
		}
	}
	return n, b.err
}

// more reads until there is something. Only the origin's time counts: what the reader does between reads does not.
func (b *body) more(to []byte) (n int, err error) {
	b.w.arm(b.stall)
	defer b.w.disarm()
	for n == 0 && err == nil {
		n, err = b.src.Read(to)
	}
	return n, err
}

func (b *body) failure(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	e := failure(b.w.ctx, opBody, err)
	e.Target = b.target
	return e
}

// Close ends the pull: a Read under way fails, and a body that was not read to its end is cut off.
func (b *body) Close() error {
	b.once.Do(func() {
		b.w.end()
		_ = b.src.Close() // it was cancelled on purpose
		b.p.end()
	})
	return nil
}
