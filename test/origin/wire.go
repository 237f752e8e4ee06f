package origin

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"golang.org/x/time/rate"
)

// errCut is how an answer learns that it is cut here.
var errCut = errors.New("cut by the fault")

// wire writes to the connection, under the limit that all connections share.
type wire struct {
	ctx    context.Context
	w      io.Writer
	shared *rate.Limiter // nil: none
}

func (w wire) Write(p []byte) (int, error) {
	if w.shared == nil {
		return w.w.Write(p)
	}
	return writePieces(w.ctx, w.w, w.shared, p)
}

// writePieces writes p in pieces no bigger than the limiter lets through at once, each when it is due.
func writePieces(ctx context.Context, w io.Writer, limiter *rate.Limiter, p []byte) (int, error) {
	written := 0
	for piece := range slices.Chunk(p, min(limiter.Burst(), copyBlock)) {
		if err := limiter.WaitN(ctx, len(piece)); err != nil {
			return written, err
		}
		n, err := w.Write(piece)
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// counter counts what was written.
type counter struct {
	w    io.Writer
	note func(n int)
}

func (c counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.note(n)
	return n, err
}

// over puts a pace over a writer.
func (p Pace) over(ctx context.Context, w io.Writer, wait func(Stop) error) io.Writer {
	if p.Rate > 0 {
		w = paced{ctx, w, rate.NewLimiter(rate.Limit(p.Rate), p.piece())}
	}
	if p.Cut {
		w = &cutter{w, p.CutAt}
	}
	if len(p.Stops) > 0 {
		stops := slices.Clone(p.Stops)
		slices.SortStableFunc(stops, func(a, b Stop) int { return cmp.Compare(a.At, b.At) })
		w = &stopper{w: w, stops: stops, wait: wait}
	}
	return w
}

func (p Pace) piece() int {
	const perSecond = 50
	if p.Piece > 0 {
		return p.Piece
	}
	return int(min(max(1, p.Rate/perSecond), copyBlock))
}

// paced writes at a rate.
type paced struct {
	ctx     context.Context
	w       io.Writer
	limiter *rate.Limiter
}

func (p paced) Write(b []byte) (int, error) { return writePieces(p.ctx, p.w, p.limiter, b) }

// cutter writes so many bytes and no more.
type cutter struct {
	w    io.Writer
	left int64
}

func (c *cutter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err == nil && n < len(p) {
		err = errCut
	}
	return n, err
}

// stopper stops before the bytes at some positions.
type stopper struct {
	w     io.Writer
	at    int64
	stops []Stop
	wait  func(Stop) error
}

func (s *stopper) Write(p []byte) (int, error) {
	written := 0
	for len(s.stops) > 0 && s.stops[0].At < s.at+int64(len(p)-written) {
		n, err := s.write(p[written : written+int(max(0, s.stops[0].At-s.at))])
		written += n
		if err != nil {
			return written, err
		}
		if err := s.pass(); err != nil {
			return written, err
		}
	}
	n, err := s.write(p[written:])
	return written + n, err
}

func (s *stopper) write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := s.w.Write(p)
	s.at += int64(n)
	return n, err
}

// pass waits at the next stop.
func (s *stopper) pass() error {
	stop := s.stops[0]
	s.stops = s.stops[1:]
	return s.wait(stop)
}

// finish waits at the stops that lie at the end.
func (s *stopper) finish() error {
	for len(s.stops) > 0 && s.stops[0].At <= s.at {
		if err := s.pass(); err != nil {
			return err
		}
	}
	return nil
}

// sleep waits for a time or until the context ends.
func sleep(ctx context.Context, d time.Duration, released <-chan struct{}) error {
	var due <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-released:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
