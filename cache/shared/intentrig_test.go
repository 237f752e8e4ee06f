package shared

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mirrorgate/cache"
	"mirrorgate/test/harness"
)

// quick is so fast that a test sees it, and so slow that a member on a busy machine is not taken for gone.
func quick() tempo {
	return tempo{
		beat: 50 * time.Millisecond, gone: time.Second, list: 50 * time.Millisecond,
		scan: 100 * time.Millisecond, again: 50 * time.Millisecond, pull: 20 * time.Second,
	}
}

// gate is a gateway of a fleet, as far as intents need one.
type gate struct {
	*Fleet
	log *logbook

	mu    sync.Mutex
	spool map[cache.ID]bool
	asked map[cache.ID]int                             // how often it was to pull
	pull  func(ctx context.Context, id cache.ID) error // nil: it succeeds at once
	stop  func()
}

// logbook keeps what is logged.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// lines counts those which hold all of the parts.
func (l *logbook) lines(parts ...string) (n int) {
	for line := range strings.Lines(l.all()) {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			n++
		}
	}
	return n
}

// newGate makes a member that does not run yet.
func newGate(t *testing.T, url []string, member string, change func(*Options)) *gate {
	t.Helper()
	g := &gate{log: new(logbook), spool: make(map[cache.ID]bool), asked: make(map[cache.ID]int)}
	o := Options{
		Config: Config{Redis: url, Secret: testSecret}, Member: member, Version: "1.0", Setup: "one",
		Saved: func(cache.ID) {}, Doubt: func() {}, patience: soon,
		Waiting: g.waiting, Each: g.each, Pull: g.again,
		Log: slog.New(slog.NewTextHandler(g.log, nil)),
	}
	if change != nil {
		change(&o)
	}
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	g.Fleet = f
	g.tempo = quick()
	return g
}

// run runs it until the test ends, or stop is called, which is as if it were killed: it says no farewell.
func (g *gate) run(t *testing.T) *gate {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := g.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	g.stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(g.stop)
	return g
}

func (g *gate) waiting(id cache.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.spool[id]
}

func (g *gate) each(yield func(cache.ID) bool) {
	g.mu.Lock()
	var ids []cache.ID
	for id := range g.spool {
		ids = append(ids, id)
	}
	g.mu.Unlock()
	for _, id := range ids {
		if !yield(id) {
			return
		}
	}
}

func (g *gate) again(ctx context.Context, id cache.ID) error {
	g.mu.Lock()
	g.asked[id]++
	pull := g.pull
	g.mu.Unlock()
	if pull == nil {
		return nil
	}
	return pull(ctx, id)
}

func (g *gate) pulls() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, times := range g.asked {
		n += times
	}
	return n
}

// commit is the end of a pull: announced, then in the spool.
func (g *gate) commit(t *testing.T, ids ...cache.ID) {
	t.Helper()
	for _, id := range ids {
		harness.Eventually(t, soon, func() error { return g.announce(t.Context(), id) }) // a busy machine may need more
		g.mu.Lock()
		g.spool[id] = true
		g.mu.Unlock()
	}
}

// save is the end of its stay in the spool.
func (g *gate) save(ids ...cache.ID) {
	for _, id := range ids {
		g.mu.Lock()
		delete(g.spool, id)
		g.mu.Unlock()
		g.Left(id, true)
	}
}

func objects(n int) (ids []cache.ID) {
	for i := range n {
		ids = append(ids, cache.ID{Site: "assets", Key: fmt.Sprintf("a/%d \xff\x00.jpg", i)})
	}
	return ids
}

// wantIntents waits until so many intents are in the streams, and each of them is pending to somebody.
func wantIntents(t *testing.T, g *gate, want int) {
	t.Helper()
	harness.Eventually(t, 20*time.Second, func() error {
		length, waiting := int64(0), int64(0)
		for shard := range shards {
			n, err := g.link.rdb.XLen(t.Context(), g.names.stream(shard)).Result()
			if err != nil {
				return err
			}
			length += n
			p, err := g.link.rdb.XPending(t.Context(), g.names.stream(shard), groupName).Result()
			if err == nil {
				waiting += p.Count
			} else if !redis.HasErrorPrefix(err, "NOGROUP") {
				return err
			}
		}
		if length != int64(want) || waiting != int64(want) {
			return fmt.Errorf("%d intents, %d of them pending, want %d", length, waiting, want)
		}
		return nil
	})
}

// wantPulls waits until the gates have been asked to pull so often, together.
func wantPulls(t *testing.T, want int, gates ...*gate) {
	t.Helper()
	harness.Eventually(t, 30*time.Second, func() error {
		got := 0
		for _, g := range gates {
			got += g.pulls()
		}
		if got != want {
			return fmt.Errorf("%d pulls, want %d", got, want)
		}
		return nil
	})
}

// looked waits until so many looks into shards have been made since it was called: all of them together find nothing to
// do.
func looked(t *testing.T, rdb redis.UniversalClient, more int) {
	t.Helper()
	begin := looks(t, rdb)
	harness.Eventually(t, 30*time.Second, func() error {
		if n := looks(t, rdb) - begin; n < more {
			return fmt.Errorf("%d looks, want %d", n, more)
		}
		return nil
	})
}

// looks counts the looks into shards since Redis started.
func looks(t *testing.T, rdb redis.UniversalClient) (n int) {
	t.Helper()
	info, err := rdb.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	if _, rest, ok := strings.Cut(info, "cmdstat_xinfo|consumers:calls="); ok {
		_, _ = fmt.Sscanf(rest, "%d", &n)
	}
	return n
}

// client is a connection of the test's own.
func client(t *testing.T, r *harness.Redis) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: r.Addr})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

var errOrigin = errors.New("the origin is away")
