package cache_test

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/cache"
)

// version is the object of these tests in one of its states: bytes and metadata tell which.
func version(n int64) (data string, meta *cache.Meta) {
	data = fmt.Sprintf("%08d", n)
	return data, &cache.Meta{ContentType: data}
}

// versionOf fails the test unless bytes and metadata are of one state.
func (r *tier) versionOf(meta cache.Meta, data string) int64 {
	n, err := strconv.ParseInt(meta.ContentType, 10, 64)
	if want, _ := version(n); err != nil || data != want {
		r.Errorf("bytes %q under the headers of %q (%v)", data, meta.ContentType, err)
	}
	return n
}

// ask reads the object in one of the ways that there are, and returns its version; 0 if another one took its place
// meanwhile.
func (r *tier) ask(way int) int64 {
	o := cache.ReadOptions{}
	switch way % 4 {
	case 0:
		if known := r.cache.Recall(r.site, "k", false); known != nil {
			defer known.Release()
			return r.versionOf(known.Meta, string(known.Body()))
		}
	case 1:
		o.Range = &cache.Range{First: 0, Last: -1}
	case 2:
		got, err := r.read("k", headers)
		if err != nil {
			r.Error(err)
			return 0
		}
		o.IfMatch = got.obj.Meta.Bucket.ETag
	}
	got, err := r.read("k", o)
	if errors.Is(err, cache.ErrPrecondition) {
		return 0
	}
	if err != nil {
		r.Error(err)
		return 0
	}
	return r.versionOf(got.obj.Meta, got.data)
}

// Once Written has returned nobody gets what was in the bucket before, from memory or from a read that began before
// the write: many readers, while the object is written again and again.
func TestMemoryNeverOlderThanWritten(t *testing.T) {
	const writes = 4000
	r := newTier(t, cache.Memory{MaxBytes: 1 << 20, MaxObject: 1 << 10, TTL: time.Hour})
	var written atomic.Int64
	write := func(n int64) {
		data, meta := version(n)
		r.bucket.put("k", data, meta)
		r.cache.Written(cache.ID{Site: "assets", Key: "k"})
		written.Store(n)
	}
	write(1)
	r.bucket.behaves(runtime.Gosched, nil)
	var readers sync.WaitGroup
	for i := range 8 {
		readers.Go(func() {
			for way := i; written.Load() < writes && !t.Failed(); way++ {
				if before, got := written.Load(), r.ask(way); got != 0 && got < before {
					t.Errorf("got version %d after %d was written", got, before)
				}
			}
		})
	}
	for n := int64(2); n <= writes; n++ {
		write(n)
		runtime.Gosched()
	}
	readers.Wait()
}

// However many ask, and however their steps fall together, the bucket is asked once in each time to live. The clock of
// the test stands still while they do.
func TestMemoryAsksOnceUnderLoad(t *testing.T) {
	inMemory(t, func(r *tier) {
		r.bucket.put("k", "data", nil)
		r.wants("k", "data", cache.TierBucket)
		r.bucket.behaves(runtime.Gosched, nil)
		for i := range 500 {
			<-time.After(ttl)
			for range 16 {
				r.clients.Go(func() {
					if got, err := r.read("k", cache.ReadOptions{}); err != nil || got.data != "data" {
						t.Errorf("got %q, %v", got.data, err)
					}
				})
			}
			r.clients.Wait()
			if r.asked(i+1, 1); t.Failed() {
				return
			}
		}
	})
}
