package cache_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"mirrorgate/cache"
)

// What another gateway has saved is not answered out of what was known before.
func TestSavedElsewhere(t *testing.T) {
	inMemory(t, func(r *tier) {
		r.bucket.put("k", "old", nil)
		r.bucket.put("other", "other", nil)
		r.wants("k", "old", cache.TierBucket)
		r.wants("other", "other", cache.TierBucket)
		r.bucket.put("k", "new", nil)
		r.wants("k", "old", cache.TierMemory)
		r.cache.Saved(cache.ID{Site: "assets", Key: "k"})
		r.wants("k", "new", cache.TierBucket)
		r.wants("other", "other", cache.TierMemory)
	})
	eachSpool(t, func(t *testing.T, r *rig) {
		id := cache.ID{Site: "assets", Key: "k"}
		if _, err := r.head(r.refusesHead(notFound())); !errors.Is(err, errOrigin) {
			t.Error(err)
		}
		if _, err := r.fill("k", r.refuses(notFound())); err == nil {
			t.Error("it is there")
		}
		r.cache.Saved(cache.ID{Site: "assets", Key: "other"})
		if _, err := r.fill("k", r.never()); err == nil {
			t.Error("it is there")
		}
		r.cache.Saved(id)
		r.wantsHead("after", r.headers(4), 4, 3)
		r.wantsFill("data", r.answers("data"))
	})
}

// In doubt the bucket is asked once for each object, and its body is not read again if it is the same.
func TestDoubt(t *testing.T) {
	inMemory(t, func(r *tier) {
		r.bucket.put("same", "same", nil)
		r.bucket.put("k", "old", nil)
		r.wants("same", "same", cache.TierBucket)
		r.wants("k", "old", cache.TierBucket)
		r.bucket.put("k", "new", nil)
		r.asked(0, 2)
		r.cache.Doubt()
		r.wants("same", "same", cache.TierMemory)
		r.asked(1, 2)
		r.wants("k", "new", cache.TierBucket)
		r.asked(2, 3)
		r.wants("same", "same", cache.TierMemory)
		r.wants("k", "new", cache.TierMemory)
		r.asked(2, 3)
	})
}

// What was asked of the bucket before the doubt answers who has asked by then, and nobody later.
func TestDoubtWhileABodyArrives(t *testing.T) {
	inMemory(t, func(r *tier) {
		r.bucket.put("k", "old", nil)
		w := r.trickles()
		first := r.reader("k", cache.ReadOptions{})
		synctest.Wait()
		r.bucket.put("k", "new", nil)
		r.soon()
		r.cache.Doubt()
		late := r.reader("k", cache.ReadOptions{})
		synctest.Wait()
		late.wants(t, "new")
		w.send("old")
		w.finish(io.EOF)
		first.wants(t, "old")
		r.wants("k", "new", cache.TierMemory)
	})
}
