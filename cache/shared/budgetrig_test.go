package shared

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mirrorgate/cache"
	"mirrorgate/test/harness"
)

const what = "max_concurrent"

// sharer is a Fleet of which what a Budget needs runs.
type sharer struct {
	*Fleet
	*Budget
	stop func() // ends its Run
	kill func() // what it does not do any more is as after kill -9: it gives nothing back
}

// fleetOf starts so many gateways that know how many they are, with the budget of one rule. Their places last shorter
// than elsewhere.
func fleetOf(t *testing.T, url string, n int) []*sharer {
	t.Helper()
	return fleetAt(t, url, n, pace{lasts: 1500 * time.Millisecond, renewing: 500 * time.Millisecond, settling: time.Second})
}

func fleetAt(t *testing.T, url string, n int, p pace) []*sharer {
	t.Helper()
	all := make([]*sharer, n)
	for i := range all {
		f, err := New(Options{
			Config: Config{Redis: Addresses{url}}, Member: fmt.Sprint("gateway-", i), Log: slog.New(slog.DiscardHandler),
			Saved: func(cache.ID) {}, Doubt: func() {},
		})
		if err != nil {
			t.Fatal(err)
		}
		f.crew.size.Store(int64(n))
		f.places.pace = p
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			var running sync.WaitGroup
			running.Go(func() { f.renewPlaces(ctx) })
			f.probe(ctx)
			running.Wait()
			_ = f.link.close() // killed ones have closed it
		}()
		stop := func() { cancel(); <-ended }
		t.Cleanup(stop)
		kill := func() { f.link.rdb.Close(); stop() }
		all[i] = &sharer{f, f.Budget("site", "rule"), stop, kill}
	}
	return all
}

// look gives what the tests look into Redis with.
func look(t *testing.T, r *harness.Redis) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: r.Addr})
	t.Cleanup(func() { c.Close() })
	return c
}

// tally counts who is inside, and the most there ever were.
type tally struct{ now, most, ever atomic.Int64 }

func (c *tally) enter() {
	n := c.now.Add(1)
	c.ever.Add(1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
}

func (c *tally) leave() { c.now.Add(-1) }

// crowd lets so many pulls of each gateway come and go under a limit until ctx ends; each stays inside for a moment.
func crowd(ctx context.Context, gateways []*sharer, each, places int, inside *tally) (wait func()) {
	var all sync.WaitGroup
	for _, g := range gateways {
		for range each {
			all.Go(func() {
				for ctx.Err() == nil {
					if leave := g.Enter(ctx, what, places); leave != nil {
						inside.enter()
						<-time.After(20 * time.Millisecond)
						inside.leave()
						leave()
					}
				}
			})
		}
	}
	return all.Wait
}

// pastSettling makes it long ago that Redis began to keep the places.
func pastSettling(t *testing.T, c *redis.Client, g *sharer) {
	t.Helper()
	if err := c.Set(t.Context(), g.name+what+":since", "1 1", 0).Err(); err != nil {
		t.Fatal(err)
	}
}

// take enters so often, and fails the test if that is not granted at once.
func (g *sharer) take(t *testing.T, n, places int) {
	t.Helper()
	for range n {
		if g.Enter(until(t, time.Second), what, places) == nil {
			t.Fatal("a place is not free")
		}
	}
}

func until(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func scored(at time.Time, member string) redis.Z {
	return redis.Z{Score: float64(at.UnixMilli()), Member: member}
}
