package cache_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"

	"mirrorgate/cache"
)

// A pull behind a redirect leaves the object to another gateway that has it, unless a client has come to wait for it.
func TestBehindAnotherGateway(t *testing.T) {
	f := func(joined bool) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			w := newWire()
			s.claims = make(chan struct{})
			s.follows(peerOf(func(ctx context.Context, _ int64, _ string) (*cache.Pull, error) {
				return r.pulls(w, 4, func(p *cache.Pull) { p.Kept = true })(ctx)
			}))
			r.cache.Behind(r.site, "k", r.opts, r.never())
			var c *client
			if joined {
				c = r.client("k", r.never())
			}
			close(s.claims)
			w.send("da")
			if joined != (r.bodies == 1) {
				t.Errorf("%d bodies are open", r.bodies)
			}
			if joined {
				w.send("ta")
				w.finish(io.EOF)
				c.wants(t, "data")
			}
			s.claimed("")
		})
	}
	f(true)
	f(false)
}

// What another gateway was to save that is gone is pulled here, also where nobody waits for it.
func TestBehindALostGateway(t *testing.T) {
	f := func(pull func(r *rig)) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			s.follows(refusing(cache.ErrPeerGone), s.lease())
			pull(r)
			synctest.Wait()
			s.said("second commit")
			r.loadedTimes(1)
		})
	}
	f(func(r *rig) { r.cache.Behind(r.site, "k", r.opts, r.answers("data")) })
	f(func(r *rig) {
		if err := r.again(r.answers("data")); err != nil {
			t.Error(err)
		}
	})
}

// What another gateway pulls and does not keep is pulled here, where it may be.
func TestBehindAGatewayThatKeepsNothing(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		s.follows(peerOf(func(ctx context.Context, _ int64, _ string) (*cache.Pull, error) {
			return r.answers("data", func(*cache.Pull) { r.loads-- })(ctx)
		}), s.lease())
		if err := r.again(r.answers("data")); err != nil {
			t.Error(err)
		}
		s.said("second commit")
		r.loadedTimes(1)
	})
}

func (r *rig) again(load cache.Loader) error {
	return r.cache.PullAgain(r.Context(), r.site, "k", r.opts, load)
}

// A pull that is to be made again is over when another gateway has committed it: a body that breaks off there is pulled
// here.
func TestPullAgainOfAnother(t *testing.T) {
	f := func(rest string, end error, loads int, joined bool) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			w, opened := newWire(), 0
			whole := r.from(sized("data", "")).Peer
			s.claims = make(chan struct{})
			s.follows(peerOf(func(ctx context.Context, from int64, match string) (*cache.Pull, error) {
				if opened++; opened == 1 {
					return r.pulls(w, 4, func(p *cache.Pull) { r.loads--; p.Kept = true })(ctx)
				}
				return whole.Open(ctx, from, match)
			}), s.lease())
			done := make(chan error, 1)
			go func() { done <- r.again(r.answers("data")) }()
			synctest.Wait()
			close(s.claims)
			w.send("dat")
			select {
			case err := <-done:
				t.Errorf("it is over too early: %v", err)
			default:
			}
			var c *client
			if joined {
				c = r.client("k", r.never())
			}
			if rest != "" {
				w.send(rest)
			}
			w.finish(end)
			if err := <-done; err != nil {
				t.Error(err)
			}
			r.loadedTimes(loads)
			if joined {
				c.wants(t, "data")
			}
		})
	}
	f("a", io.EOF, 0, false)
	f("a", io.EOF, 0, true)
	f("", io.EOF, 1, false)
	f("", cache.ErrPeerGone, 1, false)
}

// One that finds a pull behind a redirect, which is left to another gateway, does not take that one's word for it.
func TestPullAgainBehindARedirect(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		s.claims = make(chan struct{})
		s.follows(r.from(sized("data", "")), r.from(sized("data", ""), 2, -1), s.lease())
		r.cache.Behind(r.site, "k", r.opts, r.never())
		done := make(chan error, 1)
		go func() { done <- r.again(r.answers("data")) }()
		synctest.Wait()
		close(s.claims)
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.claimed("", "", "second")
		s.said("third commit")
	})
}
