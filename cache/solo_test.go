package cache_test

import (
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// private is an answer that may not be shared.
func private(p *cache.Pull) { p.Reason = "private" }

// hold is a client that has got an answer that may not be shared and does not end it.
func (r *rig) hold(key string) *cache.Object {
	r.Helper()
	obj, err := r.cache.Fill(r.site, key, r.opts, r.answers("mine", private))
	if err != nil {
		r.Fatal(err)
	}
	return obj
}

// Once an answer was not to be shared, nobody waits for another's header for 30 s; after that they do, once.
func TestUnsharedIsRemembered(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		f := func(when string, wantJoined bool) {
			t.Helper()
			before, header := r.loaded(), make(chan struct{})
			load := r.answers("mine", func(p *cache.Pull) { <-header; private(p) })
			clients := []*client{r.client("k", load), r.client("k", load), r.client("k", load)}
			if joined := r.loaded()-before == 1; joined != wantJoined {
				t.Errorf("%s: %d pulls of three clients before there is a header", when, r.loaded()-before)
			}
			close(header)
			synctest.Wait()
			for _, c := range clients {
				c.wants(t, "mine")
			}
		}
		f("first", true)
		f("again", false)
		wait(30*time.Second - 1)
		f("just before its end", false) // and from here on it is remembered anew
		wait(30 * time.Second)
		f("after its time", true)
		if got, err := r.fill("k", r.answers("ours")); err != nil || !got.obj.Pull.Kept {
			t.Errorf("it may be shared now: %+v, %v", got, err)
		}
		r.spool.save(r.bucket)
		r.left = 0
		r.bucket.remove("k")
		wait(time.Hour)
		f("stored and deleted", true)
	})
}

// What is stored makes it forgotten.
func TestUnsharedIsForgotten(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		readAll(t, r.hold("k"))
		r.site.Save = false // then the next request pulls it again
		if got, err := r.fill("k", r.answers("ours")); err != nil || got.data != "ours" {
			t.Fatalf("got %+v, %v", got, err)
		}
		w := newWire()
		load := r.pulls(w, 4, nil)
		one, two := r.client("k", load), r.client("k", load)
		w.send("data")
		w.finish(io.EOF)
		one.wants(t, "data")
		two.wants(t, "data")
		if r.loaded() != 3 {
			t.Errorf("%d pulls: the last two should be one", r.loaded())
		}
	})
}

func TestMaxSoloPulls(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.opts.Wait = 7 * time.Second
		var held []*cache.Object
		for range 4 { // the first of them was a pull that others might have joined
			held = append(held, r.hold("k"))
		}
		busy := func(when string, load cache.Loader, pulls int) {
			t.Helper()
			began, before := time.Now(), r.loaded()
			if _, err := r.fill("k", load); !isBusy(err, "limits.max_solo_pulls") || time.Since(began) != 7*time.Second {
				t.Errorf("%s: got %v after %v", when, err, time.Since(began))
			}
			if r.loaded()-before != pulls {
				t.Errorf("%s: %d pulls", when, r.loaded()-before)
			}
		}
		busy("four are under way", r.answers("mine", private), 0)
		readAll(t, r.hold("other")) // the bound is each key's own
		wait(30 * time.Second)
		busy("and it is forgotten that they could not be shared", r.answers("mine", private), 1)
		late := r.client("k", r.answers("mine", private))
		held[0].Body.Close()
		synctest.Wait()
		late.wants(t, "mine")
		for _, obj := range held {
			obj.Body.Close()
		}
		if got, err := r.fill("k", r.answers("ours")); err != nil || got.data != "ours" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// The wait for a place and that for one of limits.max_pulls are one wait.
func TestSoloWaitsOnce(t *testing.T) {
	eachSpoolWith(t, cache.Limits{MaxPulls: 4, MaxWaiting: 10, MaxNegative: 10}, func(t *testing.T, r *rig) {
		r.opts.Wait = 10 * time.Second
		held := []*cache.Object{r.hold("k"), r.hold("k"), r.hold("k"), r.hold("k")}
		time.AfterFunc(6*time.Second, func() { held[0].Body.Close() })
		w := newWire()
		time.AfterFunc(6*time.Second-1, func() { r.cache.Behind(r.site, "other", r.opts, r.pulls(w, 4, nil)) })
		began := time.Now()
		if _, err := r.fill("k", r.answers("mine", private)); !isBusy(err, "limits.max_pulls") || time.Since(began) != 10*time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		for _, obj := range held {
			obj.Body.Close()
		}
		w.send("data")
		w.finish(io.EOF)
	})
}

// Nothing that is kept comes of a pull that nobody waits for: it is left out as long as that is known.
func TestBehindHeedsUnshared(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		behind := func(load cache.Loader) {
			r.cache.Behind(r.site, "k", r.opts, load)
			synctest.Wait()
		}
		behind(r.answers("mine", private))
		if behind(r.answers("mine", private)); r.loaded() != 1 {
			t.Errorf("%d pulls", r.loaded())
		}
		wait(30 * time.Second)
		if behind(r.answers("ours")); r.loaded() != 2 || len(r.spool.committed()) != 1 {
			t.Errorf("%d pulls, %d commits", r.loaded(), len(r.spool.committed()))
		}
	})
}

// That there is no such object any more is news that those on their own hear, too.
func TestUnsharedThenNegative(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		readAll(t, r.hold("k"))
		for i := range 3 {
			var negative *cache.NegativeError
			if _, err := r.fill("k", r.refuses(notFound())); !errors.As(err, &negative) || negative.Remembered != (i > 0) {
				t.Errorf("got %v", err)
			}
		}
		if r.loaded() != 2 {
			t.Errorf("%d pulls", r.loaded())
		}
	})
}

// Who waits to pull on their own when the gateway ends is waited for.
func TestDrainWaitsForThoseOnTheirOwn(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.opts.Wait = time.Minute
		var held []*cache.Object
		for range 4 {
			held = append(held, r.hold("k"))
		}
		waits := r.client("k", r.answers("mine", private))
		drained := false
		r.clients.Go(func() {
			if err := r.cache.Drain(t.Context()); err != nil {
				t.Error(err)
			}
			if _, got, end := waits.got(); got != "mine" || end != io.EOF {
				t.Errorf("drained, and then a client got %q, %v", got, end)
			}
			drained = true
		})
		synctest.Wait()
		for _, obj := range held {
			obj.Body.Close()
		}
		synctest.Wait()
		if !drained {
			t.Error("it still waits")
		}
	})
}

// A spool without room for one part does not keep the whole from being shared.
func TestPartWithoutRoomLeavesNoMemory(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.spool.createErr = fmt.Errorf("wrapped: %w", cache.ErrNoRoom)
		got, err := r.fillPart("k", cache.Range{First: 2, Last: 5}, r.part("0123456789", 2, 4))
		if err != nil || got.data != "2345" || got.obj.Pull.Reason != "spool" || !got.obj.Partial {
			t.Fatalf("got %+v, %v", got, err)
		}
		r.spool.createErr = nil
		w := newWire()
		load := r.pulls(w, 4, nil)
		one, two := r.client("k", load), r.client("k", load)
		w.send("data")
		w.finish(io.EOF)
		one.wants(t, "data")
		two.wants(t, "data")
		if r.loaded() != 2 {
			t.Errorf("%d pulls", r.loaded())
		}
	})
}

// The checksum of an answer that is not kept counts, too: without it nobody gets the last byte.
func TestUnsharedIsVerified(t *testing.T) {
	const data = "123456789"
	right := md5.Sum([]byte(data))
	wrong := right
	wrong[0] ^= 1
	eachSpool(t, func(t *testing.T, r *rig) {
		f := func(sum []byte, got string, mismatch bool, parts ...string) {
			t.Helper()
			w := newWire()
			c := r.client("k", r.pulls(w, len(data), func(p *cache.Pull) {
				private(p)
				p.Digests = []cache.Digest{{Algorithm: "md5", Sum: sum}}
			}))
			for _, part := range parts {
				w.send(part)
			}
			w.finish(io.EOF)
			_, read, end := c.got()
			var failed *cache.DigestError
			if read != got || errors.As(end, &failed) != mismatch || !mismatch && end != io.EOF {
				t.Errorf("%q of %x: got %q, then %v", parts, sum, read, end)
			}
		}
		f(right[:], data, false, data)
		f(right[:], data, false, "1", "2345", "6", "789")
		f(wrong[:], data[:8], true, data)
		f(wrong[:], data[:8], true, "1", "2345", "6", "78", "9")
	})
}
