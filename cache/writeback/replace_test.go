package writeback

import (
	"context"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// replace puts the replacement of a copy into the spool, as a check does.
func replace(t *testing.T, s *Spool, key, data string) {
	t.Helper()
	e := cache.Entry{ID: id(key), Meta: cache.Meta{Size: int64(len(data))}, Put: cache.PutOptions{IfMatch: `"old"`}}
	commitEntry(t, s, e, data)
}

func TestReplace(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		replace(t, s, "k", "new")
		wantAbsent(t, s, "k") // as long as it is not saved
		if s.Waiting() != 1 {
			t.Errorf("%d wait", s.Waiting())
		}
		b := &bucket{}
		_, stop := start(t, s, 1, b)
		synctest.Wait()
		stop()
		if got := b.tries(); len(got) != 1 || got[0].data != "new" || got[0].opts.IfMatch != `"old"` {
			t.Errorf("put %+v", got)
		}
		wantRoom(t, s, 0, 0)
		wantFiles(t, s, "", 0)
	})
}

// What says that the copy is not there any more, or that it cannot be replaced, ends a replacement at once and for good.
// Everything else is tried again.
func TestReplaceRefused(t *testing.T) {
	f := func(name string, refusal error, drops bool) {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *Spool) {
				b := &bucket{put: func(context.Context, string) error { return fmt.Errorf("put: %w", refusal) }}
				_, stop := start(t, s, 1, b)
				replace(t, s, "k", "new")
				wait(time.Hour)
				if tries := len(b.tries()); drops != (tries == 1) || drops != (s.Waiting() == 0) {
					t.Errorf("%d tries, %d wait", tries, s.Waiting())
				}
				stop()
				wantAbsent(t, s, "k")
				if drops {
					wantRoom(t, s, 0, 0)
					wantFiles(t, s, "", 0)
				}
			})
		})
	}
	f("412", cache.ErrPrecondition, true)
	f("404", cache.ErrNotFound, true)
	f("lasting", refused, true)
	f("passing", &cache.BucketError{Op: "put", Status: 503}, false)
	f("not ready", cache.ErrNotReady, false)
}

// A replacement is one after a restart, too.
func TestReplaceAfterARestart(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := openSpool(t, dir)
		replace(t, s, "k", "new")
		closeSpool(t, s)
		s = openSpool(t, dir)
		wantAbsent(t, s, "k")
		b := &bucket{put: func(context.Context, string) error { return cache.ErrNotFound }}
		_, stop := start(t, s, 1, b)
		wait(time.Hour)
		stop()
		if got := b.tries(); len(got) != 1 || got[0].opts.IfMatch != `"old"` || s.Waiting() != 0 {
			t.Errorf("put %+v, %d wait", got, s.Waiting())
		}
		wantRoom(t, s, 0, 0)
		wantFiles(t, s, "", 0)
		closeSpool(t, s)
	})
}

// An object that was deleted and pulled again goes before the replacement of the one that is gone, whichever came first;
// of two of a kind the first stays.
func TestReplaceBesideANewObject(t *testing.T) {
	f := func(name, want string, commits ...func(t *testing.T, s *Spool)) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				s := openSpool(t, dir)
				for _, c := range commits {
					c(t, s)
				}
				wantRoom(t, s, int64(len(want)), 1)
				wantFiles(t, s, "pending", 2)
				closeSpool(t, s)
				s = openSpool(t, dir)
				b := &bucket{}
				_, stop := start(t, s, 2, b)
				synctest.Wait()
				stop()
				if got := b.tries(); len(got) != 1 || got[0].data != want {
					t.Errorf("put %+v", got)
				}
				wantRoom(t, s, 0, 0)
				wantFiles(t, s, "", 0)
				closeSpool(t, s)
			})
		})
	}
	created := func(data string) func(*testing.T, *Spool) {
		return func(t *testing.T, s *Spool) { commit(t, s, "k", data) }
	}
	replaced := func(data string) func(*testing.T, *Spool) {
		return func(t *testing.T, s *Spool) { replace(t, s, "k", data) }
	}
	f("first the replacement", "created", replaced("new"), created("created"))
	f("first the object", "created", created("created"), replaced("new"))
	f("two replacements", "new", replaced("new"), replaced("newer"))
	f("all", "created", replaced("new"), replaced("newer"), created("created"), replaced("newest"), created("again"))
}

// The same while the replacement is being uploaded: that ends as it ends, and takes nothing away from the other.
func TestReplaceDuringItsUpload(t *testing.T) {
	for _, end := range []error{nil, cache.ErrNotFound, errBucket} {
		inBubble(t, func(t *testing.T, s *Spool) {
			goOn := make(chan error)
			b := &bucket{put: func(context.Context, string) error { return <-goOn }}
			_, stop := start(t, s, 1, b)
			replace(t, s, "k", "new")
			synctest.Wait()
			commit(t, s, "k", "created")
			wantObject(t, s, "k", "created")
			goOn <- end
			synctest.Wait()
			wantObject(t, s, "k", "created")
			wantRoom(t, s, 7, 1)
			goOn <- nil
			wait(time.Hour)
			stop()
			if n := s.queue.lane("assets").waiting.Len(); n != 0 {
				t.Errorf("%d entries are tried for ever", n)
			}
			if got := b.tries(); len(got) != 2 || got[1].data != "created" || got[1].opts.IfMatch != "" {
				t.Errorf("put %+v", got)
			}
			wantRoom(t, s, 0, 0)
			wantFiles(t, s, "", 0)
		})
	}
}

// The process may end while one entry takes the place of another: the record tells whose place it is.
func TestRecoverBoth(t *testing.T) {
	f := func(what, want string, crash func(s *Spool, old, young string) error) {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			s := openSpool(t, dir)
			replace(t, s, "k", "new")
			old := find(s, "k")
			saved := read(t, s.recordPath(old, waitingSuffix))
			commit(t, s, "k", "created")
			writeTo(t, s.bodyPath(old), "new")
			if err := crash(s, saved, s.recordPath(old, waitingSuffix)); err != nil {
				t.Fatal(err)
			}
			closeSpool(t, s)
			s = openSpool(t, dir)
			defer closeSpool(t, s)
			if want == "" {
				wantAbsent(t, s, "k")
				wantRoom(t, s, 0, 0)
				wantFiles(t, s, "dead", 3)
				wantFiles(t, s, "pending", 0)
				return
			}
			if e := find(s, "k"); e == nil || read(t, s.bodyPath(e)) != want {
				t.Errorf("got %+v", e)
			}
			wantRoom(t, s, int64(len(want)), 1)
			wantFiles(t, s, "pending", 2)
			wantFiles(t, s, "dead", 0)
		})
	}
	f("before the record", "new", func(_ *Spool, saved, path string) error { return os.WriteFile(path, []byte(saved), 0o600) })
	f("behind the record", "created", func(*Spool, string, string) error { return nil })
	f("and the record is lost", "", func(_ *Spool, _, path string) error { return os.WriteFile(path, nil, 0o600) })
}
