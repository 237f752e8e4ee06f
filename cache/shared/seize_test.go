package shared

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// An intent is claimed by one of all who try at one time, not before it has been pending for long enough, and from
// nobody but whom it was pending to.
func TestIntentIsClaimedByOne(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", nil)
	id := objects(1)[0]
	a.commit(t, id)
	shard := shardOf(id)
	place := a.intents.shelves[shard].known[sumOf(id)].String()
	others := make([]*gate, 5)
	for i := range others {
		others[i] = newGate(t, []string{r.URL}, fmt.Sprint("other-", i), nil)
		if _, tries, err := others[i].seize(t.Context(), lost{shard: shard, from: "aa"}, place); tries != 0 || err != nil {
			t.Errorf("claimed at once: %d, %v", tries, err)
		}
	}
	old := func(member string) func() error {
		return func() error {
			page, err := a.pendingOf(t.Context(), shard, member, "0", 10)
			if err == nil && (len(page) != 1 || page[0].idle <= quick().gone) {
				err = fmt.Errorf("pending to %s: %v", member, page)
			}
			return err
		}
	}
	harness.Eventually(t, 20*time.Second, old("aa"))
	var claimed atomic.Int64
	var owner atomic.Pointer[gate]
	var all sync.WaitGroup
	for _, g := range others {
		for range 10 {
			all.Go(func() {
				fields, tries, err := g.seize(t.Context(), lost{shard: shard, from: "aa"}, place)
				if err != nil || tries != 0 && tries != 2 {
					t.Errorf("%d tries, %v", tries, err)
				}
				if got, ok := parseIntent(fields, shard); tries > 0 && (!ok || got != id) {
					t.Errorf("claimed %q", fields)
				}
				if tries > 0 {
					claimed.Add(1)
					owner.Store(g)
				}
			})
		}
	}
	all.Wait()
	if n := claimed.Load(); n != 1 {
		t.Fatalf("claimed %d times", n)
	}
	harness.Eventually(t, 20*time.Second, old(owner.Load().o.Member))
	for _, g := range others { // it is not the first one's any more
		if _, tries, err := g.seize(t.Context(), lost{shard: shard, from: "aa"}, place); tries != 0 || err != nil {
			t.Errorf("claimed once more: %d, %v", tries, err)
		}
	}
}
