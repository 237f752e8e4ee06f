package cache

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// Memory says what is kept in memory of the objects that were read from buckets.
type Memory struct {
	MaxBytes  int64         `yaml:"max_bytes"`  // of all bodies and headers; 0: nothing is kept
	MaxObject int64         `yaml:"max_object"` // of larger objects only the headers are kept
	TTL       time.Duration `yaml:"ttl"`        // how long an object is answered without asking the bucket
}

// DefaultMemory returns what a gateway without configuration keeps.
func DefaultMemory() Memory {
	return Memory{MaxBytes: 256 << 20, MaxObject: 1 << 20, TTL: time.Minute}
}

// maxMemoryObject bounds Memory.MaxObject: what is larger gains nothing by being in memory.
const maxMemoryObject = 1 << 30

// Validate reports every mistake.
func (c Memory) Validate(report func(path, problem string)) {
	switch {
	case c.MaxBytes < 0:
		report("max_bytes", "must not be negative; 0 keeps nothing in memory")
	case c.MaxBytes == 0:
		return
	case c.MaxObject < 0 || c.MaxObject > maxMemoryObject:
		report("max_object", "must be between 0 and 1GiB")
	case c.MaxObject > c.MaxBytes:
		report("max_object", "must not be above max_bytes")
	}
	if c.TTL <= 0 {
		report("ttl", "must be above 0, such as 60s; max_bytes: 0 keeps nothing in memory")
	}
}

// memory is the tier in front of the buckets. It answers for what it has read within its time to live, and reads what
// several ask for once. Objects of up to MaxObject bytes are kept whole, of others the headers.
//
// An object that this gateway writes is dropped by drop. What was read from the bucket before that, and arrives later,
// is not kept: each read remembers the generation of its key, which drop raises.
type memory struct {
	cfg  Memory
	now  func() time.Time
	kept *otter.Cache[ID, *Resident]
	held atomic.Int64 // bytes of bodies that are kept, arriving, or still read by somebody

	seed        maphash.Seed
	generations [256]atomic.Uint64 // by a hash of the ID: many share one, at the price of a read that is not kept

	mu       sync.Mutex
	readings map[readingKey]*reading
}

// newMemory returns nil where nothing is kept.
func newMemory(c Memory, now func() time.Time) *memory {
	if c.MaxBytes == 0 {
		return nil
	}
	return &memory{
		cfg: c, now: now, seed: maphash.MakeSeed(), readings: make(map[readingKey]*reading),
		kept: otter.Must(&otter.Options[ID, *Resident]{
			MaximumWeight:    uint64(c.MaxBytes),
			Weigher:          func(id ID, r *Resident) uint32 { return r.weight(id) },
			OnAtomicDeletion: func(e otter.DeletionEvent[ID, *Resident]) { e.Value.Release() },
		}),
	}
}

// open opens an object of the site's bucket, as Bucket.Open does.
func (m *memory) open(ctx context.Context, site *Site, key string, o ReadOptions) (*Object, error) {
	id := ID{site.Name, key}
	known := m.find(id)
	if known.whole() && !known.fresh(m.now()) { // asking for the headers is cheaper than a body that may be here
		_, err := m.headers(ctx, site, id, known)
		known.Release()
		if err != nil {
			return nil, err
		}
		known = m.find(id)
	}
	if known != nil {
		defer known.Release()
	}
	switch {
	case known.fresh(m.now()) && (o.HeadersOnly || known.whole()):
		return known.object(o, TierMemory)
	case o.HeadersOnly:
		meta, err := m.headers(ctx, site, id, known)
		if err != nil {
			return nil, err
		}
		return (&Resident{Meta: meta}).object(o, TierBucket)
	case known == nil && o.Range != nil, known != nil && known.Meta.Size > m.cfg.MaxObject:
		return m.pass(ctx, site, id, o, known)
	default:
		return m.body(ctx, site, id, o)
	}
}

// find returns what is kept of id, which the caller releases, or nil.
func (m *memory) find(id ID) *Resident {
	r, ok := m.kept.GetIfPresent(id)
	if !ok || !r.acquire() {
		return nil
	}
	return r
}

// recall returns the object if the bucket need not be asked for it, with its body unless only headers are asked for.
// The caller releases it. Otherwise it returns nil.
func (m *memory) recall(id ID, headersOnly bool) *Resident {
	r, ok := m.kept.GetIfPresent(id)
	if !ok || !(headersOnly || r.whole()) || !r.fresh(m.now()) || !r.acquire() {
		return nil
	}
	return r
}

// pass asks the bucket for a body that is not kept: of a large object, or a range of one of unknown size. Its headers
// are.
func (m *memory) pass(ctx context.Context, site *Site, id ID, o ReadOptions, known *Resident) (*Object, error) {
	generation := m.generation(id).Load()
	obj, err := site.Bucket.Open(ctx, id.Key, o)
	if err != nil {
		m.lost(id, err)
		return nil, err
	}
	if !known.fresh(m.now()) || !known.describes(obj.Meta) {
		m.keep(id, newResident(site, obj.Meta, nil), generation)
	}
	return obj, nil
}

// lost drops what the bucket does not have any more.
func (m *memory) lost(id ID, err error) {
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDeleted) {
		m.drop(id)
	}
}

// keep keeps what was read of id since the generation was seen, for the time to live. It takes over one use.
func (m *memory) keep(id ID, r *Resident, generation uint64) {
	if m.generation(id).Load() != generation {
		r.Release()
		return
	}
	r.renew(m.now().Add(m.cfg.TTL))
	m.kept.Set(id, r)
	if m.generation(id).Load() != generation { // dropped while it was being set
		m.kept.Invalidate(id)
	}
}

// drop forgets an object that may be another in the bucket now.
func (m *memory) drop(id ID) {
	m.generation(id).Add(1)
	m.kept.Invalidate(id)
}

func (m *memory) generation(id ID) *atomic.Uint64 {
	return &m.generations[maphash.Comparable(m.seed, id)%uint64(len(m.generations))]
}

// reserve takes room for a body, which Resident.Release gives back. Above the bodies that are kept there may be a
// quarter as much again of those that arrive or that somebody still reads.
func (m *memory) reserve(size int64) bool {
	if m.held.Add(size) <= m.cfg.MaxBytes+m.cfg.MaxBytes/4 {
		return true
	}
	m.held.Add(-size)
	return false
}
