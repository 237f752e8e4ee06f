package writeback

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// refused is what a bucket says that does not let us write.
var refused = &cache.BucketError{Op: "put", Status: 403, Code: "AccessDenied", Lasting: true}

// buried returns a spool with dead entries of these keys, each with its key as bytes.
func buried(t *testing.T, dir string, c SpoolConfig, keys ...string) *Spool {
	t.Helper()
	s := openSpoolWith(t, dir, c)
	for _, key := range keys {
		commit(t, s, key, key)
		e, ok := s.queue.next(t.Context())
		if !ok {
			t.Fatal("nothing is due")
		}
		e.attempts = lastingTries
		if err := s.bury(e, refused); err != nil {
			t.Fatal(err)
		}
		s.queue.done(e, verdictWell)
	}
	return s
}

var roomy = SpoolConfig{MaxBytes: 1 << 20, MaxEntries: 1000}

// A bucket that refuses for good is tried a few times; then the object is dead: served, listed with the reason, not
// tried any more, and saved once it is retried and the bucket has been mended. Restarts change nothing of that.
func TestDead(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var mended atomic.Bool
		b := &bucket{put: func(context.Context, string) error {
			if mended.Load() {
				return nil
			}
			return refused
		}}
		s := openSpool(t, dir)
		_, stop := start(t, s, 1, b)
		commit(t, s, "k", "data")
		for range 2 {
			wait(24 * time.Hour)
			if tries := len(b.tries()); tries != lastingTries {
				t.Errorf("%d tries, want %d", tries, lastingTries)
			}
			wantObject(t, s, "k", "data")
			wantRoom(t, s, 4, 1)
			page, err := s.List(Filter{Dead: true, Limit: 10})
			items := page.Items
			if err != nil || page.Next != "" || len(items) != 1 || items[0].Key != "k" || items[0].State != StateDead ||
				items[0].Attempts != lastingTries || !strings.Contains(items[0].Error, "AccessDenied") || items[0].Died.IsZero() {
				t.Errorf("got %+v, %v", page, err)
			}
			if sum := s.Summary(); sum.Dead != 1 || sum.Waiting != 0 {
				t.Errorf("got %+v", sum)
			}
			stop()
			closeSpool(t, s)
			s = openSpool(t, dir)
			_, stop = start(t, s, 1, b)
		}
		mended.Store(true)
		if n, err := s.RetryAll(); n != 1 || err != nil {
			t.Errorf("retried %d, %v", n, err)
		}
		synctest.Wait()
		if !s.Saved(id("k")) || s.Summary().Dead != 0 {
			t.Error("it is not saved")
		}
		wantRoom(t, s, 0, 0)
		wantFiles(t, s, "", 0)
		stop()
		closeSpool(t, s)
	})
}

// A refusal between failures that pass is not the last word.
func TestLastingOnlyInARow(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		n := 0
		b := &bucket{put: func(context.Context, string) error {
			if n++; n%lastingTries == 0 {
				return errBucket
			}
			return refused
		}}
		_, stop := start(t, s, 1, b)
		commit(t, s, "k", "data")
		wait(24 * time.Hour)
		stop()
		if s.Summary().Dead != 0 || len(b.tries()) < 100 {
			t.Errorf("%d tries, %+v", len(b.tries()), s.Summary())
		}
	})
}

// Dead entries make room, the oldest first; those that wait never do.
func TestEvict(t *testing.T) {
	small := SpoolConfig{MaxBytes: 10, MaxEntries: 10}
	s := buried(t, t.TempDir(), small, "old", "mid", "new")
	defer closeSpool(t, s)
	commit(t, s, "w", "w")
	wantRoom(t, s, 10, 4)
	d := create(t, s, 4, "data")
	wantAbsent(t, s, "old")
	wantAbsent(t, s, "mid")
	wantObject(t, s, "new", "new")
	wantRoom(t, s, 8, 3)
	if _, err := s.Create(11); !errors.Is(err, cache.ErrNoRoom) {
		t.Errorf("got %v", err)
	}
	wantObject(t, s, "new", "new") // it would not have helped
	if _, err := s.Create(6); !errors.Is(err, cache.ErrNoRoom) {
		t.Errorf("got %v", err)
	}
	wantAbsent(t, s, "new")
	wantObject(t, s, "w", "w")
	if sum := s.Summary(); sum.Evicted != 3 || sum.Dead != 0 {
		t.Errorf("got %+v", sum)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	wantRoom(t, s, 1, 1)
}

// A pull of an object whose dead entry is there takes its place.
func TestCommitOverADeadEntry(t *testing.T) {
	dir := t.TempDir()
	s := buried(t, dir, roomy, "k")
	commit(t, s, "k", "anew")
	for range 2 {
		wantObject(t, s, "k", "anew")
		wantRoom(t, s, 4, 1)
		wantFiles(t, s, "pending", 2)
		if sum := s.Summary(); sum.Dead != 0 || sum.Waiting != 1 {
			t.Errorf("got %+v", sum)
		}
		closeSpool(t, s)
		s = openSpool(t, dir)
	}
	closeSpool(t, s)
}

// The process may end between the two steps of giving an entry up: then it waits again.
func TestRecoverHalfBuried(t *testing.T) {
	dir := t.TempDir()
	s := buried(t, dir, roomy, "k")
	e := find(s, "k")
	record := read(t, s.recordPath(e, deadSuffix))
	closeSpool(t, s)
	writeTo(t, s.recordPath(e, waitingSuffix), record)
	s = openSpool(t, dir)
	defer closeSpool(t, s)
	wantObject(t, s, "k", "k")
	wantFiles(t, s, "pending", 2)
	if sum := s.Summary(); sum.Dead != 0 || sum.Waiting != 1 {
		t.Errorf("got %+v", sum)
	}
}

func TestRetryAndDrop(t *testing.T) {
	s := buried(t, t.TempDir(), roomy, "a", "b", "c")
	defer closeSpool(t, s)
	of := func(key string) string { return find(s, key).hash.String() }
	a := of("a")
	if err := errors.Join(s.Retry(a), s.Drop(of("b"))); err != nil {
		t.Error(err)
	}
	wantAbsent(t, s, "b")
	if sum := s.Summary(); sum.Waiting != 1 || sum.Dead != 1 {
		t.Errorf("got %+v", sum)
	}
	if e, _ := s.queue.take(); e == nil || e.hash.String() != a {
		t.Errorf("got %v", e)
	}
	for _, unknown := range []string{"", "x", strings.Repeat("0", 32)} {
		if err := s.Retry(unknown); !errors.Is(err, ErrNoEntry) {
			t.Errorf("retry %q: %v", unknown, err)
		}
		if err := s.Drop(unknown); !errors.Is(err, ErrNoEntry) {
			t.Errorf("drop %q: %v", unknown, err)
		}
	}
	wantRoom(t, s, 2, 2)
	wantFiles(t, s, "pending", 4)
}

// A pause outlives the process; what is under way is finished.
func TestPause(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := openSpool(t, dir)
		b := &bucket{}
		_, stop := start(t, s, 1, b)
		if err := s.Pause(); err != nil {
			t.Fatal(err)
		}
		commit(t, s, "k", "data")
		wait(time.Hour)
		stop()
		closeSpool(t, s)
		s = openSpool(t, dir)
		_, stop = start(t, s, 1, b)
		wait(time.Hour)
		if len(b.tries()) != 0 || !s.Summary().Paused {
			t.Errorf("%d tries, %+v", len(b.tries()), s.Summary())
		}
		if err := errors.Join(s.Resume(), s.Resume()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if len(b.tries()) != 1 || s.Summary().Paused {
			t.Errorf("%d tries, %+v", len(b.tries()), s.Summary())
		}
		stop()
		closeSpool(t, s)
		if _, err := os.Stat(s.pausePath()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("left %v", err)
		}
	})
}

// What is dropped is not saved, even if it is on its way; what has taken its parts is told to forget them.
func TestDropEndsTheUpload(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		stuck := func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		}
		b := &parted{bucket: bucket{put: stuck}}
		stop := startParted(t, s, b)
		commit(t, s, "waits", "ab")
		d, e := arriving(t, s)
		write(t, d, "abcdef")
		if err := errors.Join(d.Commit(e), d.Close()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.uploads(t, 2, 2)
		page, err := s.List(Filter{Limit: 10})
		if err != nil || len(page.Items) != 2 {
			t.Fatalf("got %+v, %v", page, err)
		}
		for _, item := range page.Items {
			if item.State != StateUploading || item.Sent != item.Bytes {
				t.Errorf("got %+v", item)
			}
			if err := s.Drop(item.ID); err != nil {
				t.Error(err)
			}
		}
		wait(time.Second)
		b.uploads(t, 2, 0)
		wantRoom(t, s, 0, 0)
		wantFiles(t, s, "", 0)
		stop()
	})
}

// What the bucket already had is success, and counted apart.
func TestCounts(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		b := &bucket{put: func(_ context.Context, key string) error {
			if key == "newer" {
				return cache.ErrPrecondition
			}
			return nil
		}}
		_, stop := start(t, s, 1, b)
		for _, key := range []string{"a", "newer", "b"} {
			commit(t, s, key, "data")
		}
		synctest.Wait()
		stop()
		if got := s.Summary(); got.Saved != 2 || got.Newer != 1 || got.Waiting != 0 {
			t.Errorf("got %+v", got)
		}
	})
}
