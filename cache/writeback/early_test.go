package writeback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// partSize of these tests makes objects of 4 bytes large ones.
const partSize = 1

// parted is a bucket that takes objects in parts of one byte, as far as a Checkpoint shows that.
type parted struct {
	bucket
	fails func(part int) error // before that part is sent; nil: never

	mu      sync.Mutex
	opened  int
	open    map[string]bool // uploads
	sent    []string        // parts, as "number:byte"
	aborted []string
}

var _ cache.Parted = (*parted)(nil)

func (b *parted) InParts(size int64, _ cache.PutOptions) bool { return size > partSize }

func (b *parted) Abort(_ context.Context, _, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.open, id)
	b.aborted = append(b.aborted, id)
	return nil
}

func (b *parted) Put(ctx context.Context, key string, body io.ReaderAt, m cache.Meta, o cache.PutOptions) error {
	if err := b.begin(o.Checkpoint); err != nil {
		return err
	}
	done := map[int]bool{}
	for _, p := range o.Checkpoint.Upload().Parts {
		done[p.Number] = true
	}
	for n := 1; int64(n) <= m.Size; n++ {
		if done[n] {
			continue
		}
		if err := b.send(n, body, o.Checkpoint); err != nil {
			return err
		}
	}
	if proof, ok := body.(cache.Proof); ok {
		if err := proof.Proven(ctx); err != nil {
			return err
		}
	}
	if err := b.bucket.Put(ctx, key, body, m, o); err != nil {
		return err
	}
	b.mu.Lock()
	delete(b.open, o.Checkpoint.Upload().ID)
	b.mu.Unlock()
	return o.Checkpoint.End()
}

func (b *parted) begin(c cache.Checkpoint) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open[c.Upload().ID] {
		return nil
	}
	b.opened++
	id := fmt.Sprint("upload-", b.opened)
	if b.open == nil {
		b.open = map[string]bool{}
	}
	b.open[id] = true
	return c.Begin(id, partSize)
}

func (b *parted) send(n int, body io.ReaderAt, c cache.Checkpoint) error {
	if b.fails != nil {
		if err := b.fails(n); err != nil {
			return err
		}
	}
	one := make([]byte, partSize)
	if _, err := body.ReadAt(one, int64(n-1)); err != nil {
		return err
	}
	b.mu.Lock()
	b.sent = append(b.sent, fmt.Sprintf("%d:%s", n, one))
	b.mu.Unlock()
	return c.Part(cache.Part{Number: n, ETag: "e" + string(one)})
}

func (b *parted) parts() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprint(b.sent)
}

func (b *parted) uploads(t *testing.T, opened, open int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.opened != opened || len(b.open) != open {
		t.Errorf("%d uploads were opened and %d are open, want %d and %d", b.opened, len(b.open), opened, open)
	}
}

// startParted runs the write-back with tiny parts.
func startParted(t *testing.T, s *Spool, b cache.Bucket) (stop func()) {
	c := DefaultConfig()
	c.Uploads, c.PartSize = 2, partSize
	w := New(c, s, func(string) (cache.Bucket, bool) { return b, true }, func(cache.ID) {}, quiet())
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = w.Run(ctx) })
	synctest.Wait()
	return func() {
		cancel()
		running.Wait()
	}
}

// arriving is a draft of a large object that was announced.
func arriving(t *testing.T, s *Spool) (cache.Draft, cache.Entry) {
	t.Helper()
	e := cache.Entry{ID: id("k"), Meta: cache.Meta{Size: 6}}
	d, err := s.Create(6)
	if err != nil {
		t.Fatal(err)
	}
	d.Announce(e)
	return d, e
}

func write(t *testing.T, d cache.Draft, data string) {
	t.Helper()
	if _, err := io.WriteString(d, data); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func TestEarly(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		b := &parted{}
		stop := startParted(t, s, b)
		d, e := arriving(t, s)
		write(t, d, "ab")
		if got := b.parts(); got != "[1:a 2:b]" {
			t.Errorf("parts %s of the first two bytes", got)
		}
		write(t, d, "cdef")
		wait(time.Hour)
		if len(b.tries()) != 0 {
			t.Error("it is in the bucket before its end is proven")
		}
		if err := d.Commit(e); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if got := b.tries(); len(got) != 1 || got[0].data != "abcdef" || !s.Saved(id("k")) {
			t.Errorf("put %+v", got)
		}
		stop()
		b.uploads(t, 1, 0)
		wantRoom(t, s, 0, 0)
		wantFiles(t, s, "", 0)
	})
}

// A pull that fails gives the upload up, and nothing is in the bucket.
func TestEarlyOfAFailedPull(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		b := &parted{}
		stop := startParted(t, s, b)
		d, _ := arriving(t, s)
		write(t, d, "abc")
		d.Discard()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		wait(time.Second)
		b.uploads(t, 1, 0)
		stop()
		if len(b.tries()) != 0 || len(b.aborted) != 1 {
			t.Errorf("put %+v, aborted %v", b.tries(), b.aborted)
		}
		wantRoom(t, s, 0, 0)
		wantFiles(t, s, "", 0)
	})
}

// A bucket that fails while the body arrives is tried again once it is committed, and gets only what it lacks.
func TestEarlyGoesOn(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		var mu sync.Mutex
		down := true
		b := &parted{fails: func(part int) error {
			mu.Lock()
			defer mu.Unlock()
			if part == 3 && down {
				return errBucket
			}
			return nil
		}}
		stop := startParted(t, s, b)
		d, e := arriving(t, s)
		write(t, d, "abcd")
		wait(time.Minute) // the sweep leaves the upload alone: the pull is under way
		write(t, d, "ef")
		mu.Lock()
		down = false
		mu.Unlock()
		if err := errors.Join(d.Commit(e), d.Close()); err != nil {
			t.Fatal(err)
		}
		wait(time.Hour)
		stop()
		if got := b.parts(); got != "[1:a 2:b 3:c 4:d 5:e 6:f]" {
			t.Errorf("parts %s", got)
		}
		if got := b.tries(); len(got) != 1 || got[0].data != "abcdef" {
			t.Errorf("put %+v", got)
		}
		b.uploads(t, 1, 0)
		wantRoom(t, s, 0, 0)
		wantFiles(t, s, "", 0)
	})
}

// The process ends: before the commit, the upload is given up at the next start; after it, it goes on.
func TestEarlyAndRestart(t *testing.T) {
	f := func(name string, commits bool, parts string, tries int) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				b := &parted{fails: func(part int) error {
					if part == 4 {
						return errBucket
					}
					return nil
				}}
				s := openSpool(t, dir)
				stop := startParted(t, s, b)
				d, e := arriving(t, s)
				write(t, d, "abcdef")
				if commits {
					if err := d.Commit(e); err != nil {
						t.Fatal(err)
					}
				}
				wantFiles(t, s, "uploads", 1)
				stop()
				_ = d.(*draft).file.Close() // the process is gone: nobody discards it
				closeSpool(t, s)

				b.fails = nil
				s = openSpool(t, dir)
				stop = startParted(t, s, b)
				wait(time.Hour)
				stop()
				if got := b.parts(); got != parts || len(b.tries()) != tries {
					t.Errorf("parts %s, put %+v", got, b.tries())
				}
				b.uploads(t, 1, 0)
				wantRoom(t, s, 0, 0)
				wantFiles(t, s, "", 0)
				closeSpool(t, s)
			})
		})
	}
	f("before the commit", false, "[1:a 2:b 3:c]", 0)
	f("after the commit", true, "[1:a 2:b 3:c 4:d 5:e 6:f]", 1)
}

// Early ones have places of their own, so that slow origins do not keep others from being saved.
func TestEarlyHasABound(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		b := &parted{}
		stop := startParted(t, s, b)
		var drafts []cache.Draft
		for range 4 {
			d, _ := arriving(t, s)
			write(t, d, "a")
			drafts = append(drafts, d)
		}
		b.uploads(t, 2, 2)
		commit(t, s, "small", "x")
		synctest.Wait()
		if !s.Saved(id("small")) {
			t.Error("another object waits for them")
		}
		for _, d := range drafts {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
		wait(time.Second)
		stop()
		b.uploads(t, 3, 0) // with that of the small one
		wantFiles(t, s, "", 0)
	})
}

// What was torn when the process ended is as if it had not been written.
func TestCheckpointTorn(t *testing.T) {
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	n := name{hash: hashOf(id("k")), serial: 1}
	c := s.checkpoint(id("k"), n)
	part := cache.Part{Number: 1, ETag: "a\n\"b"}
	if err := errors.Join(c.Begin("the id\n", 5), c.Part(part), c.Part(cache.Part{Number: 2, ETag: "b"})); err != nil {
		t.Fatal(err)
	}
	c.Close()
	path := filepath.Join(s.dir, "uploads", uploadFile(n))
	whole := read(t, path)
	for cut := range len(whole) {
		writeTo(t, path, whole[:cut])
		c := s.checkpoint(id("k"), n)
		u := c.Upload()
		if u.ID != "" && (u.ID != "the id\n" || u.PartSize != 5 || len(u.Parts) > 1 || len(u.Parts) == 1 && u.Parts[0] != part) {
			t.Fatalf("cut at %d: %+v", cut, u)
		}
		if u.ID != "" {
			if err := c.Part(cache.Part{Number: 3, ETag: "c"}); err != nil {
				t.Error(err)
			}
		}
		c.Close()
		again := s.checkpoint(id("k"), n)
		if got := again.Upload(); u.ID != "" && len(got.Parts) != len(u.Parts)+1 {
			t.Errorf("cut at %d: then %+v", cut, got)
		}
		again.Close()
	}
	if u := s.checkpoint(id("other"), n).Upload(); u.ID != "" {
		t.Errorf("another object's upload: %+v", u)
	}
}
