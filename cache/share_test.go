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

// asker is another gateway that asks on a goroutine of its own.
type asker struct {
	client
	answer cache.PeerAnswer
}

func (r *rig) asks(ctx context.Context, from int64, match string) *asker {
	a := &asker{}
	r.clients.Go(func() {
		got, err := r.cache.Share(ctx, cache.PeerAsk{ID: cache.ID{Site: "assets", Key: "k"}, From: from, Match: match})
		a.mu.Lock()
		a.answer, a.err = got, err
		a.mu.Unlock()
		if got.Body == nil {
			return
		}
		defer got.Body.Close()
		buf := make([]byte, 3000)
		for err == nil {
			var n int
			n, err = got.Body.Read(buf)
			a.mu.Lock()
			a.data, a.err = append(a.data, buf[:n]...), err
			a.mu.Unlock()
		}
	})
	synctest.Wait()
	return a
}

// came fails the test unless that is what came of it.
func (a *asker) came(t *testing.T, want cache.PeerOutcome) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.answer.Outcome != want || (want == cache.PeerFailed) != (a.err != nil && a.err != io.EOF) {
		t.Errorf("got %+v, %v, want %s", a.answer, a.err, want)
	}
}

func TestShare(t *testing.T) {
	f := func(size int, from int64, match string, want cache.PeerOutcome) {
		t.Helper()
		eachSpool(t, func(t *testing.T, r *rig) {
			data, w := text(100_000), newWire()
			c := r.client("k", r.pulls(w, size, tagged(`"v1"`)))
			early := r.asks(t.Context(), from, match)
			early.came(t, "")
			w.send(data[:60_000])
			middle := r.asks(t.Context(), from, match)
			w.send(data[60_000:])
			if _, got, _ := middle.got(); want == cache.PeerHas && len(got) != max(0, len(data)-1-int(from)) {
				t.Errorf("%d bytes have come before the end is proven", len(got))
			}
			w.finish(io.EOF)
			c.wants(t, data)
			late := r.asks(t.Context(), from, match) // from the spool
			for i, a := range []*asker{early, middle, late} {
				a.came(t, want)
				if want != cache.PeerHas {
					continue
				}
				if a.wants(t, data[from:]); a.answer.Meta.Origin.ETag != `"v1"` || !a.answer.Kept || a.answer.Target != "primary" {
					t.Errorf("got %+v", a.answer)
				}
				if left := int64(len(data)) - from; (i == 2 || size > 0) && a.answer.Length != left {
					t.Errorf("ask %d: %d bytes are said to come", i, a.answer.Length)
				}
			}
		})
	}
	for _, size := range []int{100_000, -1} {
		f(size, 0, "", cache.PeerHas)
		f(size, 1, `"v1"`, cache.PeerHas)
		f(size, 59_999, `"v1"`, cache.PeerHas)
		f(size, 99_999, "", cache.PeerHas)
		f(size, 0, `"v2"`, cache.PeerLacks)
		f(size, 0, `W/"v1"`, cache.PeerLacks)
		f(size, -1, "", cache.PeerLacks)
	}
	f(100_000, 100_000, "", cache.PeerLacks)
	f(100_000, 100_001, "", cache.PeerLacks)
}

// Behind the end of a body whose length was not known there is no clean end.
func TestShareBehindTheEnd(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		w := newWire()
		c := r.client("k", r.pulls(w, -1, tagged(`"v1"`)))
		w.send("abcd")
		a := r.asks(t.Context(), 5, `"v1"`)
		w.finish(io.EOF)
		c.wants(t, "abcd")
		if _, got, end := a.got(); got != "" || end == nil || end == io.EOF {
			t.Errorf("%q, %v", got, end)
		}
	})
}

// What comes of a pull for those who wait for it elsewhere.
func TestShareOutcomes(t *testing.T) {
	f := func(change func(r *rig), end error, pull func(*cache.Pull), want cache.PeerOutcome) {
		t.Helper()
		eachSpool(t, func(t *testing.T, r *rig) {
			change(r)
			gate := make(chan struct{})
			load := r.answers("data", pull)
			if end != nil {
				load = r.refuses(end)
			}
			c := r.client("k", func(ctx context.Context) (*cache.Pull, error) {
				<-gate
				return load(ctx)
			})
			a := r.asks(t.Context(), 0, "")
			gone, cancel := context.WithCancel(t.Context())
			left := r.asks(gone, 0, "")
			cancel()
			synctest.Wait()
			left.came(t, cache.PeerLacks)
			close(gate)
			synctest.Wait()
			a.came(t, want)
			if _, _, err := c.got(); want == cache.PeerFailed && !errors.Is(err, a.err) {
				t.Errorf("its client got %v", err)
			}
		})
	}
	same := func(*rig) {}
	f(same, nil, func(*cache.Pull) {}, cache.PeerHas)
	f(same, errOrigin, nil, cache.PeerFailed)
	f(same, &cache.BusyError{Setting: "limits.max_pulls"}, nil, cache.PeerLacks) // here, and not everywhere
	f(same, nil, private, cache.PeerAlone)
	f(func(r *rig) { r.spool.createErr = cache.ErrNoRoom }, nil, func(*cache.Pull) {}, cache.PeerLacks)
	f(func(r *rig) { r.site.Save = false }, nil, func(*cache.Pull) {}, cache.PeerHas)
}

func TestShareOfNothing(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.asks(t.Context(), 0, "").came(t, cache.PeerLacks)
		r.commit("other", "data")
		r.bucket.put("k", "data", nil)
		r.cache.Check(r.site, "k", 0, r.answers("new", r.replaces("k")))
		synctest.Wait()
		r.asks(t.Context(), 0, "").came(t, cache.PeerLacks) // a replacement is nobody's miss
		r.spool.openErr = errDisk
		r.asks(t.Context(), 0, "").came(t, cache.PeerLacks)
	})
}

// slow is a spool that opens nothing until the gate is closed.
type slow struct {
	keeper
	gate chan struct{}
}

func (s *slow) Open(id cache.ID, o cache.ReadOptions) (*cache.Object, error) {
	<-s.gate
	return s.keeper.Open(id, o)
}

// A pull that finds the object in the spool shares it from there.
func TestShareOfWhatIsPresent(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.commit("k", "data")
		gate := make(chan struct{})
		r.spool.keeper = &slow{r.spool.keeper, gate}
		r.clients.Go(func() {
			if _, err := r.fill("k", r.never()); !errors.Is(err, cache.ErrStored) {
				t.Error(err)
			}
		})
		synctest.Wait()
		a := r.asks(t.Context(), 1, "")
		close(gate)
		synctest.Wait()
		a.came(t, cache.PeerHas)
		a.wants(t, "ata")
	})
}

// A failure is for those, too, who have been on the way to ask: not for those who ask much later, nor after a success.
func TestShareOfWhatFailed(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		s.follows(s.lease(), s.lease(), s.lease(), s.lease())
		_, _ = r.fill("k", r.refuses(&cache.BusyError{Setting: "limits.max_pulls"}))
		r.asks(t.Context(), 0, "").came(t, cache.PeerLacks)
		if _, err := r.fill("k", r.refuses(errOrigin)); !errors.Is(err, errOrigin) {
			t.Error(err)
		}
		a := r.asks(t.Context(), 0, "")
		if a.came(t, cache.PeerFailed); !errors.Is(a.err, errOrigin) {
			t.Error(a.err)
		}
		wait(2 * time.Second)
		r.asks(t.Context(), 0, "").came(t, cache.PeerLacks)
		_, _ = r.fill("k", r.refuses(errOrigin))
		r.wantsFill("data", r.answers("data"))
		r.asks(t.Context(), 0, "").came(t, cache.PeerHas)
		r.spool.save(r.bucket)
		r.left = 0
		r.asks(t.Context(), 0, "").came(t, cache.PeerLacks)
	})
}

// A broken disk is this gateway's own matter: another one may have a better.
func TestShareBesideABrokenDisk(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		for _, broken := range []*error{&r.spool.writeErr, &r.spool.commitErr} {
			*broken = errDisk
			s.follows(s.lease(), s.lease())
			w := newWire()
			c := r.client("k", r.pulls(w, 1, nil)) // of which nothing is shown before it is committed
			a := r.asks(t.Context(), 0, "")
			w.send("a")
			w.finish(io.EOF)
			a.came(t, cache.PeerLacks)
			if _, _, err := c.got(); !errors.Is(err, errDisk) {
				t.Errorf("its client got %v", err)
			}
			r.asks(t.Context(), 0, "").came(t, cache.PeerLacks)
			*broken = nil
		}
	})
}

// What comes from another gateway is not passed on: neither its body nor its failure, nor is its answer waited for.
func TestRelayIsNotShared(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		w, gate := newWire(), make(chan struct{})
		open := func(ctx context.Context, _ int64, _ string) (*cache.Pull, error) {
			<-gate
			return r.pulls(w, 4, tagged(`"v1"`))(ctx)
		}
		s.claims = make(chan struct{})
		s.follows(peerOf(open), refusing(&cache.PeerError{Status: 502}))
		c := r.client("k", r.never())
		early := r.asks(t.Context(), 0, "")
		early.came(t, "") // it is not known yet whether this gateway pulls
		close(s.claims)
		synctest.Wait()
		early.came(t, cache.PeerLacks)
		r.asks(t.Context(), 0, "").came(t, cache.PeerLacks)
		close(gate)
		w.send("dat")
		r.asks(t.Context(), 0, "").came(t, cache.PeerLacks)
		w.send("a")
		w.finish(io.EOF)
		c.wants(t, "data")
		r.asks(t.Context(), 0, "").came(t, cache.PeerLacks)
		if _, err := r.fill("k", r.never()); !isFailed(err) {
			t.Error(err)
		}
		r.asks(t.Context(), 0, "").came(t, cache.PeerLacks)
	})
}

// A pull that takes over from a gateway of no use is waited for again.
func TestShareOfATakeover(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		w := newWire()
		s.follows(refusing(cache.ErrPeerGone), s.lease())
		c := r.client("k", r.pulls(w, 4, nil))
		a := r.asks(t.Context(), 0, "")
		a.came(t, "")
		w.send("data")
		w.finish(io.EOF)
		c.wants(t, "data")
		a.wants(t, "data")
	})
}

// For want of room a body becomes a window: who has asked for it by then gets all of it, whoever comes later nothing.
func TestShareOfAWindow(t *testing.T) {
	eachWindow(t, 50_000, 60_000, func(t *testing.T, r *rig) {
		data, w := text(300_000), newWire()
		c := r.client("k", r.pulls(w, len(data), tagged(`"v1"`)))
		asked := []*asker{r.asks(t.Context(), 0, "")}
		w.send(data[:40_000])
		asked = append(asked, r.asks(t.Context(), 30_000, `"v1"`), r.asks(t.Context(), 200_000, `"v1"`))
		for i := 40_000; i < len(data); i += 20_000 {
			w.send(data[i : i+20_000])
		}
		r.asks(t.Context(), 0, "").came(t, cache.PeerLacks)
		w.finish(io.EOF)
		c.wants(t, data)
		for i, from := range []int{0, 30_000, 200_000} {
			asked[i].wants(t, data[from:])
		}
	})
}
