package cache_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// purges drops the keys given, and returns how many entries that were.
func (r *tier) purges(keys ...string) int { return r.cache.Purge("assets", keys, nil) }

// purgesUnder drops all keys with the prefix.
func (r *tier) purgesUnder(prefix string) int { return r.cache.Purge("assets", nil, &prefix) }

// What is purged is asked for again, and nothing else is: not other keys, nor other sites.
func TestPurgeOfMemory(t *testing.T) {
	f := func(purge func(r *tier) int, want string) {
		t.Helper()
		inMemory(t, func(r *tier) {
			keys := []string{"a", "a/1", "a/2", "b"}
			for _, key := range keys {
				r.bucket.put(key, "old", nil)
				r.wants(key, "old", cache.TierBucket)
				r.bucket.put(key, "new", nil)
			}
			if got := purge(r); got != len(strings.Fields(want)) {
				t.Errorf("%d entries were dropped, want %s", got, want)
			}
			for _, key := range keys {
				if strings.Contains(" "+want+" ", " "+key+" ") {
					r.wants(key, "new", cache.TierBucket)
				} else {
					r.wants(key, "old", cache.TierMemory)
				}
			}
		})
	}
	f(func(r *tier) int { return r.purges("a/1", "b", "nothing") }, "a/1 b")
	f(func(r *tier) int { return r.purgesUnder("a/") }, "a/1 a/2")
	f(func(r *tier) int { return r.purgesUnder("") }, "a a/1 a/2 b")
	f(func(r *tier) int { return r.purgesUnder("a/1/") }, "")
	f(func(r *tier) int { return r.purges() }, "")
	f(func(r *tier) int { prefix := ""; return r.cache.Purge("other", []string{"a"}, &prefix) }, "")
}

// A read that began before the purge is not kept, and nobody who comes after it joins that read.
func TestPurgeDuringRead(t *testing.T) {
	f := func(purge func(r *tier) int) {
		t.Helper()
		inMemory(t, func(r *tier) {
			r.bucket.put("k", "old", nil)
			w := r.trickles()
			first := r.reader("k", cache.ReadOptions{})
			synctest.Wait()
			r.soon()
			r.bucket.put("k", "new", nil)
			purge(r)
			r.wants("k", "new", cache.TierBucket)
			<-time.After(time.Second)
			w.send("old")
			w.finish(io.EOF)
			first.wants(t, "old")
			r.wants("k", "new", cache.TierMemory)
		})
	}
	f(func(r *tier) int { return r.purges("k") })
	f(func(r *tier) int { return r.purgesUnder("k") })
}

// What origins were said to lack is asked for again after a purge.
func TestPurgeOfNegatives(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		f := func(pulls int, key string) {
			t.Helper()
			var negative *cache.NegativeError
			if _, err := r.fill(key, r.refuses(notFound())); !errors.As(err, &negative) || r.loaded() != pulls {
				t.Errorf("%s: got %v after %d pulls, want %d", key, err, r.loaded(), pulls)
			}
		}
		f(1, "a/1")
		f(2, "b")
		f(2, "a/1")
		prefix := "a/"
		if got := r.cache.Purge("assets", nil, &prefix); got != 1 {
			t.Errorf("%d entries were dropped", got)
		}
		f(3, "a/1")
		f(3, "b")
		if got := r.cache.Purge("assets", []string{"b"}, nil); got != 1 {
			t.Errorf("%d entries were dropped", got)
		}
		f(4, "b")
	})
}

// A site that has got another bucket is answered with nothing of the former one, also by what was asked there before
// and arrives later.
func TestMemoryOfAnotherBucket(t *testing.T) {
	inMemory(t, func(r *tier) {
		r.bucket.put("k", "old", nil)
		r.bucket.put("late", "old", nil)
		r.wants("k", "old", cache.TierBucket)
		gate := r.holds()
		first := r.reader("late", cache.ReadOptions{})
		synctest.Wait()
		other := &remote{bucket: &bucket{objects: map[string]stored{}}}
		other.put("k", "new", nil)
		other.put("late", "new", nil)
		before := r.site
		r.site = &cache.Site{Name: before.Name, Bucket: other, Save: true}
		if r.cache.Recall(r.site, "k", true) != nil {
			t.Error("memory answers with the former bucket's object")
		}
		r.wants("k", "new", cache.TierBucket)
		r.wants("k", "new", cache.TierMemory)
		r.wants("late", "new", cache.TierBucket)
		close(gate)
		synctest.Wait()
		first.wants(t, "old")
		if got, err := r.read("late", cache.ReadOptions{}); err != nil || got.data != "new" {
			t.Errorf("got %q, %v", got.data, err)
		}
		r.soon()
		<-time.After(time.Second)
		r.site = before // who began before goes on where it was
		r.wants("k", "old", cache.TierBucket)
	})
}
