package origin

import (
	"io"
)

// part is the body of one answer, read under the limits on stalls and bandwidth.
type part struct {
	src    io.ReadCloser
	w      *watch // of the request that brought it
	stall  *limitError
	flow   *flow // nil: no limit
	target string
	tally  *targetTally

	// The fields below are Read's alone.
	err   error // how it ended
	broke bool  // it ended where src did not say that it ends
}

func (p *pull) part(got *reply) *part {
	role := got.hop.t.role
	return &part{
		src: got.Body, w: got.w, stall: p.o.stall, flow: p.o.limits.bandwidth, target: role, tally: p.o.tally.target(role),
	}
}

// Read returns at least one byte or an error. io.EOF comes only where the framing says that the body ends.
func (b *part) Read(to []byte) (int, error) {
	if b.err != nil || len(to) == 0 {
		return 0, b.err
	}
	if b.flow != nil {
		to = to[:min(len(to), b.flow.most())]
	}
	n, err := b.more(to)
	b.tally.received.Add(int64(n))
	if err != nil {
		b.err = b.failure(err)
		b.broke = err != io.EOF
	}
	if n > 0 && b.flow != nil {
		if err := b.flow.wait(b.w.ctx, n); err != nil {
			b.err, b.broke = b.failure(err), false
		}
	}
	return n, b.err
}

// more reads until there is something. Only the origin's time counts: what the reader does between reads does not.
func (b *part) more(to []byte) (n int, err error) {
	b.w.arm(b.stall)
	defer b.w.disarm()
	for n == 0 && err == nil {
		n, err = b.src.Read(to)
	}
	return n, err
}

func (b *part) failure(err error) error {
	if err == io.EOF {
		return io.EOF
	}
	e := failure(b.w.ctx, opBody, err)
	e.Target = b.target
	return e
}

// close ends a Read under way, and cuts off what was not read to its end.
func (b *part) close() {
	b.w.end()
	_ = b.src.Close() // it was cancelled on purpose
}
