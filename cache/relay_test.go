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

// Wherever a body breaks off, and wherever its rest is, its readers get the whole of it.
func TestBrokenRelayGoesOn(t *testing.T) {
	data := text(100_000)
	f := func(at int, size int64, rest func(r *rig, s *script, o object), claims ...string) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			o := object{data, `"v1"`, size}
			rest(r, s, o)
			r.opts.Later = r.answers(data, tagged(o.tag))
			got := r.wantsFill(data, r.answers(data, tagged(o.tag)))
			if at < len(data) || size < 0 {
				s.claimed(claims...)
			}
			if o := got.obj; o.Partial || !o.Pull.Kept && at > 1 {
				t.Errorf("at %d: got %+v", at, o)
			}
		})
	}
	for _, size := range []int64{100_000, -1} {
		for _, at := range []int{0, 1, 2, 50_000, 99_999, 100_000} {
			f(at, size, func(r *rig, s *script, o object) { s.follows(r.from(o, at)) }, "")
			f(at, size, func(r *rig, s *script, o object) {
				s.follows(r.from(o, at, -1), r.from(o))
			}, "", "first")
			f(at, size, func(r *rig, s *script, o object) { s.follows(r.from(o, at, -1), s.lease()) }, "", "first")
			f(at, size, func(r *rig, s *script, o object) { s.follows(r.from(o, at, -1)) }, "", "first")
		}
	}
}

// What the bucket has by then is read from there: the rest, or, as long as nobody has seen anything, all.
func TestBrokenRelayGoesOnFromTheBucket(t *testing.T) {
	data := text(100_000)
	f := func(at int, found error) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			p := &cache.Pull{Meta: cache.Meta{Size: int64(len(data))}}
			tagged(`"v1"`)(p)
			r.bucket.put("k", data, &p.Meta)
			s.follows(r.from(sized(data, `"v1"`), at, -1), cache.Standing{Saved: true})
			got, err := r.fill("k", r.never())
			if !errors.Is(err, found) || err == nil && got.data != data {
				t.Errorf("at %d: %d bytes, %v", at, len(got.data), err)
			}
		})
	}
	f(0, cache.ErrStored)
	f(1, cache.ErrStored)
	f(2, nil)
	f(50_000, nil)
	f(99_999, nil)
}

// What the bucket lacks although it was saved is pulled; what is another object ends where the first one did.
func TestBrokenRelayIsNeverMixed(t *testing.T) {
	data, other := text(100_000), strings.Repeat("x", 100_000)
	f := func(tag, tag2 string, at int, whole string, rest func(r *rig, s *script, o object) cache.Standing) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			o := sized(other, tag2)
			s.follows(r.from(sized(data, tag), at, -1), rest(r, s, o))
			r.opts.Later = r.answers(o.data, tagged(o.tag))
			got, err := r.fill("k", r.answers(o.data, tagged(o.tag)))
			switch {
			case whole != "":
				if err != nil || got.data != whole {
					t.Errorf("at %d: %d bytes, %v", at, len(got.data), err)
				}
			case err == nil || len(got.data) > at || !strings.HasPrefix(data, got.data):
				t.Errorf("at %d: %d bytes, %v", at, len(got.data), err)
			}
		})
	}
	peer := func(r *rig, _ *script, o object) cache.Standing { return r.from(o) }
	own := func(_ *rig, s *script, _ object) cache.Standing { return s.lease() }
	saved := func(r *rig, _ *script, o object) cache.Standing {
		p := &cache.Pull{Meta: cache.Meta{Size: int64(len(o.data))}}
		tagged(o.tag)(p)
		r.bucket.put("k", o.data, &p.Meta)
		return cache.Standing{Saved: true}
	}
	for _, rest := range []func(*rig, *script, object) cache.Standing{peer, own, saved} {
		for _, at := range []int{2, 50_000, 99_999} {
			f(`"v1"`, `"v2"`, at, "", rest)
			f(`W/"v1"`, `W/"v1"`, at, "", rest)
			f("", "", at, "", rest)
		}
	}
	for _, at := range []int{0, 1} { // nobody has seen anything of the first one
		f("", "", at, other, peer)
		f(`"v1"`, `"v2"`, at, other, own)
	}
}

// A version that is shorter under the same ETag has no clean end behind its own.
func TestBrokenRelayBehindTheEnd(t *testing.T) {
	data := text(100_000)
	f := func(rest func(r *rig, s *script) cache.Standing) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			s.follows(r.from(object{data, `"v1"`, -1}, 50_000, -1), rest(r, s))
			r.opts.Later = r.answers(data[:30_000], tagged(`"v1"`), func(p *cache.Pull) { p.Meta.Size = -1 })
			if got, err := r.fill("k", r.never()); err == nil || got.data != data[:len(got.data)] {
				t.Errorf("%d bytes, %v", len(got.data), err)
			}
		})
	}
	f(func(_ *rig, s *script) cache.Standing { return s.lease() })
	f(func(*rig, *script) cache.Standing { return cache.Standing{} })
}

// A body is continued three times, no more.
func TestBrokenRelayIsGivenUp(t *testing.T) {
	data := text(1000)
	f := func(whole bool, breaks ...int) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			s.follows(r.from(sized(data, `"v1"`), breaks...))
			got, err := r.fill("k", r.never())
			if whole != (err == nil) || !strings.HasPrefix(data, got.data) || whole && got.data != data {
				t.Errorf("%v: %d bytes, %v", breaks, len(got.data), err)
			}
		})
	}
	f(true, 100, 200, 300)
	f(false, 100, 200, 300, 400)
}

// Where nobody can pull the rest, the lease is given back.
func TestBrokenRelayWithoutOrigin(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		s.follows(r.from(sized(text(1000), `"v1"`), 100, -1), s.lease())
		if got, err := r.fill("k", r.never()); err == nil {
			t.Errorf("%d bytes", len(got.data))
		}
		s.said("second release")
	})
}

// The lease for a rest that turns out to be in the spool already is given back, and the rest is read from there.
func TestBrokenRelayOfWhatIsInTheSpool(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		data, w := text(1000), newWire()
		s.follows(peerOf(func(ctx context.Context, from int64, match string) (*cache.Pull, error) {
			if from > 0 {
				return nil, cache.ErrPeerGone
			}
			return r.pulls(w, len(data), tagged(`"v1"`))(ctx)
		}), s.lease())
		r.opts.Later = r.never()
		c := r.client("k", r.never())
		w.send(data[:100])
		d, err := r.spool.keeper.Create(int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = d.Write([]byte(data))
		p := &cache.Pull{Meta: cache.Meta{Size: int64(len(data))}}
		tagged(`"v1"`)(p)
		if err := d.Commit(cache.Entry{ID: cache.ID{Site: "assets", Key: "k"}, Meta: p.Meta}); err != nil {
			t.Fatal(err)
		}
		d.Discard()
		_ = d.Close()
		r.left = 1
		w.finish(cache.ErrPeerGone)
		c.wants(t, data)
		s.said("second release")
	})
}

// A body without room here goes to who asked first, and to the others from the peer, too: the origin is not asked. It
// has no end where it broke off, however often it is read.
func TestRelayWithoutRoom(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		data := text(1000)
		gate := make(chan struct{})
		whole := r.from(sized(data, "")).Peer
		s.follows(peerOf(func(ctx context.Context, from int64, match string) (*cache.Pull, error) {
			<-gate
			return whole.Open(ctx, from, match)
		}), r.from(sized(data, "")), r.from(sized(data, "")), r.from(sized(data, ""), 100))
		r.spool.createErr = cache.ErrNoRoom
		first, second := r.client("k", r.never()), r.client("k", r.never())
		close(gate)
		synctest.Wait()
		first.wants(t, data)
		second.wants(t, data)
		r.wantsFill(data, r.never())
		obj, err := r.cache.Fill(r.site, "k", r.opts, r.never())
		if err != nil {
			t.Fatal(err)
		}
		defer obj.Body.Close()
		for range 2 {
			if _, err := io.Copy(io.Discard, obj.Body); err == nil {
				t.Error("a clean end")
			}
		}
		s.claimed("", "", "", "")
		r.loadedTimes(0)
	})
}

// What a peer says instead of a body.
func TestPeerGivesNoBody(t *testing.T) {
	f := func(err error, isIt func(error) bool, loads int, claims ...string) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			s.follows(refusing(err))
			for range 3 {
				got, err := r.fill("k", r.answers("data"))
				if isIt(err) {
					break
				} else if err != nil || got.data != "data" {
					t.Errorf("got %+v, %v", got, err)
				}
				r.spool.save(r.bucket)
				r.left = 0
			}
			r.loadedTimes(loads)
			s.claimed(claims...)
			if len(s.learnt) != 0 {
				t.Error("what a peer has said is told as if it were learnt here")
			}
		})
	}
	negative := &cache.NegativeError{Status: 404, Err: errOrigin}
	f(negative, func(err error) bool { return errors.Is(err, errOrigin) }, 0, "")
	f(&cache.PeerError{Status: 502}, isFailed, 0, "")
	stored := func(err error) bool { return errors.Is(err, cache.ErrStored) }
	f(cache.ErrPeerGone, stored, 1, "", "first")
	f(cache.ErrPeerLacks, stored, 1, "", "first")
	f(cache.ErrPeerAlone, stored, 1, "")
}

// All who wait get a peer's failure; what origins lack is remembered here as well.
func TestPeerFails(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		gate := make(chan struct{})
		s.follows(peerOf(func(context.Context, int64, string) (*cache.Pull, error) {
			<-gate
			return nil, &cache.NegativeError{Status: 404, Err: errOrigin}
		}))
		first, second := r.client("k", r.never()), r.client("k", r.never())
		close(gate)
		synctest.Wait()
		for _, c := range []*client{first, second} {
			if _, _, err := c.got(); !errors.Is(err, errOrigin) {
				t.Error(err)
			}
		}
		var negative *cache.NegativeError
		if _, err := r.fill("k", r.never()); !errors.As(err, &negative) || !negative.Remembered {
			t.Error(err)
		}
		s.claimed("")
		wait(r.opts.NegativeTTL)
		r.wantsFill("data", r.answers("data"))
	})
}

// What another gateway has learnt is remembered for the rest of its time.
func TestNegativeOfAnother(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		n := &cache.NegativeError{Status: 451, Remembered: true, Err: errOrigin}
		s.follows(cache.Standing{Negative: n, Left: 2 * time.Second})
		var got *cache.NegativeError
		for range 2 {
			if _, err := r.fill("k", r.never()); !errors.As(err, &got) || got.Status != 451 || !got.Remembered {
				t.Error(err)
			}
			wait(time.Second)
			s.claimed("")
		}
		r.wantsFill("data", r.answers("data"))
		if len(s.learnt) != 0 {
			t.Errorf("it is told again, for %v", s.learnt)
		}
	})
}

// Small bodies of other gateways, and parts of them.
func TestRelayOfSmallBodies(t *testing.T) {
	f := func(data string, size int64) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			s.follows(r.from(object{data, "", size}))
			if got := r.wantsFill(data, r.never()); got.obj.Length >= 0 && got.obj.Length != int64(len(data)) {
				t.Errorf("got %+v", got.obj)
			}
		})
	}
	for _, data := range []string{"", "a", "ab", "abc", text(511), text(512), text(513)} {
		f(data, int64(len(data)))
		f(data, -1)
	}
}

// A body that has another length than it said has no clean end.
func TestRelayOfAnotherLength(t *testing.T) {
	f := func(size int64) {
		t.Helper()
		scripted(t, func(t *testing.T, r *rig, s *script) {
			s.follows(r.from(object{"abcdef", `"v1"`, size}))
			if got, err := r.fill("k", r.never()); err == nil || int64(len(got.data)) >= size {
				t.Errorf("%q, %v", got.data, err)
			}
		})
	}
	f(5)
	f(7)
}

func TestRelayOfARange(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		data, w := text(100_000), newWire()
		s.follows(peerOf(func(ctx context.Context, from int64, match string) (*cache.Pull, error) {
			return r.pulls(w, len(data), tagged(`"v1"`))(ctx)
		}))
		c := r.clientWith("k", r.opts, r.never(), &cache.Range{First: 5000, Last: 70_000})
		w.send(data[:60_000])
		if n, m, ok := r.cache.Progress(r.site, "k"); n != 60_000 || m.Size != 100_000 || !ok {
			t.Errorf("%d of %d bytes, %v", n, m.Size, ok)
		}
		w.send(data[60_000:])
		w.finish(io.EOF)
		c.wants(t, data[5000:70_001])
		if obj, _, _ := c.got(); !obj.Partial || obj.Start != 5000 || obj.Length != 65_001 {
			t.Errorf("got %+v", obj)
		}
	})
}

// A body from another gateway that nobody reads any more is closed.
func TestRelayForNobody(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		data, w := text(100_000), newWire()
		s.follows(peerOf(func(ctx context.Context, from int64, match string) (*cache.Pull, error) {
			return r.pulls(w, len(data), nil)(ctx)
		}))
		c := r.client("k", r.never())
		w.send(data[:10])
		obj, _, _ := c.got()
		obj.Body.Close()
		w.send(data[10:20])
		if _, _, ok := r.cache.Progress(r.site, "k"); ok || r.bodies != 0 {
			t.Errorf("it goes on, with %d bodies", r.bodies)
		}
		w.finish(io.EOF)
	})
}
