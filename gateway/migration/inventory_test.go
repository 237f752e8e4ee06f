package migration_test

import (
	"testing"
	"time"

	"mirrorgate/gateway/migration"
)

// What is left is what was neither copied when the inventory was told nor saved since, and its end is where the pace
// of the last day leads.
func TestLeft(t *testing.T) {
	r := open(t)
	for range 7 {
		r.Saved(images(), 10) // before it was told: they are among what was copied
	}
	r.Tell("site", &migration.Inventory{Objects: 100, Bytes: 1000, Copied: 20, CopiedBytes: 200})
	f := func(objects, bytes int64, done time.Duration) {
		t.Helper()
		b := r.Show()
		i := b.Inventories["site"]
		left := i.Left(b.Rule(images()).Spans[1], b.Now)
		equal(t, "objects left", left.Objects, objects)
		equal(t, "bytes left", left.Bytes, bytes)
		switch got := left.Done.Sub(b.Now); {
		case done == 0 && !left.Done.IsZero():
			t.Errorf("done in %v, which cannot be told", got)
		case done != 0 && (got-done).Abs() > time.Minute:
			t.Errorf("done in %v, want %v", got, done)
		}
	}
	f(80, 800, 0)
	r.Saved(images(), 10)
	r.Saved(migration.ID{Site: "other", Rule: "images"}, 10)
	f(79, 790, 0) // for some minutes there is no pace
	r.wait(2 * time.Hour)
	f(79, 790, 79*2*time.Hour/8)
	r.wait(30 * time.Hour)
	f(79, 790, 0) // nothing was saved in the last day
	for range 100 {
		r.Saved(images(), 10)
	}
	f(0, 0, 0)
	r.Tell("site", nil)
	if b := r.Show(); len(b.Inventories) != 0 {
		t.Errorf("an inventory is still there: %+v", b.Inventories)
	}
}
