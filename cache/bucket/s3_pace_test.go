package bucket

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrorgate/cache"
)

// The limit holds over all uploads of all buckets together, over TLS and without, and costs no transfer its life.
func TestBandwidth(t *testing.T) {
	for _, secure := range []bool{false, true} {
		const rate, objects, size = 2 << 20, 8, 256 << 10
		shared := NewUploads(UploadLimits{PartSize: 5 << 20, MaxBandwidth: rate})
		var wg sync.WaitGroup
		begin := time.Now()
		for range 2 {
			f := newFakeS3(t, secure)
			s := f.bucketWith(shared, func(c *S3Config) {
				patient(c)
				if secure {
					trusting(t, f)(c)
				}
			})
			able := abilities{writable: true, put: conditions{createOnly: true}}
			s.able.Store(&able)
			for i := range objects / 2 {
				wg.Go(func() {
					key := string(rune('a' + i))
					if err := save(t, s, key, strings.Repeat("x", size), cache.PutOptions{}); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		took, due := time.Since(begin), time.Second*(objects*size-rate/20)/rate
		if took < due {
			t.Errorf("secure %v: %d bytes took %v, at %d per second at least %v are due", secure, objects*size, took, rate, due)
		}
	}
}

// A wait for bandwidth that is longer than the limits of a connection does not break it, and ends with the connection.
func TestBandwidthWaits(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.bucketWith(NewUploads(UploadLimits{MaxBandwidth: 64 << 10}), func(c *S3Config) {
		c.Timeouts.FirstByte, c.Timeouts.Stall = 20*time.Millisecond, 20*time.Millisecond // 120 ms for an answer
	})
	able := abilities{writable: true, put: conditions{createOnly: true}}
	s.able.Store(&able)
	s.uploads.bandwidth.ReserveN(time.Now(), paceStep) // the burst is used up: each step waits 250 ms
	if err := save(t, s, "k", strings.Repeat("x", 20<<10), cache.PutOptions{}); err != nil {
		t.Error(err)
	}
	if len(f.seen(http.MethodPut)) != 1 {
		t.Error("sent more than once")
	}
}
