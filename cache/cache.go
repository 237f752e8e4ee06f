package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Limits bounds what all sites of a gateway together may use.
type Limits struct {
	MaxPulls    int `yaml:"max_pulls"`    // pulls at one time
	MaxWaiting  int `yaml:"max_waiting"`  // requests that wait for a pull's first byte
	MaxNegative int `yaml:"max_negative"` // remembered answers that an object is not there

	MaxRangePulls int `yaml:"max_range_pulls"` // of one key: ranges that are passed through
	MaxSoloPulls  int `yaml:"max_solo_pulls"`  // of one key: pulls whose answer may not be shared
}

// DefaultLimits returns the limits of a gateway without configuration.
func DefaultLimits() Limits {
	return Limits{MaxPulls: 512, MaxWaiting: 100_000, MaxNegative: 100_000, MaxRangePulls: 4, MaxSoloPulls: 4}
}

// Validate reports every bound that is not positive.
func (l Limits) Validate(report func(path, problem string)) {
	for _, f := range []struct {
		path  string
		value int
	}{
		{"max_pulls", l.MaxPulls}, {"max_waiting", l.MaxWaiting}, {"max_negative", l.MaxNegative},
		{"max_range_pulls", l.MaxRangePulls}, {"max_solo_pulls", l.MaxSoloPulls},
	} {
		if f.value <= 0 {
			report(f.path, "must be at least 1")
		}
	}
}

// BusyError means that a bound was reached; the same request may succeed later.
type BusyError struct {
	Setting string // the bound's name in the configuration
}

func (e *BusyError) Error() string { return fmt.Sprintf("busy: %s is reached", e.Setting) }

// Site is what the cache needs to know of a site. When a site of the same name takes its place, what memory holds of
// the one's bucket is no answer for the other's.
type Site struct {
	Name   string
	Bucket Bucket
	Save   bool // false: pulls are shared, but never saved

	// Ready makes of an object's Meta what the caller wants to have at hand with an object in memory; it is called once
	// for each, and may be nil.
	Ready func(*Meta) any
}

// Cache is the meeting point of clients, buckets and pulls. All methods may be called concurrently.
type Cache struct {
	spool    Spool
	log      *slog.Logger
	limits   Limits
	slots    chan struct{} // one per pull
	relays   chan struct{} // one per body that comes from another gateway
	fleet    Fleet         // nil: this gateway is on its own
	memory   *memory       // nil: nothing is kept in memory
	negative *negatives
	heads    *remembered[headAnswer]
	unshared *remembered[bool]  // keys whose last answer could not be shared; true: it came from another gateway
	failed   *remembered[error] // pulls for all gateways, whose next one may begin at once
	heading  singleflight.Group
	checked  *remembered[struct{}] // copies that were compared with their origin lately
	solos    *gates
	parts    *gates

	tally tally

	life   context.Context // of the pulls, which belong to nobody's request
	end    context.CancelFunc
	active sync.WaitGroup // pulls, and those who wait for one

	mu      sync.Mutex
	flights map[flightKey]*flight
	waiting int
}

// New returns a Cache that keeps arriving bodies in spool. End it with Drain.
func New(l Limits, m Memory, spool Spool, log *slog.Logger) *Cache {
	// Pulls outlive the requests that cause them, so their context begins here; Drain ends it.
	life, end := context.WithCancel(context.Background())
	return &Cache{
		spool: spool, log: log, limits: l,
		slots:    make(chan struct{}, l.MaxPulls),
		relays:   make(chan struct{}, l.MaxPulls),
		memory:   newMemory(m, time.Now),
		negative: newNegatives(l.MaxNegative, time.Now),
		heads:    newRemembered[headAnswer](l.MaxNegative, time.Now),
		unshared: newRemembered[bool](l.MaxNegative, time.Now),
		failed:   newRemembered[error](l.MaxNegative, time.Now),
		checked:  newRemembered[struct{}](l.MaxNegative, time.Now),
		solos:    newGates("limits.max_solo_pulls", l.MaxSoloPulls),
		parts:    newGates("limits.max_range_pulls", l.MaxRangePulls),
		life:     life, end: end,
		flights: make(map[flightKey]*flight),
	}
}

// Join makes the cache one of a fleet. It is called before anything else.
func (c *Cache) Join(f Fleet) { c.fleet = f }

// Drain waits until all pulls have ended. When ctx ends before that, it cancels them: their readers fail and nothing of
// them is kept. No Fill may be called after Drain.
func (c *Cache) Drain(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		c.active.Wait()
		close(done)
	}()
	defer c.end()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		c.end()
		<-done
		return fmt.Errorf("pulls were cut off at the end of the grace period: %w", context.Cause(ctx))
	}
}

// Get opens an object that is in memory or the site's bucket, or committed to the spool and not yet saved. What others
// change in the bucket is seen within Memory.TTL. ErrNotFound means that the bucket said so and the spool does not hold
// it; any other failure of the bucket stays that failure, unless the spool holds the object.
func (c *Cache) Get(ctx context.Context, site *Site, key string, o ReadOptions) (*Object, error) {
	obj, err := c.open(ctx, site, key, o)
	if err == nil || isAnswer(err) {
		return obj, err
	}
	spooled, spoolErr := c.spool.Open(ID{site.Name, key}, o)
	if errors.Is(spoolErr, ErrNotFound) {
		return nil, err
	}
	return spooled, spoolErr
}

// open asks memory, and then the bucket.
func (c *Cache) open(ctx context.Context, site *Site, key string, o ReadOptions) (*Object, error) {
	if c.memory == nil {
		return site.Bucket.Open(ctx, key, o)
	}
	return c.memory.open(ctx, site, key, o)
}

// HasMemory tells whether anything is kept in memory.
func (c *Cache) HasMemory() bool { return c.memory != nil }

// Recall returns an object for which the bucket need not be asked, or nil: whole, or for headersOnly perhaps without
// its body. The caller releases it. It does not allocate, and keeps nothing of key.
func (c *Cache) Recall(site *Site, key string, headersOnly bool) *Resident {
	if c.memory == nil {
		return nil
	}
	return c.memory.recall(site, ID{site.Name, key}, headersOnly)
}

// Written says that an object may be another in its bucket from now on: it is dropped from memory.
func (c *Cache) Written(id ID) {
	if c.memory != nil {
		c.memory.drop(id)
	}
}

// Saved says that another gateway has written an object: what is known of it here may be old.
func (c *Cache) Saved(id ID) {
	c.Written(id)
	c.forget(id)
}

// Doubt says that other gateways may have written anything: buckets are asked again for what is in memory.
func (c *Cache) Doubt() {
	if c.memory != nil {
		c.memory.doubt()
	}
}

// forget drops what was remembered of an object that is there now.
func (c *Cache) forget(id ID) {
	c.negative.forget(id)
	c.heads.forget(id)
	c.unshared.forget(id)
	c.failed.forget(id)
}

// isAnswer tells whether the bucket's error is its final word on the key, which the spool cannot change.
func isAnswer(err error) bool {
	var outside *RangeError
	return errors.Is(err, ErrDeleted) || errors.Is(err, ErrPrecondition) || errors.Is(err, ErrKeyForm) ||
		errors.As(err, &outside)
}
