package cache_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
)

// heap is what is in use after a collection, in bytes.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Bodies that slow readers hold on to while they are pushed out count too: with those that are kept they stay within a
// quarter above max_bytes. When all readers have gone there is room again.
func TestMemoryBoundsSlowReaders(t *testing.T) {
	const size, most = 32 << 10, 8 << 20
	data := text(size)
	r := newTier(t, cache.Memory{MaxBytes: most, MaxObject: size, TTL: time.Hour})
	for i := range 2000 {
		r.bucket.put(fmt.Sprint(i), data, nil)
	}
	// A body that is not kept is the bucket's own, and takes nothing here.
	r.bucket.behaves(nil, func(string) io.ReadCloser { return io.NopCloser(strings.NewReader(data)) })
	before := heap()
	var bodies []io.ReadCloser
	for i := range 2000 {
		obj, err := r.cache.Get(t.Context(), r.site, fmt.Sprint(i), cache.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, obj.Body)
	}
	held := heap() - before
	t.Logf("%d KiB are held, max_bytes and a quarter are %d KiB", held>>10, most*5/4>>10)
	if readers := int64(2000 << 10); held > most*5/4+readers || held < most/2 {
		t.Errorf("%d bytes are held by 2000 readers, max_bytes is %d", held, most)
	}
	for i, body := range bodies {
		if got, err := io.ReadAll(body); err != nil || string(got) != data {
			t.Fatalf("body %d: %d bytes, %v", i, len(got), err)
		}
		body.Close()
	}
	// All have gone: there is room for others to be kept, sooner or later: which are worth it, the policy says.
	for i := range most / size / 2 {
		key := fmt.Sprint("later ", i)
		r.bucket.put(key, data, nil)
		for tries := 0; ; tries++ {
			got, err := r.read(key, cache.ReadOptions{})
			if err != nil || got.data != data {
				t.Fatalf("%s: %d bytes, %v", key, len(got.data), err)
			}
			if got.obj.Tier == cache.TierMemory {
				break
			}
			if tries == 1000 {
				t.Fatalf("%s is not kept, however often it is read", key)
			}
			runtime.Gosched()
		}
	}
}

// Headers count: objects that are little else do not take more than max_bytes.
func TestMemoryBoundsHeaders(t *testing.T) {
	const most = 8 << 20
	r := newTier(t, cache.Memory{MaxBytes: most, MaxObject: 1 << 10, TTL: time.Hour})
	before := heap()
	for i := range 20_000 {
		key := fmt.Sprint(i)
		disposition := strings.Repeat("x", 1500)
		r.bucket.put(key, "data", &cache.Meta{ContentDisposition: disposition + key, CacheControl: disposition + key})
		if _, err := r.read(key, cache.ReadOptions{}); err != nil {
			t.Fatal(err)
		}
		r.bucket.remove(key)
	}
	took := heap() - before
	t.Logf("%d KiB of at most %d KiB", took>>10, most>>10)
	if took > most {
		t.Errorf("memory has grown by %d bytes, max_bytes is %d", took, most)
	}
	runtime.KeepAlive(r)
}

// A scan of objects that are asked for once does not push out those that are asked for all the time.
func TestMemoryOutlivesScan(t *testing.T) {
	r := newTier(t, cache.Memory{MaxBytes: 1 << 20, MaxObject: 1 << 10, TTL: time.Hour})
	ask := func(key string) bool {
		r.bucket.put(key, "data", nil)
		got, err := r.read(key, cache.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return got.obj.Tier == cache.TierMemory
	}
	hits := 0
	const hot, rounds = 100, 100
	for range 5 {
		for i := range hot {
			ask(fmt.Sprint("hot ", i))
		}
	}
	for round := range rounds {
		for i := range hot {
			if ask(fmt.Sprint("hot ", i)) {
				hits++
			}
			ask(fmt.Sprint("cold ", round*hot+i))
		}
	}
	t.Logf("%d of %d answers from memory beside a scan of as many", hits, hot*rounds)
	if hits < hot*rounds*9/10 {
		t.Errorf("%d of %d answers came from memory", hits, hot*rounds)
	}
}
