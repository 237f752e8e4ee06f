package cache_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

func TestFillMaxPulls(t *testing.T) {
	eachSpoolWith(t, cache.Limits{MaxPulls: 1, MaxWaiting: 100, MaxNegative: 1}, func(t *testing.T, r *rig) {
		w := newWire()
		load := r.pulls(w, 4, nil)
		c := r.client("held", load)
		joined := []*client{r.client("held", load), r.client("held", load)} // do not count
		r.opts.Wait = 10 * time.Second
		begin := time.Now()
		if _, err := r.fill("other", r.answers("data")); !isBusy(err, "limits.max_pulls") || time.Since(begin) != 10*time.Second {
			t.Errorf("got %v after %v", err, time.Since(begin))
		}
		if r.loaded() != 1 {
			t.Errorf("%d pulls", r.loaded())
		}
		late := r.client("late", r.answers("late"))
		wait(9 * time.Second)
		w.send("data")
		w.finish(io.EOF)
		late.wants(t, "late")
		for _, c := range append(joined, c) {
			c.wants(t, "data")
		}
		r.opts.Wait = 0
		if got, err := r.fill("other", r.answers("data")); err != nil || got.data != "data" {
			t.Errorf("a free place is taken without waiting: %+v, %v", got, err)
		}
	})
}

// A place is given back however a pull ends.
func TestFillGivesItsPlaceBack(t *testing.T) {
	eachSpoolWith(t, cache.Limits{MaxPulls: 1, MaxWaiting: 10, MaxNegative: 1}, func(t *testing.T, r *rig) {
		r.opts.Wait = 0
		alone := func(p *cache.Pull) { p.Reason = "private" }
		loads := []cache.Loader{
			r.refuses(errOrigin), r.refuses(notFound()), r.answers("short", func(p *cache.Pull) { p.Meta.Size = 9 }),
			r.answers("alone", alone), r.answers(""), r.answers("data"), r.answers("behind"),
		}
		for i, load := range loads {
			key := string(rune('a' + i))
			if i == len(loads)-1 {
				r.cache.Behind(r.site, key, r.opts, r.answers("alone and behind", alone))
			} else if _, err := r.fill(key, load); isBusy(err, "limits.max_pulls") {
				t.Errorf("load %d: %v", i, err)
			}
			synctest.Wait()
		}
		obj, err := r.cache.Fill(r.site, "solo", r.opts, r.answers("solo", alone))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.fill("z", r.answers("data")); !isBusy(err, "limits.max_pulls") {
			t.Errorf("a pull for one request counts until it is closed: got %v", err)
		}
		readAll(t, obj)
		if got, err := r.fill("z", r.answers("data")); err != nil || got.data != "data" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestFillMaxWaiting(t *testing.T) {
	eachSpoolWith(t, cache.Limits{MaxPulls: 10, MaxWaiting: 3, MaxNegative: 1}, func(t *testing.T, r *rig) {
		w := newWire()
		load := r.pulls(w, 4, nil)
		clients := []*client{r.client("k", load), r.client("k", load), r.client("k", load)}
		for _, key := range []string{"k", "other"} {
			if _, err := r.fill(key, load); !isBusy(err, "limits.max_waiting") {
				t.Errorf("%s: got %v", key, err)
			}
		}
		r.cache.Behind(r.site, "behind", r.opts, r.answers("data")) // nobody waits for it
		w.send("da")                                                // a first byte can be read: they do not wait any more
		clients = append(clients, r.client("k", load))
		w.send("ta")
		w.finish(io.EOF)
		for _, c := range clients {
			c.wants(t, "data")
		}
		for range 5 { // who failed does not wait any more
			if _, err := r.fill("failing", r.refuses(errOrigin)); !errors.Is(err, errOrigin) {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestDrainWaits(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		w, solo := newWire(), newWire()
		c := r.client("k", r.pulls(w, 4, nil))
		alone := r.client("solo", r.pulls(solo, -1, func(p *cache.Pull) { p.Reason = "private" }))
		drained := make(chan error, 1)
		r.clients.Go(func() { drained <- r.cache.Drain(t.Context()) })
		w.send("da")
		w.send("ta")
		w.finish(io.EOF)
		wait(time.Hour)
		select {
		case err := <-drained:
			t.Errorf("a pull is under way: %v", err)
		default:
		}
		solo.send("mine")
		solo.finish(io.EOF)
		if err := <-drained; err != nil {
			t.Error(err)
		}
		c.wants(t, "data")
		alone.wants(t, "mine")
		if len(r.spool.committed()) != 1 {
			t.Error("it was not kept")
		}
	})
}

func TestDrainCancels(t *testing.T) {
	eachSpoolWith(t, cache.Limits{MaxPulls: 3, MaxWaiting: 10, MaxNegative: 1}, func(t *testing.T, r *rig) {
		r.opts.Wait = time.Hour
		w, solo, mute := newWire(), newWire(), newWire()
		clients := []*client{
			r.client("k", r.pulls(w, -1, nil)),
			r.client("solo", r.pulls(solo, -1, func(p *cache.Pull) { p.Reason = "private" })),
			r.client("without a header", r.loader(func(ctx context.Context) (*cache.Pull, error) {
				<-ctx.Done()
				return nil, context.Cause(ctx)
			})),
			r.client("without a place", r.pulls(mute, -1, nil)),
		}
		w.send("data")
		solo.send("mine")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		err := r.cache.Drain(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Minute {
			t.Errorf("got %v after %v", err, time.Since(begin))
		}
		synctest.Wait()
		for i, c := range clients {
			if _, got, end := c.got(); !errors.Is(end, context.Canceled) || strings.Contains(got, "data") {
				t.Errorf("client %d got %q, then %v", i, got, end)
			}
		}
		if len(r.spool.committed()) != 0 {
			t.Error("something is kept")
		}
	})
}

func TestDrainOfNothing(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		if err := r.cache.Drain(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// The pull's context ends with its body, and not with a client that leaves.
func TestFillContext(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		f := func(key, reason string) {
			t.Helper()
			w := newWire()
			obj := make(chan *cache.Object, 1)
			r.clients.Go(func() {
				o, err := r.cache.Fill(r.site, key, r.opts, r.pulls(w, -1, func(p *cache.Pull) { p.Reason = reason }))
				if err != nil {
					t.Error(err)
				}
				obj <- o
			})
			synctest.Wait()
			if reason == "" {
				w.send("da")
			}
			o := <-obj
			if w.ctx.Err() != nil {
				t.Errorf("%s: it ended with the header", key)
			}
			o.Body.Close()
			synctest.Wait()
			if reason != "" {
				if w.ctx.Err() == nil {
					t.Errorf("%s: nobody reads it, and it goes on", key)
				}
				return
			}
			if w.ctx.Err() != nil {
				t.Errorf("%s: it ended with its client", key)
			}
			w.send("ta")
			w.finish(io.EOF)
			if w.ctx.Err() == nil {
				t.Errorf("%s: it goes on after its end", key)
			}
		}
		f("shared", "")
		f("alone", "private")
	})
}
