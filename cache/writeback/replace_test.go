package writeback

import (
	"context"
	"fmt"
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
// Everything else is tried again; and what is not a replacement waits whatever the bucket says.
func TestReplaceRefused(t *testing.T) {
	lasting := &cache.BucketError{Op: "put", Status: 403, Code: "AccessDenied", Lasting: true}
	f := func(name string, refusal error, drops, dropsNew bool) {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *Spool) {
				b := &bucket{put: func(context.Context, string) error { return fmt.Errorf("put: %w", refusal) }}
				_, stop := start(t, s, 1, b)
				check := func(what string, dropped bool) {
					t.Helper()
					wait(time.Hour)
					if tries := len(b.tries()); dropped != (tries == 1) || dropped != (s.Waiting() == 0) {
						t.Errorf("%s: %d tries, %d wait", what, tries, s.Waiting())
					}
				}
				commit(t, s, "k", "data")
				check("a new object", dropsNew)
				if !dropsNew {
					wantObject(t, s, "k", "data")
					_ = s.remove(s.index[id("k")])
					wait(time.Hour)
				}
				b.mu.Lock()
				b.puts = nil
				b.mu.Unlock()
				replace(t, s, "k", "new")
				check("a replacement", drops)
				if !drops {
					_ = s.remove(s.index[id("k")])
				}
				stop()
				wantAbsent(t, s, "k")
				wantRoom(t, s, 0, 0)
				wantFiles(t, s, "", 0)
			})
		})
	}
	f("412", cache.ErrPrecondition, true, true)
	f("404", cache.ErrNotFound, true, false)
	f("lasting", lasting, true, false)
	f("passing", &cache.BucketError{Op: "put", Status: 503}, false, false)
	f("not ready", cache.ErrNotReady, false, false)
}

// A replacement is one after a restart, too.
func TestReplaceAfterARestart(t *testing.T) {
	dir := dataDir(t)
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
			dir := dataDir(t)
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
			if n := s.queue.heap.Len(); n != 0 {
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

// A crash may leave both on the disk.
func TestRecoverBoth(t *testing.T) {
	for range 8 { // their names are random, and so is the order in which they are found
		dir := dataDir(t)
		s := openSpool(t, dir)
		replace(t, s, "k", "new")
		s.mu.Lock()
		delete(s.index, id("k")) // then the other one is committed beside it
		s.mu.Unlock()
		commit(t, s, "k", "created")
		wantFiles(t, s, "pending", 4)
		closeSpool(t, s)
		s = openSpool(t, dir)
		wantObject(t, s, "k", "created")
		wantRoom(t, s, 7, 1)
		wantFiles(t, s, "pending", 2)
		wantFiles(t, s, "dead", 0)
		if err := s.remove(s.index[id("k")]); err != nil {
			t.Error(err)
		}
		closeSpool(t, s)
	}
}
