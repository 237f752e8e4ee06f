package writeback

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// Who asks is told of what came into the bucket, with its rule, and not of what was there before: the object of
// somebody else, a copy that was replaced, and what the bucket refused.
func TestOnSaved(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		b := &parted{}
		b.put = func(_ context.Context, key string) error {
			switch {
			case strings.HasPrefix(key, "newer"):
				return cache.ErrPrecondition
			case strings.HasPrefix(key, "refused"):
				return refused
			}
			return nil
		}
		c := DefaultConfig()
		c.Uploads, c.PartSize = 2, partSize
		w := New(c, s, func(string) (cache.Bucket, bool) { return b, true }, func(cache.ID) {}, quiet())
		var mu sync.Mutex
		var told []string
		w.OnSaved(func(site, rule string, bytes int64) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, fmt.Sprint(site, " ", rule, " ", bytes))
		})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := make(chan struct{})
		go func() { defer close(done); _ = w.Run(ctx) }()
		synctest.Wait()

		for _, key := range []string{"saved", "newer", "refused"} {
			e := pulledEntry(key, len(key))
			commitEntry(t, s, e, key)
		}
		replace(t, s, "copy", "new")
		early := pulledEntry("k", 6) // long enough to be saved while it arrives
		d, err := s.Create(6)
		if err != nil {
			t.Fatal(err)
		}
		d.Announce(early)
		write(t, d, "abcdef")
		if err := d.Commit(early); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		stop()
		<-done
		slices.Sort(told)
		if want := []string{"assets images 5", "assets images 6"}; !slices.Equal(told, want) {
			t.Errorf("told of %q, want %q", told, want)
		}
	})
}

// pulledEntry is an object that the rule images has brought.
func pulledEntry(key string, size int) cache.Entry {
	e := cache.Entry{ID: id(key), Meta: cache.Meta{Size: int64(size)}}
	e.Meta.Origin = cache.Provenance{Rule: "images", Target: "primary", Size: int64(size), Time: time.Unix(1e9, 0)}
	return e
}
