package writeback

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/test/harness"
)

// leavers is what has left a spool.
type leavers struct {
	mu  sync.Mutex
	all []string // key, and whether it was saved
}

func (l *leavers) of(s *Spool) *leavers {
	s.OnLeft(func(id cache.ID, saved bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = append(l.all, fmt.Sprint(id.Key, " ", saved))
		if s.Has(id) {
			l.all = append(l.all, id.Key+" is still there")
		}
	})
	return l
}

func (l *leavers) want(t *testing.T, want ...string) {
	t.Helper()
	harness.Eventually(t, 20*time.Second, func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		got := slices.Sorted(slices.Values(l.all))
		if !slices.Equal(got, want) {
			return fmt.Errorf("left: %q, want %q", got, want)
		}
		return nil
	})
}

func TestLeftOnceSaved(t *testing.T) {
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	left := new(leavers).of(s)
	tried := make(chan string, 10)
	b := &bucket{put: func(_ context.Context, key string) error {
		tried <- key
		switch {
		case strings.HasPrefix(key, "newer"):
			return cache.ErrPrecondition
		case strings.HasPrefix(key, "gone"):
			return cache.ErrNotFound
		case strings.HasPrefix(key, "refused"):
			return refused
		}
		return nil
	}}
	for _, key := range []string{"newer", "refused", "saved"} {
		commit(t, s, key, key)
	}
	gone := cache.Entry{ID: id("gone"), Meta: cache.Meta{Size: 4}, Put: cache.PutOptions{IfMatch: `"x"`}}
	commitEntry(t, s, gone, "gone")
	_, stop := start(t, s, 1, b)
	defer stop()
	for range 4 {
		<-tried
	}
	left.want(t, "gone false", "newer true", "saved true")
	if !s.Has(id("refused")) || s.Has(id("saved")) {
		t.Error("what is in the spool is not known")
	}
}

func TestLeftWithoutBeingSaved(t *testing.T) {
	s := buried(t, t.TempDir(), SpoolConfig{MaxBytes: 12, MaxEntries: 10}, "evict", "drop", "new")
	defer closeSpool(t, s)
	left := new(leavers).of(s)
	commit(t, s, "new", "") // takes the place of a dead one, which has not left
	if err := s.Drop(find(s, "drop").hash.String()); err != nil {
		t.Fatal(err)
	}
	left.want(t, "drop false")
	d := create(t, s, 8, "12345678")
	left.want(t, "drop false", "evict false")
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestEach(t *testing.T) {
	s := buried(t, t.TempDir(), roomy, "dead")
	defer closeSpool(t, s)
	for _, key := range []string{"a", "b", "c\xff"} {
		commit(t, s, key, key)
	}
	var got []string
	s.Each(func(id cache.ID) bool {
		got = append(got, id.Site+" "+id.Key)
		if id.Key == "a" {
			if err := takeOut(s, "b"); err != nil {
				t.Error(err)
			}
		}
		return id.Key != "c\xff"
	})
	if want := []string{"assets dead", "assets a", "assets c\xff"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	got = nil
	s.Each(func(id cache.ID) bool { got = append(got, id.Key); return false })
	if len(got) != 1 {
		t.Errorf("went on behind the end: %q", got)
	}
}
