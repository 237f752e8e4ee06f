package fleet_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

const (
	askedEach  = 4  // times each key is asked for, at any gateway
	keyClients = 64 // at one time
)

// manyKeys: random clients of many small cold objects cost the origin one request for each, but for a few that are asked
// for while they pass from the spool into the bucket.
func (f *fleet) manyKeys(t *testing.T, folder string, n int) {
	t.Helper()
	keys := small(folder, n)
	f.askAll(t, keys)
	f.waitSaved(t, keys...)
	pulls, written := f.pulls(keys...), 0
	for _, key := range keys {
		written += f.front.of(key).done
	}
	t.Logf("%d keys cost %d pulls and %d writes", n, pulls, written)
	if most := n + len(f.members); pulls < n || pulls > most {
		t.Errorf("%d keys cost %d pulls, at most %d are due", n, pulls, most)
	}
	if most := n + len(f.members); written > most {
		t.Errorf("%d keys were written %d times, at most %d are due", n, written, most)
	}
}

// askAll asks for each key a few times, in any order, and compares what comes.
func (f *fleet) askAll(t *testing.T, keys []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), formOf().patience)
	defer cancel()
	order := make(chan string, len(keys)*askedEach)
	for _, n := range rand.Perm(cap(order)) {
		order <- keys[n%len(keys)]
	}
	close(order)
	var asking sync.WaitGroup
	for range keyClients {
		asking.Go(func() {
			for key := range order {
				n, want := rand.IntN(len(f.members)), f.body(key)
				wantRight(t, fmt.Sprintf("gateway %d, %s", n, key), get(ctx, f.client, f.members[n].URL, key, want), want)
			}
		})
	}
	asking.Wait()
}
