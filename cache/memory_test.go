package cache_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// ttl is that of these tests.
const ttl = time.Minute

// tier is a cache with memory in front of a bucket whose answers the test holds back.
type tier struct {
	*testing.T
	cache   *cache.Cache
	site    *cache.Site
	bucket  *remote
	clients sync.WaitGroup
}

func newTier(t *testing.T, m cache.Memory) *tier {
	b := &remote{bucket: &bucket{objects: map[string]stored{}}}
	return &tier{
		T: t, bucket: b, site: &cache.Site{Name: "assets", Bucket: b, Save: true},
		cache: cache.New(cache.DefaultLimits(), m, newMemory(t), quiet()),
	}
}

// inMemory runs f with a clock of its own. It fails when f leaves a goroutine behind.
func inMemory(t *testing.T, f func(r *tier)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newTier(t, cache.Memory{MaxBytes: 1 << 20, MaxObject: 1 << 10, TTL: ttl})
		f(r)
		r.clients.Wait()
		if err := r.cache.Drain(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// remote is a bucket on the other side of a network.
type remote struct {
	*bucket

	mu          sync.Mutex
	heads, gets int
	looked      func()                          // called when an answer is on its way; nil: it is there at once
	body        func(data string) io.ReadCloser // of a GET's answer; nil: it is there at once
}

func (b *remote) Open(ctx context.Context, key string, o cache.ReadOptions) (*cache.Object, error) {
	obj, err := b.bucket.Open(ctx, key, o)
	b.mu.Lock()
	looked, body := b.looked, b.body
	if o.HeadersOnly {
		b.heads++
	} else {
		b.gets++
	}
	b.mu.Unlock()
	if looked != nil {
		looked()
	}
	if err == nil && body != nil && !o.HeadersOnly {
		data, _ := io.ReadAll(obj.Body)
		obj.Body = body(string(data))
	}
	return obj, err
}

// behaves changes how the bucket answers from now on.
func (b *remote) behaves(looked func(), body func(data string) io.ReadCloser) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looked, b.body = looked, body
}

// asked fails the test unless the bucket has had so many requests.
func (r *tier) asked(heads, gets int) {
	r.Helper()
	r.bucket.mu.Lock()
	defer r.bucket.mu.Unlock()
	if r.bucket.heads != heads || r.bucket.gets != gets {
		r.Errorf("the bucket was asked %d HEAD and %d GET, want %d and %d", r.bucket.heads, r.bucket.gets, heads, gets)
	}
}

// trickles makes the next bodies arrive as the test sends them, and returns the one of the next.
func (r *tier) trickles() *wire {
	w := newWire()
	w.ctx, w.closed = r.Context(), func() {}
	r.bucket.behaves(nil, func(string) io.ReadCloser { return w })
	return w
}

// soon makes answers come at once again.
func (r *tier) soon() { r.bucket.behaves(nil, nil) }

func (r *tier) read(key string, o cache.ReadOptions) (answer, error) {
	obj, err := r.cache.Get(r.Context(), r.site, key, o)
	if err != nil || o.HeadersOnly {
		return answer{obj: obj}, err
	}
	defer obj.Body.Close()
	data, err := io.ReadAll(obj.Body)
	return answer{obj, string(data)}, err
}

// wants fails the test unless the object is answered with data from the tier.
func (r *tier) wants(key, data string, from cache.Tier) {
	r.Helper()
	got, err := r.read(key, cache.ReadOptions{})
	if err != nil || got.data != data || got.obj.Tier != from {
		r.Errorf("%s: got %q, %+v, %v, want %q from tier %d", key, got.data, got.obj, err, data, from)
	}
}

// reader asks on a goroutine of its own.
func (r *tier) reader(key string, o cache.ReadOptions) *client {
	c := &client{}
	r.clients.Go(func() {
		obj, err := r.cache.Get(r.Context(), r.site, key, o)
		c.mu.Lock()
		c.obj, c.err = obj, err
		c.mu.Unlock()
		if err == nil && o.HeadersOnly {
			c.end(io.EOF)
		} else if err == nil {
			c.readOn()
		}
	})
	return c
}

func (c *client) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

// readOn takes the body to its end.
func (c *client) readOn() {
	defer c.obj.Body.Close()
	buf := make([]byte, 3000)
	for err := error(nil); err == nil; {
		var n int
		n, err = c.obj.Body.Read(buf)
		c.mu.Lock()
		c.data, c.err = append(c.data, buf[:n]...), err
		c.mu.Unlock()
	}
}

var headers = cache.ReadOptions{HeadersOnly: true}

// The time to live counts from when the bucket was asked: what was replaced while the body arrived is seen in time.
func TestMemoryOfSlowBodyIsNotOlder(t *testing.T) {
	inMemory(t, func(r *tier) {
		r.bucket.put("k", "old", nil)
		w := r.trickles()
		first := r.reader("k", cache.ReadOptions{})
		synctest.Wait()
		r.bucket.put("k", "new", nil)
		<-time.After(ttl * 2 / 3)
		w.send("old")
		w.finish(io.EOF)
		first.wants(t, "old")
		r.soon()
		r.wants("k", "old", cache.TierMemory)
		<-time.After(ttl / 3)
		r.wants("k", "new", cache.TierBucket)
	})
}

// A bucket that takes longer than the time to live for its answer is asked no more for it than one HEAD each time.
func TestMemoryBeforeSlowBucket(t *testing.T) {
	inMemory(t, func(r *tier) {
		r.bucket.put("k", "data", nil)
		r.bucket.behaves(func() { <-time.After(2 * ttl) }, nil)
		r.wants("k", "data", cache.TierBucket)
		synctest.Wait() // the last reader is done before memory has kept the body
		for i := range 3 {
			r.wants("k", "data", cache.TierMemory)
			r.asked(i+1, 1)
		}
	})
}

// A body that arrives for longer than the time to live is not given to those who come after that.
func TestMemoryDoesNotJoinWhatIsOld(t *testing.T) {
	inMemory(t, func(r *tier) {
		r.bucket.put("k", "old", nil)
		w := r.trickles()
		first := r.reader("k", cache.ReadOptions{})
		synctest.Wait()
		r.bucket.put("k", "new", nil)
		r.soon()
		<-time.After(ttl)
		late := r.reader("k", cache.ReadOptions{})
		synctest.Wait()
		late.wants(t, "new")
		w.send("old")
		w.finish(io.EOF)
		first.wants(t, "old")
		r.wants("k", "new", cache.TierMemory)
	})
}

// Metadata that are replaced leave the ETag as it is, and within one second Last-Modified too.
func TestMemorySeesReplacedMetadata(t *testing.T) {
	inMemory(t, func(r *tier) {
		m := cache.Meta{ContentType: "text/plain", User: map[string]string{"a": "1"}}
		f := func(what string, change func()) {
			t.Helper()
			change()
			r.bucket.put("k", "data", &m)
			<-time.After(ttl)
			got, err := r.read("k", cache.ReadOptions{})
			if err != nil || got.data != "data" || what != got.obj.Meta.ContentType+got.obj.Meta.User["a"]+
				got.obj.Meta.CacheControl+got.obj.Meta.AllowOrigin+got.obj.Meta.Expires {
				t.Errorf("%s: got %+v, %v", what, got.obj, err)
			}
		}
		f("text/plain1", func() {})
		f("text/html1", func() { m.ContentType = "text/html" })
		f("text/html2", func() { m.User = map[string]string{"a": "2"} })
		f("text/html2no-store", func() { m.CacheControl = "no-store" })
		f("text/html2no-store*", func() { m.AllowOrigin = "*" })
		f("text/html2no-store*0", func() { m.Expires = "0" })
		r.asked(5, 6)
	})
}

// What a precondition shows to be another object by now is not known any more: the next look sees the new one.
func TestMemoryForgetsWhatFailsIfMatch(t *testing.T) {
	f := func(size int) {
		t.Helper()
		inMemory(t, func(r *tier) {
			r.bucket.put("k", text(size), nil)
			old, err := r.read("k", headers)
			if err != nil {
				t.Fatal(err)
			}
			r.bucket.put("k", text(size)[1:], nil)
			w := r.trickles()
			if _, err := r.read("k", cache.ReadOptions{IfMatch: old.obj.Meta.Bucket.ETag}); !errors.Is(err, cache.ErrPrecondition) {
				t.Fatalf("got %v, want ErrPrecondition", err)
			}
			got, err := r.read("k", headers)
			if err != nil || got.obj.Meta.Bucket.ETag != r.bucket.etag("k") {
				t.Errorf("%d bytes: the look after it gave %+v, %v", size, got.obj, err)
			}
			close(w.chunks)
		})
	}
	f(100)
	f(5000) // too large to be kept whole
}

// A read that is bound to an object newer than the one that is arriving asks on its own.
func TestMemoryDoesNotJoinAnotherObject(t *testing.T) {
	inMemory(t, func(r *tier) {
		r.bucket.put("k", "old", nil)
		w := r.trickles()
		first := r.reader("k", cache.ReadOptions{})
		synctest.Wait()
		r.bucket.put("k", "newer", nil)
		r.soon()
		<-time.After(time.Second)
		seen, err := r.read("k", headers)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.read("k", cache.ReadOptions{IfMatch: seen.obj.Meta.Bucket.ETag, Range: &cache.Range{First: 1, Last: -1}})
		if err != nil || got.data != "ewer" {
			t.Errorf("got %q, %v", got.data, err)
		}
		w.send("old")
		w.finish(io.EOF)
		first.wants(t, "old")
		r.wants("k", "newer", cache.TierBucket) // and what was asked for earlier does not take the place of its headers
		r.wants("k", "newer", cache.TierMemory)
	})
}
