package cache_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// headers answers HEADs of size bytes.
func (r *rig) headers(size int64) cache.HeadLoader {
	return r.headLoader(func(context.Context) (*cache.Object, error) {
		return &cache.Object{Meta: cache.Meta{Size: size}, Tier: cache.TierPull}, nil
	})
}

func (r *rig) headLoader(load cache.HeadLoader) cache.HeadLoader {
	return func(ctx context.Context) (*cache.Object, error) {
		r.mu.Lock()
		r.loads++
		r.mu.Unlock()
		return load(ctx)
	}
}

func (r *rig) refusesHead(err error) cache.HeadLoader {
	return r.headLoader(func(context.Context) (*cache.Object, error) { return nil, err })
}

func (r *rig) head(load cache.HeadLoader) (*cache.Object, error) {
	return r.cache.Head(r.site, "k", r.opts, load)
}

func (r *rig) wantsHead(when string, load cache.HeadLoader, size int64, loads int) {
	r.Helper()
	if obj, err := r.head(load); err != nil || obj.Meta.Size != size || obj.Body != nil || r.loaded() != loads {
		r.Errorf("%s: got %+v, %v after %d requests to the origin", when, obj, err, r.loaded())
	}
}

func TestHeadIsRemembered(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.wantsHead("first", r.headers(7), 7, 1)
		r.wantsHead("again", r.headers(8), 7, 1)
		wait(5*time.Second - 1)
		r.wantsHead("just before its end", r.headers(8), 7, 1)
		wait(1)
		r.wantsHead("after its time", r.headers(8), 8, 2)
		r.opts.Scope = "other targets"
		r.wantsHead("other targets", r.headers(9), 9, 3)
		r.opts.Solo = true
		r.wantsHead("on its own", r.headers(10), 10, 4)
		r.opts.Solo = false
		r.wantsHead("which leaves no memory", r.headers(11), 9, 4)
		wait(5 * time.Second)
		r.opts.NegativeTTL = 0
		r.wantsHead("without a time", r.headers(12), 12, 5)
		r.wantsHead("without a time, again", r.headers(13), 13, 6)
		if len(r.spool.committed()) != 0 || r.bucket.opened() != 0 {
			t.Error("a HEAD stores nothing")
		}
	})
}

// A HEAD's 404 is for HEAD alone; a GET's is for both. What is stored makes both forgotten.
func TestHeadNegative(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		negative := func(when string, load cache.HeadLoader, remembered bool, loads int) {
			t.Helper()
			var n *cache.NegativeError
			_, err := r.head(load)
			if !errors.As(err, &n) || n.Status != 404 || n.Remembered != remembered || r.loaded() != loads {
				t.Errorf("%s: got %v after %d requests to the origin", when, err, r.loaded())
			}
		}
		r.opts.NegativeTTL = time.Hour
		negative("first", r.refusesHead(notFound()), false, 1)
		negative("again", r.headers(4), true, 1)
		if got, err := r.fill("k", r.answers("data")); err != nil || got.data != "data" {
			t.Errorf("a GET: %+v, %v", got, err)
		}
		r.wantsHead("stored", r.headers(4), 4, 3)
		r.spool.save(r.bucket)
		r.left = 0
		r.bucket.remove("k")
		wait(time.Hour)
		if _, err := r.fill("k", r.refuses(notFound())); err == nil {
			t.Error("no error")
		}
		negative("after a GET", r.headers(4), true, 4)
	})
}

// Failures are nobody's to remember.
func TestHeadFails(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		for range 2 {
			if _, err := r.head(r.refusesHead(errOrigin)); !errors.Is(err, errOrigin) {
				t.Errorf("got %v", err)
			}
		}
		r.wantsHead("then", r.headers(7), 7, 3)
	})
}

func TestHeadsAreJoined(t *testing.T) {
	eachSpoolWith(t, cache.Limits{MaxPulls: 2, MaxWaiting: 10, MaxNegative: 10}, func(t *testing.T, r *rig) {
		r.opts.NegativeTTL = 0
		answer := make(chan struct{})
		slow := r.headLoader(func(context.Context) (*cache.Object, error) {
			<-answer
			return &cache.Object{Meta: cache.Meta{Size: 7}}, nil
		})
		var mu sync.Mutex
		got := 0
		for range 10 {
			r.clients.Go(func() {
				obj, err := r.head(slow)
				if err != nil || obj.Meta.Size != 7 {
					t.Errorf("got %+v, %v", obj, err)
				}
				mu.Lock()
				defer mu.Unlock()
				got++
			})
		}
		synctest.Wait()
		if r.loaded() != 1 {
			t.Errorf("%d requests to the origin", r.loaded())
		}
		if _, err := r.head(slow); !isBusy(err, "limits.max_waiting") {
			t.Errorf("one more than may wait: got %v", err)
		}
		close(answer)
		synctest.Wait()
		if got != 10 || r.loaded() != 1 {
			t.Errorf("%d answers of %d requests to the origin", got, r.loaded())
		}
		r.wantsHead("then", r.headers(8), 8, 2)
	})
}

// A HEAD takes one of limits.max_pulls, and gives it back.
func TestHeadMaxPulls(t *testing.T) {
	eachSpoolWith(t, cache.Limits{MaxPulls: 1, MaxWaiting: 10, MaxNegative: 10}, func(t *testing.T, r *rig) {
		w := newWire()
		c := r.client("k", r.pulls(w, 4, nil))
		began := time.Now()
		if _, err := r.head(r.headers(4)); !isBusy(err, "limits.max_pulls") || time.Since(began) != r.opts.Wait {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		w.send("data")
		w.finish(io.EOF)
		c.wants(t, "data")
		for range 3 {
			_, _ = r.head(r.refusesHead(errOrigin))
		}
		r.wantsHead("then", r.headers(4), 4, 5)
	})
}

// The gateway's end ends a HEAD, and waits for it.
func TestHeadAndDrain(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		ended := false
		r.clients.Go(func() {
			_, err := r.head(func(ctx context.Context) (*cache.Object, error) {
				<-ctx.Done()
				ended = true
				return nil, context.Cause(ctx)
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.cache.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) || !ended {
			t.Errorf("got %v, the HEAD has ended: %v", err, ended)
		}
	})
}
