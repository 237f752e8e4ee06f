package cache_test

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// A check that another gateway makes, or has made, is not made here: for its period, or until it may be tried again.
func TestCheckOfAnother(t *testing.T) {
	f := func(says cache.Standing, rest time.Duration) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			s.follows(says, s.lease())
			r.bucket.put("k", "old", nil)
			r.check(time.Hour, r.never())
			wait(rest - 1)
			r.check(time.Hour, r.never())
			s.claimed("")
			wait(1)
			r.check(time.Hour, r.refuses(cache.ErrUnchanged))
			s.said("second settle 1h0m0s")
			r.loadedTimes(1)
		})
	}
	f(cache.Standing{Saved: true}, time.Hour)
	f(refusing(cache.ErrPeerGone), 10*time.Second) // it is not even opened
}

// Each check ends its lease once; others rely on it only if its outcome stands.
func TestLeaseOfACheck(t *testing.T) {
	f := func(period time.Duration, load func(r *rig) cache.Loader, want ...string) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			s.follows(s.lease())
			r.bucket.put("k", "old", nil)
			r.check(period, load(r))
			s.said(want...)
			r.loadedTimes(1)
		})
	}
	refuses := func(err error) func(r *rig) cache.Loader {
		return func(r *rig) cache.Loader { return r.refuses(err) }
	}
	f(time.Minute, refuses(cache.ErrUnchanged), "first settle 1m0s")
	f(time.Second, refuses(cache.ErrUnchanged), "first settle 10s")
	f(100*time.Hour, refuses(cache.ErrUnchanged), "first settle 1h0m0s")
	f(time.Minute, refuses(notFound()), "first settle 1m0s")
	f(time.Minute, refuses(errOrigin), "first release")
	f(time.Minute, func(r *rig) cache.Loader { return r.answers("new", r.replaces("k")) }, "first commit")
	f(time.Minute, func(r *rig) cache.Loader { return r.answers("new", private) }, "first settle 1m0s")
	f(time.Minute, func(r *rig) cache.Loader {
		sum := md5.Sum([]byte("old"))
		return r.answers("old", func(p *cache.Pull) { p.SameMD5 = hex.EncodeToString(sum[:]) })
	}, "first settle 1m0s")
	f(time.Minute, func(r *rig) cache.Loader {
		r.spool.createErr = cache.ErrNoRoom
		return r.answers("new")
	}, "first release")
	f(time.Minute, func(r *rig) cache.Loader {
		r.spool.commitErr = errDisk
		return r.answers("new")
	}, "first commit", "first release")
	f(time.Minute, func(r *rig) cache.Loader {
		r.spool.commitErr = cache.ErrNoRoom
		return r.answers("new")
	}, "first commit", "first release")
}

// What origins lack, and what nobody knows, keeps no check from being made.
func TestCheckWithoutLease(t *testing.T) {
	f := func(says cache.Standing) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			s.follows(says)
			r.check(time.Minute, r.refuses(cache.ErrUnchanged))
			r.loadedTimes(1)
		})
	}
	f(cache.Standing{})
	f(cache.Standing{Negative: notFound(), Left: time.Second})
}

// A refresh asks the origin whatever other gateways have done: also one that finds a check under way which they decide.
func TestRefreshAsksWhateverOthersDid(t *testing.T) {
	f := func(says cache.Standing) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			s.follows(says)
			s.claims = make(chan struct{})
			r.bucket.put("k", "old", nil)
			r.check(time.Minute, r.never())
			done := make(chan error, 1)
			go func() { done <- r.refresh(r.answers("new", r.replaces("k"))) }()
			synctest.Wait()
			close(s.claims)
			if err := <-done; err != nil {
				t.Error(err)
			}
			r.loadedTimes(1)
			if err := r.refresh(r.refuses(cache.ErrUnchanged)); !errors.Is(err, cache.ErrUnchanged) {
				t.Error(err)
			}
			s.claimed("")
			r.loadedTimes(2)
		})
	}
	f(cache.Standing{Saved: true})
	f(refusing(cache.ErrPeerGone))
}
