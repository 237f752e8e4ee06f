package crash_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

const (
	aimed = 2000 * time.Millisecond // how long an aim has before the gateway is killed anyway
	every = 25                      // kills from one checkpoint to the next
)

// run is a gateway that is killed again and again.
type run struct {
	t       *testing.T
	seed    uint64
	gateway *harness.Gateway
	spool   spool
	store   store
	deck    *deck
	book    *book
	tally   *tally
	client  *http.Client
	whole   atomic.Pointer[func(class)] // is called when a client has got all of an object
}

func startRun(t *testing.T, s store, seed uint64, aims []aim) *run {
	t.Helper()
	data := t.TempDir()
	o := origin.Start(t, origin.Config{})
	r := &run{
		t: t, seed: seed, spool: spool(data + "/spool"), store: s, book: newBook(o, seed), tally: newTally(),
		deck: &deck{random: random(seed, ofAims, 0), aims: aims},
		client: &http.Client{Transport: &http.Transport{
			DisableCompression: true, DisableKeepAlives: true, ResponseHeaderTimeout: patience,
		}},
	}
	r.spool.makeFolders(t, "site")
	r.prepare()
	config := fmt.Sprintf("writeback: {part_size: 5MiB}\nsites:\n- name: site\n  hosts: [\"*\"]\n  bucket: %s\n"+
		"  rules:\n  - {id: all, origin: {primary: %q, breaker: {failures: 0}}}\n", s.config(), o.URL())
	r.gateway = harness.StartGateway(t, config, harness.WithDataDir(data))
	return r
}

func (r *run) prepare() {
	r.t.Helper()
	if err := r.store.prepare(r.book.prefix()); err != nil {
		r.t.Fatal(err)
	}
}

// get asks the gateway for an object.
func (r *run) get(ctx context.Context, o *object) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.gateway.URL+"/"+o.key, nil)
	if err != nil {
		return nil, err
	}
	return r.client.Do(request)
}

// killTimes kills the gateway so often, or until there are problems.
func (r *run) killTimes(kills int) {
	r.t.Helper()
	began := time.Now()
	for n := 1; n <= kills && !r.tally.failed(); n++ {
		r.round(n)
		if n%every == 0 || n == kills {
			killed := time.Now()
			r.checkpoint()
			r.t.Logf("%d kills in %v, of which the last checkpoint took %v; %d answers in full", n,
				time.Since(began).Round(time.Millisecond), time.Since(killed).Round(time.Millisecond),
				r.tally.of("answers in full"))
		}
	}
}

// round kills the gateway once, starts it again, and looks at what clients had got.
func (r *run) round(n int) {
	r.t.Helper()
	a := r.deck.next()
	s := newShot(r.gateway)
	end, err := a.take(r, random(r.seed, ofAims, uint64(n)), s)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.t.Context())
	load := r.startLoad(ctx, n)
	kind := a.kind
	select {
	case <-s.fired:
	case <-time.After(aimed):
		if s.fire() {
			kind = "none of what was aimed at"
			r.tally.count("missed: "+a.kind, 1)
		}
	}
	s.bury()
	end()
	cancel()
	load.running.Wait()
	r.tally.kill(kind)
	r.afterKill()
}

func (r *run) afterKill() {
	r.t.Helper()
	uploads, err := r.spool.inspect(r.tally)
	if err != nil {
		r.t.Fatal(err)
	}
	r.book.remembered(uploads)
	r.gateway.Restart(r.t)
	r.nothingLost(r.book.sinceRestart())
}
