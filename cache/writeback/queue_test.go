package writeback

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestQueueOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		begin := time.Now()
		for _, e := range []struct {
			name string
			due  time.Duration
		}{{"late", 3 * time.Second}, {"b", 0}, {"soon", time.Second}, {"a", 0}, {"soon too", time.Second}, {"c", -time.Second}} {
			q.push(&entry{name: e.name, due: begin.Add(e.due)})
		}
		var got []string
		for _, after := range []time.Duration{0, 0, 0, time.Second, time.Second, 3 * time.Second} {
			e, ok := q.next(t.Context())
			if !ok {
				t.Fatal("nothing")
			}
			if at := time.Since(begin); at != after {
				t.Errorf("%s came after %v, want %v", e.name, at, after)
			}
			got = append(got, e.name)
			q.done()
		}
		if want := []string{"c", "b", "a", "soon", "soon too", "late"}; !slices.Equal(got, want) {
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
		late := map[string]time.Duration{}
		for range 3 {
			workers.Go(func() {
				for {
					e, ok := q.next(ctx)
					if !ok {
						return
					}
					mu.Lock()
					late[e.name] = time.Since(e.due)
					mu.Unlock()
					q.done()
				}
			})
		}
		synctest.Wait()
		begin := time.Now()
		for _, name := range []string{"60", "40", "5", "50", "20"} {
			after, _ := time.ParseDuration(name + "s")
			q.push(&entry{name: name, due: begin.Add(after)})
			synctest.Wait()
		}
		for _, name := range []string{"x", "y", "z", "u", "v"} { // all at once, for three workers
			q.push(&entry{name: name, due: begin})
		}
		<-time.After(2 * time.Minute)
		cancel()
		workers.Wait()
		if len(late) != 10 {
			t.Errorf("%d were given out", len(late))
		}
		for name, d := range late {
			if d != 0 {
				t.Errorf("%s came %v too late", name, d)
			}
		}
	})
}
