package cache_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// readers asks for one object from many goroutines, and returns when all wait for something.
func (r *tier) readers(n int, key string, o cache.ReadOptions) []*client {
	all := make([]*client, n)
	for i := range all {
		all[i] = r.reader(key, o)
	}
	synctest.Wait()
	return all
}

// holds makes the bucket's next answers wait until the channel is closed.
func (r *tier) holds() chan struct{} {
	gate := make(chan struct{})
	r.bucket.behaves(func() { <-gate }, nil)
	return gate
}

// However many ask for one object at one time, the bucket is asked once.
func TestMemoryAsksOnce(t *testing.T) {
	f := func(o cache.ReadOptions, heads, gets int, want string) {
		t.Helper()
		inMemory(t, func(r *tier) {
			r.bucket.put("k", "data", nil)
			gate := r.holds()
			all := r.readers(1000, "k", o)
			r.asked(heads, gets)
			close(gate)
			r.clients.Wait()
			for _, c := range all {
				c.wants(t, want)
			}
			r.asked(heads, gets)
		})
	}
	f(cache.ReadOptions{}, 0, 1, "data")
	f(headers, 1, 0, "")
}

// After the time to live one HEAD is for all who ask, and again after the next.
func TestMemoryAsksOnceForEachTTL(t *testing.T) {
	inMemory(t, func(r *tier) {
		r.bucket.put("k", "data", nil)
		r.wants("k", "data", cache.TierBucket)
		for i := range 5 {
			r.readers(100, "k", cache.ReadOptions{})
			r.asked(i, 1)
			<-time.After(ttl)
			gate := r.holds()
			all := r.readers(300, "k", cache.ReadOptions{})
			all = append(all, r.readers(300, "k", cache.ReadOptions{Range: &cache.Range{First: 0, Last: -1}})...)
			r.asked(i+1, 1)
			close(gate)
			r.clients.Wait()
			for _, c := range all {
				c.wants(t, "data")
			}
		}
	})
}

// All who wait get what has come, whatever the others do: who leaves or reads nothing holds nobody up.
func TestMemoryHandsOnWhatArrives(t *testing.T) {
	inMemory(t, func(r *tier) {
		data := text(1000)
		r.bucket.put("k", data, nil)
		if _, err := r.read("k", headers); err != nil { // so that ranges know that it is small
			t.Fatal(err)
		}
		w := r.trickles()
		leaves, err := r.cache.Get(t.Context(), r.site, "k", cache.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		idle, err := r.cache.Get(t.Context(), r.site, "k", cache.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		all := r.readers(200, "k", cache.ReadOptions{})
		part := r.readers(1, "k", cache.ReadOptions{Range: &cache.Range{First: 10, Last: 19}})[0]
		w.send(data[:600])
		for _, c := range all {
			if _, got, end := c.got(); got != data[:600] || end != nil {
				t.Fatalf("a reader has %d bytes, %v, of the 600 that have come", len(got), end)
			}
		}
		part.wants(t, data[10:20])
		leaves.Body.Close()
		w.send(data[600:])
		w.finish(io.EOF)
		for _, c := range all {
			c.wants(t, data)
		}
		if got := readAll(t, idle); got != data {
			t.Errorf("the slow reader got %d bytes", len(got))
		}
		r.wants("k", data, cache.TierMemory)
		r.asked(1, 1)
	})
}

// A body that is cut fails for all who read it, nothing is kept, and the next request asks anew: also one that comes
// before the cut body is closed.
func TestMemoryOfCutBody(t *testing.T) {
	f := func(cut error) {
		t.Helper()
		inMemory(t, func(r *tier) {
			r.bucket.put("k", "data", nil)
			w, closing := r.trickles(), make(chan struct{})
			w.closed = func() { <-closing }
			all := r.readers(200, "k", cache.ReadOptions{})
			w.send("da")
			w.finish(cut)
			for _, c := range all {
				if _, got, end := c.got(); got != "da" || end == nil || end == io.EOF {
					t.Fatalf("a reader got %q and then %v", got, end)
				}
			}
			r.soon()
			r.wants("k", "data", cache.TierBucket)
			close(closing)
			r.wants("k", "data", cache.TierMemory)
			r.asked(0, 2)
		})
	}
	f(io.EOF)
	f(errDisk)
}

// atOnce is a body whose error comes together with its last bytes.
type atOnce struct {
	data string
	err  error
}

func (b *atOnce) Read(p []byte) (int, error) {
	n := copy(p, b.data)
	b.data = b.data[n:]
	return n, b.err
}

func (b *atOnce) Close() error { return nil }

// An error that comes with the last byte is one all the same: nobody takes that body for a whole one.
func TestMemoryOfBodyThatFailsAtItsEnd(t *testing.T) {
	inMemory(t, func(r *tier) {
		r.bucket.put("k", "data", nil)
		r.bucket.behaves(nil, func(data string) io.ReadCloser { return &atOnce{data, errDisk} })
		if got, err := r.read("k", cache.ReadOptions{}); !errors.Is(err, errDisk) {
			t.Errorf("got %q, %v", got.data, err)
		}
		r.bucket.behaves(nil, func(data string) io.ReadCloser { return &atOnce{data, io.EOF} })
		r.wants("k", "data", cache.TierBucket)
		r.wants("k", "data", cache.TierMemory)
	})
}

// One request learns that the bucket does not have the object, or cannot say, for all; nothing of it is remembered.
func TestMemoryOfFailures(t *testing.T) {
	f := func(failure error, o cache.ReadOptions) {
		t.Helper()
		inMemory(t, func(r *tier) {
			gate := r.holds()
			r.bucket.fail(failure)
			all := r.readers(1000, "k", o)
			close(gate)
			r.clients.Wait()
			for _, c := range all {
				if _, _, err := c.got(); !errors.Is(err, failure) {
					t.Fatalf("got %v, want %v", err, failure)
				}
			}
			r.bucket.mu.Lock()
			if n := r.bucket.heads + r.bucket.gets; n != 1 {
				t.Errorf("%d requests", n)
			}
			r.bucket.mu.Unlock()
			r.soon()
			r.bucket.fail(nil)
			r.bucket.put("k", "data", nil)
			r.wants("k", "data", cache.TierBucket)
		})
	}
	for _, failure := range []error{cache.ErrNotFound, cache.ErrDeleted, errDisk} {
		f(failure, cache.ReadOptions{})
		f(failure, headers)
	}
}

// What the bucket does not have, and what is written, is nothing to the reads of other objects: they are shared and
// kept all the same.
func TestMemoryOfOtherObjects(t *testing.T) {
	inMemory(t, func(r *tier) {
		r.bucket.put("k", "data", nil)
		w := r.trickles()
		all := r.readers(10, "k", cache.ReadOptions{})
		for i := range 2000 {
			key := fmt.Sprint("missing ", i)
			if _, err := r.read(key, cache.ReadOptions{}); !errors.Is(err, cache.ErrNotFound) {
				t.Fatal(err)
			}
			r.cache.Written(cache.ID{Site: "assets", Key: key})
		}
		all = append(all, r.readers(10, "k", cache.ReadOptions{})...)
		r.asked(0, 2001)
		w.send("data")
		w.finish(io.EOF)
		for _, c := range all {
			c.wants(t, "data")
		}
		r.wants("k", "data", cache.TierMemory)
	})
}

// Without memory nothing is shared: every request asks the bucket.
func TestMemoryOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTier(t, cache.Memory{})
		r.bucket.put("k", "data", nil)
		gate := r.holds()
		all := r.readers(100, "k", cache.ReadOptions{})
		r.asked(0, 100)
		close(gate)
		r.clients.Wait()
		for _, c := range all {
			c.wants(t, "data")
		}
		r.wants("k", "data", cache.TierBucket)
		if r.cache.Recall(r.site, "k", true) != nil {
			t.Error("something is kept")
		}
	})
}
