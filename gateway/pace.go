package gateway

import (
	"fmt"
	"io"
	"time"
)

// paceWindow is the time over which limits.min_rate is measured.
const paceWindow = 60 * time.Second

// pace finds out who moves less than limits.min_rate. It counts only the time spent waiting for the other side, so a
// client is not blamed for a slow origin, nor an origin for a slow client. It is used by one goroutine at a time.
type pace struct {
	rate   int64         // bytes per second
	window time.Duration // paceWindow
	waited time.Duration
	moved  int64
}

func newPace(rate int64) pace { return pace{rate: rate, window: paceWindow} }

// add counts n bytes that took so long to move.
func (p *pace) add(n int, took time.Duration) error {
	p.waited += took
	p.moved += int64(n)
	if p.waited < p.window {
		return nil
	}
	moved, waited := p.moved, p.waited
	p.waited, p.moved = 0, 0
	if float64(moved) < float64(p.rate)*waited.Seconds() {
		return fmt.Errorf("moved %d bytes in %s, less than limits.min_rate asks (%d bytes a second)",
			moved, waited.Round(time.Second), p.rate)
	}
	return nil
}

// paced reads from an origin that must keep up limits.min_rate.
type paced struct {
	io.ReadCloser
	pace pace
}

func newPaced(body io.ReadCloser, rate int64) io.ReadCloser {
	return &paced{ReadCloser: body, pace: newPace(rate)}
}

// Read blames the origin only for a read that was not its last.
func (p *paced) Read(b []byte) (int, error) {
	began := time.Now()
	n, err := p.ReadCloser.Read(b)
	if slow := p.pace.add(n, time.Since(began)); slow != nil && err == nil {
		return n, slow
	}
	return n, err
}
