package outage_test

import (
	"flag"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// TestMain has all outages at one time: what they do is wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestOutages: the bucket fails while clients ask.
func TestOutages(t *testing.T) {
	server := harness.StartMinIO(t)
	run := func(name, settings string, f func(*testing.T, *rig)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, serve(t, server, name, settings))
		})
	}
	passes := func(name string, fails failure, hits ...string) {
		run(name, "", func(t *testing.T, r *rig) { passing(t, r, fails, hits) })
	}
	passes("cut", writes(cut), fromSpool)
	passes("refused", writes(refuse(http.StatusServiceUnavailable, "ServiceUnavailable")), fromSpool)
	passes("drip", dripping, fromSpool, fromBucket)
	passes("third", everyThird(), fromSpool, fromBucket)
	run("denied", "", denied)
	run("full", "spool: {max_bytes: 1MiB}", full)
	run("reads", "", reads)
}

// passing: an outage passes by itself. Clients see nothing of it; what they got waits, and is saved soon after.
func passing(t *testing.T, r *rig, fails failure, hits []string) {
	during, keys := r.outage(t, fails, hits)
	q := r.queue(t)
	r.wantSomewhere(t, q, during.keys, slices.Equal(hits, []string{fromSpool}))
	t.Logf("%d objects wait at the end of the outage, of %d", q.Summary.Waiting, len(during.keys))
	r.front.fail(nil)
	took := r.waitRecords(t, savedWithin, ".json", 0)
	t.Logf("everything is saved %v after it", took.Round(time.Millisecond))
	r.wantSaved(t, keys)
}

// outage loads a sound bucket and then a failing one. It returns what was asked for during the outage, which goes on,
// and all keys.
func (r *rig) outage(t *testing.T, fails failure, hits []string) (during *load, keys []string) {
	t.Helper()
	c := formOf()
	before := r.load(t, "before", c.rate, c.before)
	before.wantRight(t, fromSpool, fromBucket)
	r.waitRecords(t, patience, ".json", 0)
	r.front.fail(fails)
	during = r.load(t, "during", c.rate, c.outage)
	during.wantRight(t, hits...)
	during.wantAsFast(t, before)
	inParts := r.ask(t.Context(), keyOf(large, "large")) // after the times were taken: it keeps both cores busy
	if inParts.err != nil || inParts.said != stored {
		t.Errorf("%+v", inParts)
	}
	during.keys = append(during.keys, inParts.key)
	return during, slices.Concat(before.keys, during.keys)
}

// wantSomewhere: each object is in the queue or in the bucket; if the bucket takes nothing, in the queue only.
func (r *rig) wantSomewhere(t *testing.T, q queue, keys []string, nothing bool) {
	t.Helper()
	queued := q.keys(append(waiting(), "dead")...)
	saved := r.server.Keys(t, r.bucket, "~") // later than the queue: what left it meanwhile is here
	for _, key := range keys {
		isQueued, isSaved := slices.Contains(queued, key), slices.Contains(saved, key)
		if !isQueued && !isSaved || nothing && (!isQueued || isSaved) {
			t.Errorf("%s: in the queue %v, in the bucket %v", key, isQueued, isSaved)
		}
	}
	if counted := q.Summary.Waiting + q.Summary.Dead; nothing && (len(queued) != len(keys) || counted != len(keys)) {
		t.Errorf("the queue lists %d objects and counts %d, %d were asked for", len(queued), counted, len(keys))
	}
}

// wantSaved: the bucket has all objects and the queue nothing, and the origin was asked once for each.
func (r *rig) wantSaved(t *testing.T, keys []string) {
	t.Helper()
	if q := r.queue(t); q.Summary.Waiting != 0 || q.Summary.Dead != 0 || len(q.Items) != 0 {
		t.Errorf("the queue has %+v", q)
	}
	r.wantBucket(t, keys)
	for _, key := range keys {
		if n := r.origin.Requests("/" + key); n != 1 {
			t.Errorf("the origin was asked %d times for %s", n, key)
		}
	}
	if a := r.ask(t.Context(), keys[0]); a.err != nil || a.said != fromBucket {
		t.Errorf("afterwards: %+v", a)
	}
}
