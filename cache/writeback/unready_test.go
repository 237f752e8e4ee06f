package writeback

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// A bucket that is still being probed is looked at often, and by one worker only. What waits begins to be saved a moment
// after the bucket is ready, in its order, however long that took.
func TestSavesOnceReady(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var ready atomic.Bool
		b := &bucket{put: func(context.Context, string) error {
			if !ready.Load() {
				return cache.ErrNotReady
			}
			return nil
		}}
		s := openSpool(t, dir)
		for i := range 20 {
			commit(t, s, fmt.Sprintf("%02d", i), "data")
			wait(time.Millisecond)
		}
		_, stop := start(t, s, 8, b)
		wait(time.Minute)
		before := len(b.tries())
		if most := int(time.Minute/unreadyPause) + 8; before > most {
			t.Errorf("%d looks in a minute, at most %d were due", before, most)
		}
		ready.Store(true)
		wait(unreadyPause)
		if s.Waiting() != 0 || b.tries()[before].key != "00" {
			t.Errorf("%d wait, the first to be saved was %s", s.Waiting(), b.tries()[before].key)
		}
		stop()
		closeSpool(t, s)
	})
}
