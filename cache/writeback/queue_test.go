package writeback

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// queued is an entry with no more than what the queue looks at.
func queued(site string, serial uint64) *entry { return &entry{name: name{serial: serial}, site: site} }

func TestQueueOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		begin := time.Now()
		for _, e := range []struct {
			serial uint64
			due    time.Duration
		}{{1, 3 * time.Second}, {3, 0}, {5, time.Second}, {2, 0}, {4, time.Second}, {9, -time.Second}} {
			q.push(queued("a", e.serial), begin.Add(e.due))
		}
		var got []uint64
		for _, after := range []time.Duration{0, 0, 0, time.Second, time.Second, 3 * time.Second} {
			e, ok := q.next(t.Context())
			if !ok {
				t.Fatal("nothing")
			}
			if at := time.Since(begin); at != after {
				t.Errorf("%d came after %v, want %v", e.serial, at, after)
			}
			got = append(got, e.serial)
			q.done(e, verdictWell)
		}
		if want := []uint64{9, 2, 3, 4, 5, 1}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// An entry that comes while the workers wait for another is not kept waiting, whoever is woken.
func TestQueueWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		var workers sync.WaitGroup
		late := map[uint64]time.Duration{}
		for range 3 {
			workers.Go(func() {
				for {
					e, ok := q.next(ctx)
					if !ok {
						return
					}
					mu.Lock()
					late[e.serial] = time.Since(e.due)
					mu.Unlock()
					q.done(e, verdictWell)
				}
			})
		}
		synctest.Wait()
		begin := time.Now()
		for _, seconds := range []uint64{60, 40, 5, 50, 20} {
			q.push(queued("a", seconds), begin.Add(time.Duration(seconds)*time.Second))
			synctest.Wait()
		}
		for serial := range uint64(5) { // all at once, for three workers
			q.push(queued("a", 100+serial), begin)
		}
		<-time.After(2 * time.Minute)
		cancel()
		workers.Wait()
		if len(late) != 10 {
			t.Errorf("%d were given out", len(late))
		}
		for serial, d := range late {
			if d != 0 {
				t.Errorf("%d came %v too late", serial, d)
			}
		}
	})
}

// Sites take turns, however many entries one of them has.
func TestQueueTurns(t *testing.T) {
	q := newQueue()
	for serial := range uint64(6) {
		q.push(queued("a", serial), time.Time{})
	}
	q.push(queued("b", 10), time.Time{})
	q.push(queued("c", 11), time.Time{})
	var got []string
	for range 5 {
		e, ok := q.next(t.Context())
		if !ok {
			t.Fatal("nothing")
		}
		got = append(got, e.site)
	}
	if want := []string{"a", "b", "c", "a", "a"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A bucket that fails again and again is tried with one entry at a time, after longer and longer pauses; another site's
// entries do not wait for that. When it is back, all that failed meanwhile is due.
func TestQueueShuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		for serial := range uint64(20) {
			q.push(queued("away", serial), time.Time{})
		}
		for range shutAfter {
			e, _ := q.next(t.Context())
			q.push(e, time.Now().Add(lastPause))
			q.done(e, verdictIll)
		}
		q.push(queued("fine", 100), time.Time{})
		other, _ := q.next(t.Context())
		if other.site != "fine" {
			t.Errorf("got an entry of %s", other.site)
		}
		q.done(other, verdictWell)
		for range 10 {
			shut := time.Now()
			e, _ := q.next(t.Context())
			if pause := time.Since(shut); pause <= 0 || pause > longestShut {
				t.Errorf("shut for %v", pause)
			}
			if _, wait := q.take(); wait != forever {
				t.Errorf("a second one may go after %v, while the first tells", wait)
			}
			q.push(e, time.Now().Add(lastPause))
			q.done(e, verdictIll)
		}
		e, _ := q.next(t.Context())
		q.done(e, verdictWell)
		for n := range 19 {
			if e, wait := q.take(); e == nil {
				t.Fatalf("entry %d must wait for %v", n, wait)
			}
		}
	})
}

// Uploads that fail together are one failure more than shuts the lane: a short outage is not taken for a long one, however
// many workers see it.
func TestQueueShutsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		const workers = 16
		var taken []*entry
		for serial := range uint64(workers) {
			q.push(queued("away", serial), time.Time{})
		}
		for range workers {
			e, _ := q.next(t.Context())
			taken = append(taken, e)
		}
		for _, e := range taken {
			q.push(e, time.Now().Add(lastPause))
			q.done(e, verdictIll)
		}
		for _, longest := range []time.Duration{firstPause, 2 * firstPause, 4 * firstPause} {
			shut := time.Now()
			e, _ := q.next(t.Context())
			if pause := time.Since(shut); pause < longest/2 || pause > longest {
				t.Errorf("shut for %v, want between %v and %v", pause, longest/2, longest)
			}
			q.push(e, time.Now().Add(lastPause))
			q.done(e, verdictIll)
		}
	})
}

// A long upload that goes on while its bucket refuses others does not keep the lane shut; when it ends well, the bucket
// is there.
func TestQueueShutBesideALongUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		for serial := range uint64(20) {
			q.push(queued("away", serial), time.Time{})
		}
		long, _ := q.next(t.Context())
		fail := func() {
			e, _ := q.next(t.Context())
			q.push(e, time.Now().Add(lastPause))
			q.done(e, verdictIll)
		}
		for range shutAfter {
			fail()
		}
		shut := time.Now()
		fail()
		if pause := time.Since(shut); pause > firstPause {
			t.Errorf("shut for %v", pause)
		}
		q.done(long, verdictWell)
		if e, wait := q.take(); e == nil {
			t.Errorf("shut for %v after a success", wait)
		}
	})
}

// Nothing is given out while the queue is paused, and it counts as idle.
func TestQueuePauses(t *testing.T) {
	q := newQueue()
	q.push(queued("a", 1), time.Time{})
	q.pause(pausedByAPI, true)
	if e, wait := q.take(); e != nil || wait != forever || q.enter("a") {
		t.Errorf("got %v, %v", e, wait)
	}
	if err := q.waitIdle(t.Context()); err != nil {
		t.Error(err)
	}
	q.pause(pausedByAPI, false)
	if e, _ := q.take(); e == nil {
		t.Error("nothing is given out after the pause")
	}
}
