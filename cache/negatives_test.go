package cache_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

func notFound() *cache.NegativeError { return &cache.NegativeError{Status: 404, Err: errOrigin} }

// wait lets the clock of the test go on.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestFillNegative(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		f := func(when string, remembered bool, pulls int) {
			t.Helper()
			var negative *cache.NegativeError
			_, err := r.fill("k", r.refuses(&cache.NegativeError{Status: 451, Err: errOrigin}))
			if !errors.As(err, &negative) || negative.Status != 451 || negative.Remembered != remembered || r.loaded() != pulls {
				t.Errorf("%s: got %v after %d pulls", when, err, r.loaded())
			}
		}
		f("first", false, 1)
		f("again", true, 1)
		wait(5*time.Second - 1)
		f("just before its end", true, 1)
		wait(1)
		f("after its time", false, 2)
		r.opts.Scope = "other targets"
		f("other targets", false, 3)
		f("other targets again", true, 3)
		wait(5 * time.Second)
		r.opts.NegativeTTL = 0
		f("without a time", false, 4)
		f("without a time, again", false, 5)
	})
}

func TestFillNegativeGoesToAllWhoWait(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		answer := make(chan struct{})
		load := r.loader(func(context.Context) (*cache.Pull, error) {
			<-answer
			return nil, notFound()
		})
		clients := []*client{r.client("k", load), r.client("k", load), r.client("k", load)}
		close(answer)
		synctest.Wait()
		for _, c := range clients {
			var negative *cache.NegativeError
			if _, _, err := c.got(); !errors.As(err, &negative) || negative.Remembered {
				t.Errorf("got %v", err)
			}
		}
		if r.loaded() != 1 {
			t.Errorf("%d pulls", r.loaded())
		}
	})
}

// What any pull of the key stores, makes its absence forgotten; failures of other kinds are not remembered.
func TestFillNegativeIsForgotten(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.opts.NegativeTTL = time.Hour
		if _, err := r.fill("k", r.refuses(notFound())); err == nil {
			t.Fatal("no error")
		}
		first := r.opts
		r.opts.Scope = "other targets"
		if got, err := r.fill("k", r.answers("data")); err != nil || got.data != "data" {
			t.Fatalf("got %+v, %v", got, err)
		}
		r.opts = first
		if _, err := r.fill("k", r.refuses(notFound())); !errors.Is(err, cache.ErrStored) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFillNegativeBound(t *testing.T) {
	eachSpoolWith(t, cache.Limits{MaxPulls: 10, MaxWaiting: 10, MaxNegative: 2}, func(t *testing.T, r *rig) {
		gone := r.refuses(notFound())
		ask := func(key string) {
			if _, err := r.fill(key, gone); err == nil {
				t.Error("no error")
			}
		}
		for _, key := range []string{"a", "b", "c", "d", "a", "b"} {
			ask(key)
		}
		if r.loaded() != 4 {
			t.Errorf("%d pulls, want one of each key", r.loaded())
		}
		if ask("d"); r.loaded() != 5 {
			t.Error("more is remembered than limits.max_negative")
		}
		wait(5 * time.Second)
		ask("d")
		if ask("d"); r.loaded() != 6 {
			t.Errorf("%d pulls: what has expired keeps its place", r.loaded())
		}
	})
}
