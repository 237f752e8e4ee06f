package cache

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// flight is one pull of one key. It belongs to nobody's request: it runs on its own goroutine and context, and goes on
// when clients leave.
type flight struct {
	cache *Cache
	site  *Site
	id    ID
	opts  FillOptions
	load  Loader

	// ready is closed when the fields below are set and will not change any more.
	ready   chan struct{}
	outcome outcome
	err     error    // outcomeFailed
	meta    Meta     // outcomeShared
	info    PullInfo // outcomeShared
	body    *body    // outcomeShared

	lease   Lease // of the fleet, for this pull; nil: there is none
	claimed bool  // the fleet was asked
	relays  bool  // the body is another gateway's; set before ready is closed
	told    bool  // the outcome is another gateway's word; set before ready is closed
	kept    bool  // the spool has it
	again   bool  // nobody may wait for it, but who pulls it has to commit it

	leave   func()        // gives back a place of limits.max_solo_pulls or max_range_pulls; nil: it has none
	follows chan struct{} // closed while it follows another gateway; the cache's mu guards it

	joined sync.WaitGroup // those who wait for ready and have not opened the body yet
	coming int            // how many they are; the cache's mu guards it
	period time.Duration  // of a check: how long its outcome holds

	done    chan struct{} // closed when the pull has ended
	dropped string        // why its bytes are not kept after all

	// solo hands an answer that may not be shared to the request that caused the pull; nil: there is none. handed tells
	// that it did: else that request, too, has to wait for a place.
	solo   chan *Pull
	handed bool
}

type outcome uint8

const (
	outcomeFailed  outcome = iota // nothing came
	outcomePresent                // somebody stored the object meanwhile: look again
	outcomeAlone                  // the answer is for the first request only
	outcomeShared                 // readers follow body
)

// flightKey tells flights apart: a key has one of the whole object, and one of each part that is asked for.
type flightKey struct {
	ID
	part  Range
	parts bool
	check bool
}

func (f *flight) key() flightKey {
	if f.opts.Part == nil {
		return flightKey{ID: f.id, check: f.opts.Check}
	}
	return flightKey{ID: f.id, part: *f.opts.Part, parts: true}
}

func (c *Cache) newFlight(id ID, site *Site, o FillOptions, load Loader) *flight {
	return &flight{
		cache: c, site: site, id: id, opts: o, load: load,
		ready: make(chan struct{}), done: make(chan struct{}), follows: make(chan struct{}),
	}
}

// start runs the flight on a goroutine of its own.
func (f *flight) start() {
	f.cache.active.Add(1)
	f.cache.tally.flights.Add(1)
	go f.run()
}

// run is the flight's goroutine.
func (f *flight) run() {
	defer f.cache.active.Done()
	defer f.cache.tally.flights.Add(-1)
	defer close(f.done)
	defer f.giveBack()
	ctx, cancel := context.WithCancel(f.cache.life)
	defer cancel()
	defer f.endLease()
	if f.present(ctx) || !f.leads(ctx) {
		return
	}
	release, err := f.cache.slot(ctx, f.opts.Wait)
	if err != nil {
		f.fail(err)
		return
	}
	pull, err := f.load(ctx)
	if err != nil {
		release()
		f.fail(err)
		return
	}
	f.take(ctx, pull, release)
}

// take gives the pull's answer to those who wait, and returns when it has ended. release frees its slot.
func (f *flight) take(ctx context.Context, pull *Pull, release func()) {
	draft := f.draft(pull)
	if draft == nil {
		read, done := context.WithCancel(ctx)
		f.handOver(pull, func() { release(); done() })
		<-read.Done() // until its reader has closed it, it is a pull that Drain waits for
		return
	}
	defer release()
	f.stream(ctx, pull, draft)
}

// giveBack frees the flight's place.
func (f *flight) giveBack() {
	if f.leave != nil {
		f.leave()
	}
}

// present looks again, now that no other pull of this key can begin: an object may have been stored between the
// caller's look into the bucket and the start of the flight.
func (f *flight) present(ctx context.Context) bool {
	if f.opts.Check {
		return false // it knows that the object is there
	}
	o := ReadOptions{HeadersOnly: true}
	_, err := f.cache.spool.Open(f.id, o)
	if errors.Is(err, ErrNotFound) && f.cache.spool.Saved(f.id) {
		_, err = f.site.Bucket.Open(ctx, f.id.Key, o)
	}
	return f.found(err)
}

// found ends the flight if a look into the bucket or the spool has found the object, or failed.
func (f *flight) found(err error) bool {
	switch {
	case err == nil:
		f.cache.leave(f)
		f.publish(outcomePresent)
		return true
	case errors.Is(err, ErrNotFound):
		return false
	default:
		f.fail(err)
		return true
	}
}

func (f *flight) published() bool {
	select {
	case <-f.ready:
		return true
	default:
		return false
	}
}

// publishStarted shows the body to its readers once there is something of it, and lets them go first: an origin that
// sends fast would keep this goroutine busy for a slice of the scheduler's time before their first byte.
func (f *flight) publishStarted() {
	if !f.published() && f.body.started() {
		f.publish(outcomeShared)
		runtime.Gosched()
	}
}

func (f *flight) publish(o outcome) {
	f.outcome = o
	close(f.ready)
}

// fail ends a flight of which no reader has seen anything. All who wait get the same error; the next request may try
// again.
func (f *flight) fail(err error) {
	var negative *NegativeError
	if errors.As(err, &negative) && !f.opts.Solo && !f.opts.Check {
		f.learn(negative)
	}
	f.settle(negative != nil || errors.Is(err, ErrUnchanged))
	if f.lease != nil && !f.opts.Check && !f.cache.failedHere(err) {
		f.cache.failed.put(f.id, err, failedTTL)
	}
	f.err = err
	f.cache.leave(f)
	f.publish(outcomeFailed)
}

// slot waits for one of limits.max_pulls.
func (c *Cache) slot(ctx context.Context, wait time.Duration) (release func(), err error) {
	if err := acquire(ctx, c.slots, wait, "limits.max_pulls"); err != nil {
		return nil, err
	}
	return func() { <-c.slots }, nil
}
