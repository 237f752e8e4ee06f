package outage_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// denied: a permission is taken away. What clients get then is served and listed until it is back and somebody says so.
func denied(t *testing.T, r *rig) {
	during, keys := r.outage(t, writes(refuse(http.StatusForbidden, "AccessDenied")), []string{fromSpool})
	took := r.waitRecords(t, savedWithin, ".dead", len(during.keys))
	t.Logf("all of %d objects are given up %v after the last was asked for", len(during.keys), took.Round(time.Millisecond))
	r.front.fail(nil)
	q := r.queue(t)
	r.wantSomewhere(t, q, during.keys, true)
	if q.Summary.Waiting != 0 || q.Summary.Dead != len(during.keys) {
		t.Errorf("the queue counts %+v; %d are dead", q.Summary, len(during.keys))
	}
	for _, item := range q.Items {
		if !strings.Contains(item.Error, "AccessDenied") {
			t.Errorf("%s is listed with the error %q", item.Key, item.Error)
		}
	}
	for _, key := range during.keys {
		if a := r.ask(t.Context(), key); a.err != nil || a.said != fromSpool {
			t.Errorf("a dead one: %+v", a)
		}
	}
	out := string(r.mirrorgate(t, "queue", "retry", "--all"))
	if want := fmt.Sprintf("%d dead", len(during.keys)); !strings.Contains(out, want) {
		t.Errorf("retry --all says %q, want %q", out, want)
	}
	r.waitRecords(t, savedWithin, ".dead", 0)
	took = r.waitRecords(t, savedWithin, ".json", 0)
	t.Logf("everything is saved %v after it was retried", took.Round(time.Millisecond))
	r.wantSaved(t, keys)
}

// full: an outage fills the spool. Clients get the right answers, which say that nothing is kept any more; what was
// kept is saved after the outage, and the rest when it is asked for again.
func full(t *testing.T, r *rig) {
	r.front.fail(writes(refuse(http.StatusServiceUnavailable, "ServiceUnavailable")))
	const objects = 90 // there is room for 51 of them
	kept, passed := r.crowd(t, objects)
	if len(kept) < 40 || len(kept) > 51 || len(kept)+len(passed) != objects {
		t.Errorf("%d objects were kept and %d passed on, of %d", len(kept), len(passed), objects)
	}
	r.wantSomewhere(t, r.queue(t), kept, true)
	r.front.fail(nil)
	took := r.waitRecords(t, savedWithin, ".json", 0)
	t.Logf("%d objects were kept, and are saved %v after the outage; %d were passed on",
		len(kept), took.Round(time.Millisecond), len(passed))
	r.wantSaved(t, kept)
	for _, key := range passed {
		if a := r.ask(t.Context(), key); a.err != nil || a.said != stored {
			t.Errorf("passed on before, and asked for again: %+v", a)
		}
	}
	r.waitRecords(t, savedWithin, ".json", 0)
	r.wantBucket(t, slices.Concat(kept, passed))
}

// crowd asks for so many objects with a few clients, and returns the keys of those that are kept and of those that
// are not.
func (r *rig) crowd(t *testing.T, objects int) (kept, passed []string) {
	t.Helper()
	const clients = 4
	var mu sync.Mutex
	var running sync.WaitGroup
	for c := range clients {
		running.Go(func() {
			for n := c; n < objects; n += clients {
				a := r.ask(t.Context(), keyOf(small, fmt.Sprintf("crowd-%04d", n)))
				mu.Lock()
				switch {
				case a.err == nil && a.said == stored:
					kept = append(kept, a.key)
				case a.err == nil && a.said == notStored:
					passed = append(passed, a.key)
				default:
					t.Errorf("%+v", a)
				}
				mu.Unlock()
			}
		})
	}
	running.Wait()
	return kept, passed
}

// reads: the bucket cannot be read either. What waits in the spool is served and nothing else, and no pull begins: nobody
// can tell what the bucket has.
func reads(t *testing.T, r *rig) {
	saved, _ := r.crowd(t, 5)
	r.waitRecords(t, patience, ".json", 0)
	r.front.fail(writes(cut))
	var spooled []string
	for n := range 20 {
		a := r.ask(t.Context(), keyOf(small, fmt.Sprintf("spooled-%d", n)))
		if a.err != nil || a.said != stored {
			t.Errorf("%+v", a)
		}
		spooled = append(spooled, a.key)
	}
	r.front.fail(everything)
	asked := r.origin.Requests("")
	for n, key := range spooled {
		if a := r.ask(t.Context(), key); a.err != nil || a.said != fromSpool {
			t.Errorf("in the spool: %+v", a)
		}
		for _, other := range []string{saved[n%len(saved)], keyOf(small, fmt.Sprintf("new-%d", n))} {
			a := r.Get(t, "/"+other)
			if a.Status != http.StatusServiceUnavailable || !strings.Contains(string(a.Body), "<Code>BucketUnavailable</Code>") {
				t.Errorf("not in the spool: %s: %d, %.200q", other, a.Status, a.Body)
			}
		}
	}
	if n := r.origin.Requests(""); n != asked {
		t.Errorf("the origin was asked %d times while the bucket could not be read", n-asked)
	}
	r.front.fail(nil)
	harness.Eventually(t, patience, func() error { return r.ask(t.Context(), saved[0]).err })
	took := r.waitRecords(t, savedWithin, ".json", 0)
	t.Logf("%d objects are saved %v after the outage", len(spooled), took.Round(time.Millisecond))
	r.wantSaved(t, slices.Concat(saved, spooled))
}
