package cache_test

import (
	"io"
	"runtime"
	"strconv"
	"testing"
)

// maxGarbage is what a miss of 10 KiB may allocate, in bytes: its body, and little more. The buffer that it is copied
// through is larger than that, and is used again.
const maxGarbage = 90 << 10

func TestMissMakesLittleGarbage(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		load := r.answers(text(10 << 10))
		miss := func(i int) {
			obj, err := r.cache.Fill(r.site, strconv.Itoa(i), r.opts, load)
			if err != nil {
				t.Fatal(err)
			}
			defer obj.Body.Close()
			if n, err := io.Copy(io.Discard, obj.Body); n != 10<<10 || err != nil {
				t.Fatalf("got %d bytes, %v", n, err)
			}
		}
		const misses = 200
		miss(misses)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i := range misses {
			miss(i)
		}
		runtime.ReadMemStats(&after)
		each := (after.TotalAlloc - before.TotalAlloc) / misses
		t.Logf("%d bytes for each miss", each)
		if each > maxGarbage {
			t.Errorf("%d bytes for each miss, at most %d are expected", each, maxGarbage)
		}
	})
}
