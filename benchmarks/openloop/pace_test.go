package openloop

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Requests are due at the intended times, however late the timer was.
func TestPaceIsRegular(t *testing.T) {
	due := make(chan time.Time, 200)
	if err := Pace(t.Context(), time.Millisecond, 200, due); err != nil {
		t.Fatal(err)
	}
	var last time.Time
	n := 0
	for at := range due {
		if n++; n > 1 && at.Sub(last) != time.Millisecond {
			t.Errorf("request %d is due %v after the one before", n, at.Sub(last))
		}
		last = at
	}
	if late := time.Since(last); n != 200 || late < 0 {
		t.Errorf("%d requests, the last is due %v ago", n, late)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Pace(ctx, time.Hour, 1, make(chan time.Time, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A wait never ends early, ends at once when its time has passed, and ends with the context.
func TestTimer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	timer, err := NewTimer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer timer.Close()
	for _, left := range []time.Duration{-time.Second, 0, time.Microsecond, 3 * time.Millisecond, 20 * time.Millisecond} {
		until := time.Now().Add(left)
		if err := timer.Wait(until); err != nil || time.Until(until) > 0 {
			t.Errorf("waiting %v: %v, %v before the end", left, err, time.Until(until))
		}
	}
	ended := make(chan error)
	go func() { ended <- timer.Wait(time.Now().Add(time.Hour)) }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
