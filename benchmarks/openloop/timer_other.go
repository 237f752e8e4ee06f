//go:build !linux

package openloop

import (
	"context"
	"time"
)

// Timer waits for points of time. It is used by one goroutine.
type Timer struct{ ctx context.Context }

// NewTimer returns a timer whose waits end with the context. The caller closes it.
func NewTimer(ctx context.Context) (*Timer, error) { return &Timer{ctx}, nil }

// Wait returns at the time, at once if that has passed, or with the context's error.
func (t *Timer) Wait(until time.Time) error {
	left := time.Until(until)
	if left <= 0 || t.ctx.Err() != nil {
		return t.ctx.Err()
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-t.ctx.Done():
		return t.ctx.Err()
	}
}

// Close frees the timer.
func (t *Timer) Close() error { return nil }
