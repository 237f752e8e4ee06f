package writeback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// inBubble runs f over a fresh spool, with a clock of its own. It fails when f leaves a goroutine behind.
func inBubble(t *testing.T, f func(t *testing.T, s *Spool)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := openSpool(t, dir)
		f(t, s)
		closeSpool(t, s)
	})
}

// wait lets the clock of the test go on.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestSave(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		b := &bucket{}
		_, stop := start(t, s, 4, b)
		data := random(100_000)
		for range 3 {
			commit(t, s, "k", data)
			synctest.Wait()
			if !s.Saved(id("k")) || s.Waiting() != 0 {
				t.Error("it is not saved")
			}
			wantAbsent(t, s, "k")
		}
		stop()
		if puts := b.tries(); len(puts) != 3 || puts[0].data != data || puts[0].meta.Size != 100_000 {
			t.Errorf("%d puts", len(puts))
		}
		wantRoom(t, s, 0, 0)
		wantFiles(t, s, "", 0)
	})
}

// Who reads an object that is saved meanwhile gets it whole.
func TestSaveUnderReaders(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		d := create(t, s, 4, "data")
		if err := d.Commit(cache.Entry{ID: id("k"), Meta: cache.Meta{Size: 4}}); err != nil {
			t.Fatal(err)
		}
		obj, err := s.Open(id("k"), cache.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		_, stop := start(t, s, 1, &bucket{})
		synctest.Wait()
		stop()
		wantAbsent(t, s, "k")
		buf := make([]byte, 4)
		if n, err := d.ReadAt(buf, 0); string(buf[:n]) != "data" {
			t.Errorf("the pull's readers get %q, %v", buf[:n], err)
		}
		if got, err := io.ReadAll(obj.Body); string(got) != "data" || err != nil {
			t.Errorf("the reader of the spool gets %q, %v", got, err)
		}
		if err := errors.Join(obj.Body.Close(), d.Close()); err != nil {
			t.Error(err)
		}
		wantRoom(t, s, 0, 0)
	})
}

// Somebody else's object is there: it stays, and there is nothing left to do.
func TestSavePrecondition(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		b := &bucket{put: func(context.Context, string) error { return fmt.Errorf("put: %w", cache.ErrPrecondition) }}
		_, stop := start(t, s, 1, b)
		commit(t, s, "k", "data")
		wait(24 * time.Hour)
		stop()
		if len(b.tries()) != 1 || s.Waiting() != 0 {
			t.Errorf("%d tries, %d wait", len(b.tries()), s.Waiting())
		}
		wantRoom(t, s, 0, 0)
		wantFiles(t, s, "", 0)
	})
}

// A failing object is tried again until it is saved, with pauses that double up to five minutes; each is shorter by up
// to a half, at random. The bucket takes others meanwhile, so it is not taken to be away.
func TestSaveBackOff(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		fails := 15
		b := &bucket{put: func(_ context.Context, key string) error {
			if key != "k" {
				return nil
			}
			if fails--; fails >= 0 {
				return errBucket
			}
			return nil
		}}
		_, stop := start(t, s, 3, b)
		commit(t, s, "k", "data")
		wait(3200 * time.Millisecond) // the third try has been, and not the fourth in a row
		commit(t, s, "early", "other")
		for n := range 24 * 3600 / 5 {
			wait(5 * time.Second)
			if n < 1000 {
				commit(t, s, fmt.Sprint(n), "other")
			}
		}
		stop()
		tries := slices.DeleteFunc(b.tries(), func(p put) bool { return p.key != "k" })
		if len(tries) != 16 || s.Waiting() != 0 {
			t.Fatalf("%d tries, %d wait", len(tries), s.Waiting())
		}
		longest := time.Second
		for i := range 15 {
			pause := tries[i+1].at.Sub(tries[i].at)
			if i >= shutAfter && (pause < longest/2 || pause >= longest) {
				t.Errorf("pause %d took %v, want between %v and %v", i+1, pause, longest/2, longest)
			}
			longest = min(2*longest, 5*time.Minute)
		}
		wantRoom(t, s, 0, 0)
	})
}

// While the bucket fails, the object is served from the spool.
func TestSaveFailsVisibly(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		b := &bucket{put: func(context.Context, string) error { return errBucket }}
		_, stop := start(t, s, 1, b)
		commit(t, s, "k", "data")
		for range 5 {
			wait(time.Minute)
			wantObject(t, s, "k", "data")
			wantRoom(t, s, 4, 1)
		}
		stop()
		if s.Waiting() != 1 || s.Saved(id("k")) {
			t.Error("it does not wait any more")
		}
	})
}

func TestSaveOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		failed := false
		b := &bucket{put: func(_ context.Context, key string) error {
			if key == "b" && !failed {
				failed = true
				return errBucket
			}
			return nil
		}}
		for _, key := range []string{"d", "b", "a", "c"} {
			commit(t, s, key, key)
		}
		_, stop := start(t, s, 1, b)
		synctest.Wait()
		commit(t, s, "e", "e")
		wait(time.Minute)
		stop()
		if got := b.keys(); got != "d b a c e b" {
			t.Errorf("got %s", got)
		}
	})
}

func TestSaveUploads(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		free := make(chan struct{})
		b := &bucket{put: func(context.Context, string) error {
			<-free
			return nil
		}}
		_, stop := start(t, s, 3, b)
		for i := range 10 {
			commit(t, s, fmt.Sprint(i), "data")
		}
		synctest.Wait()
		if len(b.tries()) != 3 {
			t.Errorf("%d uploads at one time, want 3", len(b.tries()))
		}
		close(free)
		synctest.Wait()
		stop()
		if len(b.tries()) != 10 || b.most != 3 || s.Waiting() != 0 {
			t.Errorf("%d uploads, %d at one time, %d wait", len(b.tries()), b.most, s.Waiting())
		}
	})
}

// One upload that hangs stops no other.
func TestSaveBesideOneThatHangs(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		b := &bucket{put: func(ctx context.Context, key string) error {
			if key == "hangs" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}}
		_, stop := start(t, s, 2, b)
		commit(t, s, "hangs", "data")
		for i := range 5 {
			commit(t, s, fmt.Sprint(i), "data")
			synctest.Wait()
		}
		wait(time.Minute)
		if s.Waiting() != 1 {
			t.Errorf("%d wait", s.Waiting())
		}
		stop()
		wantObject(t, s, "hangs", "data")
	})
}

// Run ends with its context, and leaves the rest for the next start, which begins at once.
func TestRunStops(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := openSpool(t, dir)
		b := &bucket{put: func(ctx context.Context, key string) error {
			if key == "saved" {
				return nil
			}
			<-ctx.Done()
			return fmt.Errorf("put: %w", ctx.Err())
		}}
		_, stop := start(t, s, 2, b)
		commit(t, s, "saved", "data")
		synctest.Wait()
		for i := range 5 {
			commit(t, s, fmt.Sprint(i), "data")
		}
		synctest.Wait()
		stop()
		if s.Waiting() != 5 || len(b.tries()) != 3 || b.running != 0 {
			t.Errorf("%d wait after %d tries, %d still run", s.Waiting(), len(b.tries()), b.running)
		}
		wantRoom(t, s, 20, 5)
		commit(t, s, "after", "data") // nobody runs, and it is kept all the same
		closeSpool(t, s)

		s = openSpool(t, dir)
		b = &bucket{}
		begin := time.Now()
		w, stop := start(t, s, 2, b)
		if err := w.WaitIdle(t.Context()); err != nil || time.Since(begin) != 0 {
			t.Errorf("idle after %v, %v", time.Since(begin), err)
		}
		stop()
		if len(b.tries()) != 6 || s.Waiting() != 0 {
			t.Errorf("%d tries after the restart, %d wait", len(b.tries()), s.Waiting())
		}
		wantRoom(t, s, 0, 0)
		wantFiles(t, s, "", 0)
		closeSpool(t, s)
	})
}

// What the bucket took just as the context ended is saved, not put again.
func TestRunStopsAfterASuccess(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		b := &bucket{put: func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return nil
		}}
		_, stop := start(t, s, 1, b)
		commit(t, s, "k", "data")
		synctest.Wait()
		stop()
		if s.Waiting() != 0 || !s.Saved(id("k")) {
			t.Error("it waits")
		}
	})
}

func TestRunStopsWhileNothingWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		_, stop := start(t, s, 8, &bucket{})
		synctest.Wait()
		stop()
	})
}

// A site may be taken out of the configuration and put back: its objects wait.
func TestSaveOfASiteThatIsGone(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		b := &bucket{}
		var mu sync.Mutex
		configured := false
		_, stop := startWith(t, s, 1, func(site string) (cache.Bucket, bool) {
			mu.Lock()
			defer mu.Unlock()
			return b, configured && site == "assets"
		})
		commit(t, s, "k", "data")
		wait(time.Hour)
		wantObject(t, s, "k", "data")
		mu.Lock()
		configured = true
		mu.Unlock()
		wait(time.Hour)
		stop()
		if len(b.tries()) != 1 || s.Waiting() != 0 {
			t.Errorf("%d tries, %d wait", len(b.tries()), s.Waiting())
		}
	})
}

func TestWaitIdle(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		uploaded := make(chan struct{})
		b := &bucket{put: func(_ context.Context, key string) error {
			if strings.HasPrefix(key, "fails") {
				return errBucket
			}
			<-uploaded
			return nil
		}}
		w, stop := start(t, s, 2, b)
		defer stop()
		if err := w.WaitIdle(t.Context()); err != nil {
			t.Errorf("nothing to do: %v", err)
		}
		commit(t, s, "fails", "data")
		commit(t, s, "k", "data")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := w.WaitIdle(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an upload is under way: %v", err)
		}
		close(uploaded)
		begin := time.Now()
		if err := w.WaitIdle(t.Context()); err != nil || time.Since(begin) != 0 {
			t.Errorf("idle after %v, %v: what is tried later does not count", time.Since(begin), err)
		}
		if s.Waiting() != 1 {
			t.Errorf("%d wait", s.Waiting())
		}
	})
}

func TestWaitIdleWithoutWorkers(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		w := New(DefaultConfig(), s, nil, nil, quiet())
		if err := w.WaitIdle(t.Context()); err != nil {
			t.Error(err)
		}
		commit(t, s, "k", "data")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errBucket)
		defer cancel()
		if err := w.WaitIdle(ctx); !errors.Is(err, errBucket) {
			t.Errorf("got %v", err)
		}
	})
}

// An object that has come back after it was saved is a new entry.
func TestSaveDuringTheNextPull(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		inPut, goOn := make(chan struct{}), make(chan struct{})
		b := &bucket{put: func(context.Context, string) error {
			inPut <- struct{}{}
			<-goOn
			return nil
		}}
		_, stop := start(t, s, 1, b)
		commit(t, s, "k", "one")
		<-inPut
		commit(t, s, "k", "second") // dropped: the first is on its way
		wantRoom(t, s, 3, 1)
		goOn <- struct{}{}
		synctest.Wait()
		wantRoom(t, s, 0, 0)
		commit(t, s, "k", "third")
		<-inPut
		wantObject(t, s, "k", "third")
		goOn <- struct{}{}
		synctest.Wait()
		stop()
		if got := b.tries(); len(got) != 2 || got[0].data != "one" || got[1].data != "third" {
			t.Errorf("got %+v", got)
		}
		wantRoom(t, s, 0, 0)
		wantFiles(t, s, "", 0)
	})
}

// An entry that somebody has damaged neither stops the others nor passes for saved.
func TestSaveOfDamaged(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		commit(t, s, "damaged", "data")
		e := find(s, "damaged")
		writeTo(t, s.recordPath(e, waitingSuffix), "nonsense")
		s.dropFresh(e) // as by a process that has not written it
		commit(t, s, "k", "data")
		b := &bucket{}
		_, stop := start(t, s, 1, b)
		wait(time.Minute)
		stop()
		if b.keys() != "k" || s.Saved(id("damaged")) || s.Waiting() != 0 {
			t.Errorf("put %s, %d wait", b.keys(), s.Waiting())
		}
		wantFiles(t, s, "dead", 2)
		wantRoom(t, s, 0, 0)
	})
}

// A bucket that finds the body to be another than its checksum says is right: it is set aside.
func TestSaveOfAnotherBody(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		b := &bucket{put: func(context.Context, string) error { return fmt.Errorf("put: %w", cache.ErrDamaged) }}
		_, stop := start(t, s, 1, b)
		commit(t, s, "k", "data")
		wait(time.Hour)
		stop()
		wantAbsent(t, s, "k")
		if len(b.tries()) != 1 || s.Saved(id("k")) {
			t.Errorf("%d tries", len(b.tries()))
		}
		wantFiles(t, s, "dead", 2)
		wantRoom(t, s, 0, 0)
	})
}
