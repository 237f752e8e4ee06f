package openloop

import (
	"context"
	"errors"
	"time"
)

// Pace sends the time at which each of count requests is due, and closes the channel after the last. The channel must
// hold them all: who is late must not delay the next.
func Pace(ctx context.Context, interval time.Duration, count int, due chan<- time.Time) (err error) {
	defer close(due)
	timer, err := NewTimer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, timer.Close()) }()
	begin := time.Now()
	for i := range count {
		at := begin.Add(time.Duration(i+1) * interval)
		if err := timer.Wait(at); err != nil {
			return err
		}
		due <- at
	}
	return nil
}
