package bucket

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/cache/bucket/buckettest"
)

// putGrowing begins to put a growing large object.
func putGrowing(ctx context.Context, s *S3, g *buckettest.Growing, o cache.PutOptions) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.Put(ctx, "big", g, cache.Meta{Size: int64(len(large))}, o) }()
	return done
}

// Parts go up as their bytes come, and what waits for bytes holds none of the bytes that others may send.
func TestGrowingParts(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.ready(patient)
	s.uploads = NewUploads(UploadLimits{PartSize: 5 << 20, InflightBytes: 5 << 20})
	g, c := buckettest.NewGrowing([]byte(large)), new(checkpoint)
	done := putGrowing(t.Context(), s, g, cache.PutOptions{Checkpoint: c})
	g.Grow(5<<20 + 1)
	eventually(t, "the first part is there", func() bool { return len(c.Upload().Parts) == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Put(ctx, "small", strings.NewReader("goes by"), cache.Meta{Size: 7}, cache.PutOptions{}); err != nil {
		t.Errorf("a small object beside it: %v", err)
	}
	g.Grow(len(large))
	<-g.Asked()
	if numbers, _ := f.parts(); numbers != "1 2 3" {
		t.Errorf("parts %q were sent before the proof", numbers)
	}
	if keys := f.keys(); len(keys) != 1 {
		t.Errorf("keys %q before the proof", keys)
	}
	g.Decide(nil)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wantBig(t, f, c)
}

// A body that is not proven, or that breaks off, ends the upload; only an ended context leaves it open.
func TestGrowingFails(t *testing.T) {
	gone := errors.New("the origin is gone")
	for name, test := range map[string]struct {
		fail func(g *buckettest.Growing, cancel func())
		open bool
	}{
		"unproven": {func(g *buckettest.Growing, _ func()) { g.Grow(len(large)); g.Decide(gone) }, false},
		"broken":   {func(g *buckettest.Growing, _ func()) { g.Break(gone) }, false},
		"stopped":  {func(g *buckettest.Growing, cancel func()) { g.Grow(len(large)); <-g.Asked(); cancel() }, true},
	} {
		f := newFakeS3(t, false)
		s := f.ready(patient)
		g, c := buckettest.NewGrowing([]byte(large)), new(checkpoint)
		ctx, cancel := context.WithCancel(t.Context())
		done := putGrowing(ctx, s, g, cache.PutOptions{Checkpoint: c})
		g.Grow(6 << 20)
		eventually(t, "the first part is there", func() bool { return len(c.Upload().Parts) == 1 })
		test.fail(g, cancel)
		if err := <-done; !errors.Is(err, gone) && !test.open || err == nil {
			t.Errorf("%s: got error %v", name, err)
		}
		cancel()
		if open := c.Upload().ID != ""; open != test.open || len(f.uploads) == 1 != test.open || len(f.keys()) != 0 {
			t.Errorf("%s: remembered %v, %d uploads, keys %q, want open %v", name, open, len(f.uploads), f.keys(), test.open)
		}
	}
}

// Where create-only does not hold, the key is looked up again after the body has come.
func TestGrowingGuarded(t *testing.T) {
	f := newFakeS3(t, false)
	f.ignorePut, f.ignoreComplete = true, true
	s := f.ready(patient)
	g := buckettest.NewGrowing([]byte("hello"))
	done := make(chan error, 1)
	go func() { done <- s.Put(t.Context(), "k", g, cache.Meta{Size: 5}, cache.PutOptions{}) }()
	g.Grow(5)
	<-g.Asked()
	f.put("k", "theirs")
	g.Decide(nil)
	if err := <-done; !errors.Is(err, cache.ErrPrecondition) {
		t.Errorf("got error %v, want ErrPrecondition", err)
	}
}

// Uploads together send no more bytes at one time than the bound, and one that is larger goes alone.
func TestInflight(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.ready(patient)
	s.uploads = NewUploads(UploadLimits{PartSize: 5 << 20, InflightBytes: 10})
	held, free := make(chan struct{}, 10), make(chan struct{})
	f.answer = func(w http.ResponseWriter, r fakeRequest) bool {
		if r.method == "PUT" {
			held <- struct{}{}
			<-free
		}
		return false
	}
	done := make(chan error, 4)
	put := func(key, data string) { go func() { done <- save(t, s, key, data, cache.PutOptions{}) }() }
	put("a", "12345")
	put("b", "12345")
	<-held
	<-held
	put("c", "1")
	put("over", strings.Repeat("x", 100))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.uploads.acquire(ctx, 1); err == nil {
		t.Error("a byte more was let through")
	}
	if len(held) != 0 {
		t.Error("more than the bound is under way")
	}
	close(free)
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
