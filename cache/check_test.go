package cache_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// replaces is an answer that is to replace the copy in the bucket.
func (r *rig) replaces(key string) func(*cache.Pull) {
	tag := r.bucket.etag(key)
	return func(p *cache.Pull) { p.Put.IfMatch = tag }
}

func (r *rig) check(period time.Duration, load cache.Loader) {
	r.cache.Check(r.site, "k", period, load)
	synctest.Wait()
}

func (r *rig) refresh(load cache.Loader) error {
	return r.cache.Refresh(r.Context(), r.site, "k", r.opts, load)
}

// inBucket fails the test unless Get gives data for key, from the bucket.
func (r *rig) inBucket(key, data string) {
	r.Helper()
	obj, err := r.cache.Get(r.Context(), r.site, key, cache.ReadOptions{})
	if err != nil {
		r.Errorf("%s: %v", key, err)
		return
	}
	if got := readAll(r.T, obj); got != data || obj.Tier != cache.TierBucket {
		r.Errorf("%s: got %q of tier %d, want %q", key, got, obj.Tier, data)
	}
}

func (r *rig) absent(key string) {
	r.Helper()
	if obj, err := r.cache.Get(r.Context(), r.site, key, cache.ReadOptions{}); !errors.Is(err, cache.ErrNotFound) {
		r.Errorf("%s: got %+v, %v", key, obj, err)
	}
}

func TestCheckReplaces(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.bucket.put("k", "old", nil)
		tag := r.bucket.etag("k")
		w := newWire()
		r.check(time.Minute, r.pulls(w, 3, r.replaces("k")))
		r.check(time.Minute, r.refuses(errOrigin)) // one is under way
		wait(time.Hour)
		r.check(time.Minute, r.refuses(errOrigin)) // still
		w.send("new")
		r.inBucket("k", "old") // as long as the new one is not saved
		w.finish(io.EOF)
		r.inBucket("k", "old")
		got := r.spool.committed()
		if len(got) != 1 || got[0].Put.IfMatch != tag || got[0].Meta.Size != 3 || r.loaded() != 1 {
			t.Fatalf("committed %+v after %d pulls", got, r.loaded())
		}
		r.spool.save(r.bucket)
		r.left = 0
		r.inBucket("k", "new")
	})
}

// How long a check holds: for its period when its outcome stands, at least 10 s; after a failure for 10 s.
func TestCheckPeriod(t *testing.T) {
	sum := md5.Sum([]byte("old"))
	f := func(name string, period, want time.Duration, load func(r *rig) cache.Loader) {
		t.Run(name, func(t *testing.T) {
			eachSpool(t, func(t *testing.T, r *rig) {
				r.bucket.put("k", "old", nil)
				first := load(r)
				r.check(period, first)
				r.check(period, first)
				wait(want - 1)
				r.check(period, first)
				if r.loaded() != 1 {
					t.Errorf("%d pulls within %v", r.loaded(), want)
				}
				wait(1)
				if r.check(period, first); r.loaded() != 2 {
					t.Errorf("%d pulls after %v", r.loaded(), want)
				}
				r.inBucket("k", "old")
				r.left = min(1, len(r.spool.committed()))
			})
		})
	}
	unchanged := func(r *rig) cache.Loader { return r.refuses(cache.ErrUnchanged) }
	f("unchanged", time.Hour, time.Hour, unchanged)
	f("a short period", time.Second, 10*time.Second, unchanged)
	f("gone", time.Hour, time.Hour, func(r *rig) cache.Loader { return r.refuses(notFound()) })
	f("not to be kept", time.Hour, time.Hour, func(r *rig) cache.Loader { return r.answers("mine", private) })
	f("replaced", time.Hour, time.Hour, func(r *rig) cache.Loader { return r.answers("new", r.replaces("k")) })
	f("the same bytes", time.Hour, time.Hour, func(r *rig) cache.Loader {
		return r.answers("old", func(p *cache.Pull) { p.SameMD5 = hex.EncodeToString(sum[:]) })
	})
	f("broken", time.Hour, 10*time.Second, func(r *rig) cache.Loader { return r.refuses(errOrigin) })
	f("cut", time.Hour, 10*time.Second, func(r *rig) cache.Loader {
		return r.answers("short", func(p *cache.Pull) { p.Meta.Size = 9 })
	})
	f("no room", time.Hour, 10*time.Second, func(r *rig) cache.Loader {
		r.spool.createErr = cache.ErrNoRoom
		return r.answers("new", r.replaces("k"))
	})
	f("no room for its record", time.Hour, 10*time.Second, func(r *rig) cache.Loader {
		r.spool.commitErr = cache.ErrNoRoom
		return r.answers("new", r.replaces("k"))
	})
	f("no room in mid-body", time.Hour, 10*time.Second, func(r *rig) cache.Loader {
		r.spool.takes, r.spool.window = 2, 1000
		return r.answers("new body", r.replaces("k"))
	})
}

// When nothing more can be remembered, nothing would keep a check from being made with every request: none is.
func TestCheckBound(t *testing.T) {
	eachSpoolWith(t, cache.Limits{MaxPulls: 10, MaxWaiting: 10, MaxNegative: 2}, func(t *testing.T, r *rig) {
		for _, key := range []string{"a", "b", "c", "c", "a"} {
			r.cache.Check(r.site, key, time.Hour, r.refuses(cache.ErrUnchanged))
			synctest.Wait()
		}
		if r.loaded() != 2 {
			t.Errorf("%d checks", r.loaded())
		}
	})
}

// A check has nothing to do with the pulls of those who find the key absent, nor with what they remember.
func TestCheckIsNotJoined(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.bucket.put("k", "old", nil)
		w := newWire()
		r.check(time.Hour, r.pulls(w, 8, r.replaces("k")))
		w.send("half")
		r.bucket.remove("k")
		if got, err := r.fill("k", r.answers("mine")); err != nil || got.data != "mine" || got.obj.Pull.Collapsed {
			t.Errorf("got %+v, %v", got, err)
		}
		w.send("half")
		w.finish(io.EOF)
		r.spool.save(r.bucket)
		r.inBucket("k", "mine")
		r.left = 0

		_ = r.refresh(r.refuses(notFound()))
		r.bucket.remove("k")
		if got, err := r.fill("k", r.answers("there")); err != nil || got.data != "there" {
			t.Errorf("a check's 404 is the copy's, which stays: %+v, %v", got, err)
		}
		r.left = 1
	})
}

// Whoever deletes an object while its replacement is on the way does not see it come back.
func TestReplacementOfADeletedObject(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.bucket.put("k", "old", nil)
		r.check(time.Hour, r.answers("new", r.replaces("k")))
		r.bucket.remove("k")
		r.absent("k")
		r.spool.save(r.bucket)
		r.left = 0
		r.absent("k")
		// A client that asks for it now has it pulled anew, as for every object that is not there.
		if got, err := r.fill("k", r.answers("pulled")); err != nil || got.data != "pulled" || !got.obj.Pull.Kept {
			t.Errorf("got %+v, %v", got, err)
		}
		r.spool.save(r.bucket)
		r.inBucket("k", "pulled")
	})
}

// The same while the replacement cannot be saved: the pull's object takes its place, so that it is pulled once.
func TestPullGoesBeforeAReplacement(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.bucket.put("k", "old", nil)
		r.check(time.Hour, r.answers("new", r.replaces("k")))
		r.bucket.remove("k")
		if got, err := r.fill("k", r.answers("pulled")); err != nil || got.data != "pulled" {
			t.Fatalf("got %+v, %v", got, err)
		}
		obj, err := r.cache.Get(t.Context(), r.site, "k", cache.ReadOptions{})
		if err != nil || obj.Tier != cache.TierSpool || readAll(t, obj) != "pulled" {
			t.Fatalf("got %+v, %v", obj, err)
		}
		if _, err := r.fill("k", r.answers("again")); !errors.Is(err, cache.ErrStored) {
			t.Errorf("got %v", err)
		}
		r.spool.save(r.bucket)
		r.left = 0
		r.inBucket("k", "pulled")
	})
}

// Somebody wrote over the copy meanwhile: theirs stays.
func TestReplacementOfAnotherObject(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.bucket.put("k", "old", nil)
		r.check(time.Hour, r.answers("new", r.replaces("k")))
		r.bucket.put("k", "theirs", nil)
		r.spool.save(r.bucket)
		r.left = 0
		r.inBucket("k", "theirs")
	})
}

func TestRefresh(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.bucket.put("k", "old", nil)
		sum := md5.Sum([]byte("old"))
		refused := func(reason string, load cache.Loader) {
			t.Helper()
			var e *cache.RefusedError
			if err := r.refresh(load); !errors.As(err, &e) || e.Reason != reason {
				t.Errorf("%s: got %v", reason, err)
			}
		}
		failed := func(want error, load cache.Loader) {
			t.Helper()
			if err := r.refresh(load); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
		var negative *cache.NegativeError
		if err := r.refresh(r.refuses(notFound())); !errors.As(err, &negative) {
			t.Errorf("got %v", err)
		}
		failed(cache.ErrUnchanged, r.refuses(cache.ErrUnchanged)) // at once, whenever the last check was
		failed(errOrigin, r.refuses(errOrigin))
		refused("private", r.answers("mine", private))
		refused("unchanged", r.answers("old", func(p *cache.Pull) { p.SameMD5 = hex.EncodeToString(sum[:]) }))
		refused("max_object", r.answers("much", func(p *cache.Pull) {
			p.Meta.Size, p.Final = -1, func(int64) string { return "max_object" }
		}))
		var length *cache.LengthError
		if err := r.refresh(r.answers("cut", func(p *cache.Pull) { p.Meta.Size = 4 })); !errors.As(err, &length) {
			t.Errorf("cut: got %v", err)
		}
		r.spool.commitErr = errDisk
		failed(errDisk, r.answers("new", r.replaces("k")))
		r.spool.commitErr = cache.ErrNoRoom
		refused("spool", r.answers("new", r.replaces("k")))
		r.spool.commitErr, r.spool.createErr = nil, cache.ErrNoRoom
		refused("spool", r.answers("new", r.replaces("k")))
		r.spool.createErr, r.spool.takes, r.spool.window = nil, 2, 1000
		refused("spool", r.answers("new", r.replaces("k")))
		r.spool.takes = 0
		if len(r.spool.committed()) != 0 {
			t.Errorf("committed %+v", r.spool.committed())
		}
		r.inBucket("k", "old")
		failed(nil, r.answers("new", r.replaces("k")))
		r.spool.save(r.bucket)
		r.left = 0
		r.inBucket("k", "new")
	})
}

// A refresh joins the check that is under way, and leaves when its caller does; the check goes on.
func TestRefreshJoins(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.bucket.put("k", "old", nil)
		w := newWire()
		r.check(time.Hour, r.pulls(w, 3, r.replaces("k")))
		var joined error
		r.clients.Go(func() { joined = r.refresh(r.refuses(errOrigin)) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.cache.Refresh(ctx, r.site, "k", r.opts, r.refuses(errOrigin)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		w.send("new")
		w.finish(io.EOF)
		if joined != nil || r.loaded() != 1 || len(r.spool.committed()) != 1 {
			t.Errorf("got %v after %d pulls", joined, r.loaded())
		}
	})
}
