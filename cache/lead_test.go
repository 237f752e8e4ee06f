package cache_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// Every lease is ended once: with Commit where the spool keeps the object, else with Release, also after a Commit.
func TestLeaseEnds(t *testing.T) {
	f := func(load func(r *rig) cache.Loader, want ...string) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			s.follows(s.lease())
			_, _ = r.fill("k", load(r))
			s.said(want...)
			s.claimed("")
		})
	}
	changed := func(data string, changes ...func(*cache.Pull)) func(r *rig) cache.Loader {
		return func(r *rig) cache.Loader { return r.answers(data, changes...) }
	}
	f(changed(text(100_000)), "first commit")
	f(changed("data"), "first commit")
	f(changed(""), "first commit")
	f(func(r *rig) cache.Loader { return r.refuses(errOrigin) }, "first release")
	f(func(r *rig) cache.Loader { return r.refuses(&cache.NegativeError{Status: 404, Err: errOrigin}) }, "first release")
	f(changed("data", private), "first release")
	f(changed("data", func(p *cache.Pull) { p.Meta.Size = 5 }), "first release") // it ends too early
	f(changed("data", func(p *cache.Pull) { p.Meta.Size = 3 }), "first release") // it has too much
	unknown := func(p *cache.Pull) { p.Meta.Size, p.Final = -1, func(int64) string { return "max_object" } }
	f(changed("data", unknown), "first release")
	f(changed(text(1000), func(p *cache.Pull) { p.Body = &body{broken{errOrigin}, p.Body.(*body).closed} }), "first release")
	faulty := func(change func(r *rig)) func(r *rig) cache.Loader {
		return func(r *rig) cache.Loader {
			change(r)
			return r.answers(text(100_000))
		}
	}
	f(faulty(func(r *rig) { r.spool.createErr = cache.ErrNoRoom }), "first release")
	f(faulty(func(r *rig) { r.spool.writeErr = errDisk }), "first release")
	f(faulty(func(r *rig) { r.spool.takes, r.spool.window = 50_000, 60_000 }), "first release")
	f(faulty(func(r *rig) { r.spool.commitErr = errDisk }), "first commit", "first release")
	f(faulty(func(r *rig) { r.spool.commitErr = cache.ErrNoRoom }), "first commit", "first release")
	f(faulty(func(r *rig) { r.site.Save = false }), "first release")
}

// Until the lease is committed nobody has the last byte, and nothing is in the spool.
func TestLeaseIsCommittedFirst(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		data := text(100_000)
		s.follows(s.lease())
		s.gate = make(chan struct{})
		c := r.client("k", r.answers(data))
		if _, got, err := c.got(); len(got) != len(data)-1 || err != nil || len(r.spool.committed()) != 0 {
			t.Errorf("%d bytes, %v, %d entries", len(got), err, len(r.spool.committed()))
		}
		close(s.gate)
		synctest.Wait()
		c.wants(t, data)
	})
}

// What was saved a moment ago is looked for in the bucket, and pulled if it is not there.
func TestSavedAMomentAgo(t *testing.T) {
	f := func(inBucket bool, loads int, claims ...string) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			if inBucket {
				r.bucket.put("k", "data", nil)
			}
			s.follows(cache.Standing{Saved: true}, s.lease())
			got, err := r.fill("k", r.answers("data"))
			if inBucket != errors.Is(err, cache.ErrStored) || !inBucket && got.data != "data" {
				t.Errorf("got %+v, %v", got, err)
			}
			r.loadedTimes(loads)
			s.claimed(claims...)
		})
	}
	f(true, 0, "")
	f(false, 1, "", "first")
}

// A bucket that cannot be asked is no bucket without the object: neither for what was saved nor for what a peer lacks.
func TestBucketFailsForAnother(t *testing.T) {
	f := func(says cache.Standing) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			s.follows(says, s.lease())
			r.bucket.fail(errDisk)
			if _, err := r.fill("k", r.never()); !errors.Is(err, errDisk) {
				t.Error(err)
			}
			s.claimed("")
		})
	}
	f(cache.Standing{Saved: true})
	f(refusing(cache.ErrPeerLacks))
	f(refusing(cache.ErrPeerGone))
}

// A fleet that says the same all the time does not keep a request for ever.
func TestClaimsEnd(t *testing.T) {
	f := func(says cache.Standing) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			s.follows(says, says, says, says, says)
			r.wantsFill("data", r.answers("data"))
			s.claimed("", "first", "second", "third")
		})
	}
	f(cache.Standing{Saved: true})
	f(refusing(cache.ErrPeerGone))
}

// A pull that the gateway's end cuts off gives back its lease, and whatever it was about is left.
func TestDrainOfTheTown(t *testing.T) {
	f := func(what string, says func(r *rig, s *script, stop <-chan struct{}), load func(r *rig) cache.Loader, want ...string) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			stop := make(chan struct{})
			says(r, s, stop)
			r.opts.Wait = time.Hour
			c := r.client("k", load(r))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := r.cache.Drain(ctx); err == nil {
				t.Errorf("%s: nothing was under way", what)
			}
			synctest.Wait()
			if _, got, err := c.got(); err == nil || err == io.EOF {
				t.Errorf("%s: %d bytes, %v", what, len(got), err)
			}
			s.said(want...)
			close(stop)
		})
	}
	never := func(r *rig) cache.Loader { return r.never() }
	hangs := func(r *rig) cache.Loader {
		return r.loader(func(ctx context.Context) (*cache.Pull, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
	}
	begun := func(r *rig) cache.Loader { // a body of which something has come
		return func(ctx context.Context) (*cache.Pull, error) {
			w := newWire()
			w.rest = text(100)
			return r.pulls(w, 1000, tagged(`"v1"`))(ctx)
		}
	}
	f("a load", func(_ *rig, s *script, _ <-chan struct{}) { s.follows(s.lease()) }, hangs, "first release")
	f("a body", func(_ *rig, s *script, _ <-chan struct{}) { s.follows(s.lease()) }, begun, "first release")
	f("a peer's answer", func(_ *rig, s *script, _ <-chan struct{}) {
		s.follows(peerOf(func(ctx context.Context, _ int64, _ string) (*cache.Pull, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}))
	}, hangs)
	f("a peer's body", func(r *rig, s *script, _ <-chan struct{}) {
		s.follows(peerOf(func(ctx context.Context, _ int64, _ string) (*cache.Pull, error) { return begun(r)(ctx) }))
	}, never)
	f("a rest", func(r *rig, s *script, _ <-chan struct{}) {
		s.follows(r.from(sized(text(1000), `"v1"`), 100, -1), s.lease())
		r.opts.Later = hangs(r)
	}, never, "second release")
}

// An answer that may not be shared ends its lease when that is known, not when its reader has it all.
func TestLeaseOfAnUnsharedAnswer(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		s.follows(s.lease())
		obj, err := r.cache.Fill(r.site, "k", r.opts, r.answers("data", private))
		if err != nil {
			t.Fatal(err)
		}
		s.said("first release")
		if got := readAll(t, obj); got != "data" {
			t.Errorf("got %q", got)
		}
	})
}
