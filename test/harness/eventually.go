package harness

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// pollEvery is how long a poll waits between two looks.
const pollEvery = 10 * time.Millisecond

// Eventually calls check at once and then again and again until it returns nil. It fails the test with check's last
// error when that has not happened within the timeout.
func Eventually(t testing.TB, timeout time.Duration, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	if err := poll(ctx, nil, func(context.Context) error { return check() }); err != nil {
		t.Fatalf("not within %v: %v", timeout, err)
	}
}

var errEnded = errors.New("the process has ended")

// poll calls check until it returns nil, ctx ends or stop is closed. In the latter cases it returns check's last error.
func poll(ctx context.Context, stop <-chan struct{}, check func(context.Context) error) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-stop:
			return fmt.Errorf("%w: %w", errEnded, err)
		case <-ticker.C:
		}
	}
}
