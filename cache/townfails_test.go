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

// crowd has three clients of each gateway ask for k; all have the same origin.
func crowd(at []*citizen, load cache.Loader) []*client {
	var clients []*client
	for _, c := range at {
		for range 3 {
			clients = append(clients, c.client("k", load))
		}
	}
	return clients
}

// A pull that fails fails for all, whether they wait already or are on the way to ask; nobody else asks the origin. What
// the origin does not have is remembered everywhere for the same time.
func TestOneFailureForTheTown(t *testing.T) {
	f := func(err error, late bool) {
		t.Helper()
		eachTown(t, 5, func(t *testing.T, at []*citizen) {
			gate, way := make(chan struct{}), make(chan struct{})
			if late {
				at[0].way = way
			}
			load := at[0].loader(func(context.Context) (*cache.Pull, error) {
				<-gate
				return nil, err
			})
			clients := crowd(at, load)
			close(gate)
			synctest.Wait()
			close(way)
			synctest.Wait()
			for i, c := range clients {
				if _, _, got := c.got(); got == nil || got == io.EOF || errors.Is(got, cache.ErrPeerGone) {
					t.Errorf("client %d: %v", i, got)
				}
			}
			at[0].loadedTimes(1)
			if said := at[0].told(); len(said) != 1 || said[0] != "release" {
				t.Errorf("the holder said %q", said)
			}
		})
	}
	for _, late := range []bool{false, true} {
		f(errOrigin, late)
		f(notFound(), late)
	}
}

// What one gateway has learnt is asked of nobody by those who did not wait, until its time is over.
func TestNegativeForTheTown(t *testing.T) {
	eachTown(t, 3, func(t *testing.T, at []*citizen) {
		_, _ = at[0].fill("k", at[0].refuses(notFound()))
		wait(time.Second)
		var got *cache.NegativeError
		for _, c := range at {
			if _, err := c.fill("k", c.never()); !errors.As(err, &got) || !got.Remembered {
				t.Error(err)
			}
		}
	})
}

// An answer that may not be shared is pulled by each.
func TestUnsharedInTheTown(t *testing.T) {
	eachTown(t, 3, func(t *testing.T, at []*citizen) {
		gate := make(chan struct{})
		load := at[0].answers("data", private)
		clients := crowd(at, func(ctx context.Context) (*cache.Pull, error) {
			<-gate
			return load(ctx)
		})
		close(gate)
		synctest.Wait()
		for _, c := range clients {
			c.wants(t, "data")
		}
		at[0].loadedTimes(9)
	})
}

// Whoever has looked into the bucket before the object was saved looks again; what is not there is pulled again.
func TestSavedInTheTown(t *testing.T) {
	f := func(there bool, loads int) {
		t.Helper()
		eachTown(t, 3, func(t *testing.T, at []*citizen) {
			at[0].commit("k", "data")
			at[0].save()
			if !there {
				at[0].bucket.remove("k")
			}
			got, err := at[1].fill("k", at[0].answers("data"))
			if there != errors.Is(err, cache.ErrStored) || !there && (err != nil || got.data != "data") {
				t.Errorf("%q, %v", got.data, err)
			}
			if !there {
				if got, err := at[2].fill("k", at[2].never()); err != nil || got.data != "data" || !got.obj.Pull.Collapsed {
					t.Errorf("%q, %v", got.data, err)
				}
			}
			at[0].loadedTimes(loads)
		})
	}
	f(true, 1)
	f(false, 2)
}

// What waits in a spool is had from there, and is pulled again when that gateway is gone: by one for all.
func TestTakeoverInTheTown(t *testing.T) {
	eachTown(t, 4, func(t *testing.T, at []*citizen) {
		data := text(100_000)
		at[0].commit("k", data)
		if got, err := at[1].fill("k", at[1].never()); err != nil || got.data != data {
			t.Errorf("%d bytes, %v", len(got.data), err)
		}
		at[0].gone = true
		w := newWire()
		load := at[1].pulls(w, len(data), nil)
		clients := crowd(at[1:], load)
		w.send(data)
		w.finish(io.EOF)
		for _, c := range clients {
			c.wants(t, data)
		}
		if at[1].loaded() != 1 || at[1].opened != 2 {
			t.Errorf("%d loads, %d bodies to others", at[1].loaded(), at[1].opened)
		}
	})
}

// A gateway that is cut off from the others works on its own.
func TestSilentTown(t *testing.T) {
	eachTown(t, 2, func(t *testing.T, at []*citizen) {
		at[0].town.silent = true
		for _, c := range at {
			c.commit("k", "data")
			c.loadedTimes(1)
		}
	})
}

// A gateway that stops before it has anything leaves the pull to the others: by one for all of them.
func TestHolderStops(t *testing.T) {
	eachTown(t, 3, func(t *testing.T, at []*citizen) {
		stopped, cancel := context.WithCancel(t.Context())
		first := at[0].client("k", at[0].loader(func(ctx context.Context) (*cache.Pull, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}))
		others := crowd(at[1:], at[1].answers("data"))
		cancel()
		if err := at[0].cache.Drain(stopped); err == nil {
			t.Error("nothing was under way")
		}
		synctest.Wait()
		if _, _, err := first.got(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		for i, c := range others {
			if _, got, err := c.got(); !errors.Is(err, cache.ErrStored) && got != "data" {
				t.Errorf("client %d: %q, %v", i, got, err)
			}
		}
		at[1].loadedTimes(1)
	})
}

// A holder that breaks off fails its own clients, and the others go on together by one pull of theirs.
func TestBrokenPullInTheTown(t *testing.T) {
	eachTown(t, 4, func(t *testing.T, at []*citizen) {
		data, w := text(200_000), newWire()
		first := at[0].client("k", at[0].pulls(w, len(data), tagged(`"v1"`)))
		w.send(data[:1000])
		again := newWire()
		var others []*client
		for _, c := range at[1:] {
			o := c.opts
			o.Later = at[1].pulls(again, len(data), tagged(`"v1"`))
			others = append(others, c.clientWith("k", o, c.never(), nil))
		}
		w.finish(errOrigin)
		if _, _, err := first.got(); !errors.Is(err, errOrigin) {
			t.Error(err)
		}
		again.send(data)
		again.finish(io.EOF)
		for _, c := range others {
			c.wants(t, data)
		}
		if at[1].loaded() != 1 {
			t.Errorf("%d loads after the first", at[1].loaded())
		}
		for _, c := range at {
			c.left = len(c.spool.committed())
		}
	})
}

// A gateway follows the others' pulls within limits.max_pulls of its own kind, and waits no longer than for those.
func TestRelaysAreBounded(t *testing.T) {
	scripted(t, func(t *testing.T, r *rig, s *script) {
		w := newWire()
		open := peerOf(func(ctx context.Context, _ int64, _ string) (*cache.Pull, error) { return r.pulls(w, 4, nil)(ctx) })
		for range 101 {
			s.follows(append(s.says, open)...)
		}
		var clients []*client
		for i := range 100 {
			clients = append(clients, r.client("k"+string(rune('a'+i)), r.never()))
		}
		if _, err := r.fill("k", r.never()); !isBusy(err, "limits.max_pulls") {
			t.Error(err)
		}
		w.finish(errOrigin)
		for _, c := range clients {
			if _, _, err := c.got(); !errors.Is(err, errOrigin) {
				t.Error(err)
			}
		}
	})
}
