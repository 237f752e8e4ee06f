package e2e_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// memoryTTL is how long these tests let memory answer on its own.
const memoryTTL = time.Second

const hitMemory = "mirrorgate; hit; detail=memory"

// watched is a store behind a front that counts reads of objects, and that can be shut.
type watched struct {
	*store
	heads, gets atomic.Int64
	shut        atomic.Bool
}

func startWatched(t *testing.T, s *store) *watched {
	t.Helper()
	w := &watched{store: s}
	s.via = startFront(t, s.server.Endpoint, func(rw http.ResponseWriter, r *http.Request, pass http.Handler) {
		switch {
		case strings.Contains(r.URL.Path, ".mirrorgate/"):
		case w.shut.Load():
			panic(http.ErrAbortHandler)
		case r.Method == http.MethodGet:
			w.gets.Add(1)
		case r.Method == http.MethodHead:
			w.heads.Add(1)
		}
		pass.ServeHTTP(rw, r)
	})
	return w
}

// crowd has many clients ask for the target at one time.
func (r *rig) crowd(t *testing.T, target string, want []byte) {
	var clients sync.WaitGroup
	for range 100 {
		clients.Go(func() { r.wantObject(t, target, want) })
	}
	clients.Wait()
}

// Between clients and a real bucket: a crowd costs one request, what others do is seen after the time to live, and a
// bucket that is away is noticed only then, and never taken for a missing object.
func TestMemoryBeforeBucket(t *testing.T) {
	onEveryServer(t, func(t *testing.T, s *store) {
		t.Parallel()
		w := startWatched(t, s)
		o := startOrigin(t, fixed([]byte("pulled")))
		setting := "memory: {max_bytes: 16MiB, max_object: 1KiB, ttl: " + memoryTTL.String() + "}\n"
		r := &rig{harness.StartGateway(t, setting+config(s, mirrorAll(o.url))), s}
		kind := func(v string) http.Header { return http.Header{"Content-Type": {"text/" + v}} }
		put := func(body, v string) { s.server.Put(t, bucketName, "k", []byte(body), kind(v)) }
		seen := func(body, v string, heads, gets int64) {
			t.Helper()
			<-time.After(memoryTTL)
			w.heads.Store(0)
			w.gets.Store(0)
			began := time.Now()
			r.crowd(t, "/k", []byte(body))
			if a := r.Do(t, http.MethodHead, "/k"); a.Header.Get("Content-Type") != "text/"+v {
				t.Errorf("%s is answered as %q", v, a.Header.Get("Content-Type"))
			}
			if quick := time.Since(began) < memoryTTL; quick && (w.heads.Load() != heads || w.gets.Load() != gets) {
				t.Errorf("%s: the bucket was asked %d HEAD, %d GET, want %d and %d", v, w.heads.Load(), w.gets.Load(), heads, gets)
			}
		}
		put("one", "a")
		seen("one", "a", 0, 1)
		seen("one", "a", 1, 0)
		put("one", "b") // the ETag stays
		seen("one", "b", 1, 1)
		put("two", "c")
		seen("two", "c", 1, 1)
		put(strings.Repeat("x", 2000), "d")
		seen(strings.Repeat("x", 2000), "d", 1, 100) // too large to be kept: everyone reads it
		put("three", "e")
		<-time.After(memoryTTL)
		r.wantObject(t, "/k", []byte("three"))
		o.wantUnasked(t)

		r.awaySoon(t, w, o)
		s.server.Delete(t, bucketName, "k")
		<-time.After(memoryTTL)
		r.crowd(t, "/k", []byte("pulled"))
		if n := len(o.requests()); n != 1 {
			t.Errorf("the origin was asked %d times", n)
		}
	})
}

// awaySoon shuts the bucket while memory has the object.
func (r *rig) awaySoon(t *testing.T, w *watched, o *origin) {
	t.Helper()
	<-time.After(memoryTTL)
	began := time.Now()
	r.wantObject(t, "/k", []byte("three"))
	w.shut.Store(true)
	if a := r.Get(t, "/k"); time.Since(began) < memoryTTL && (a.Status != http.StatusOK || a.Header.Get("Cache-Status") != hitMemory) {
		t.Errorf("while the bucket is away: %d, %s", a.Status, a.Header.Get("Cache-Status"))
	}
	<-time.After(memoryTTL)
	r.wantError(t, "/k", http.StatusServiceUnavailable, "BucketUnavailable")
	w.shut.Store(false)
	r.wantObject(t, "/k", []byte("three"))
	o.wantUnasked(t)
}
