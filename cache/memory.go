package cache

import (
	"context"
	"errors"
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
// The time to live counts from when the bucket was asked: what it answers may be another object a moment later, however
// long the answer takes to arrive.
//
// An object that this gateway writes is dropped by drop. What the bucket was asked before that, and answers later, is
// not kept and not given to those who come after it.
type memory struct {
	cfg   Memory
	clock func() time.Duration // never set back, as the time of day may be
	kept  *otter.Cache[ID, *Resident]
	held  atomic.Int64 // bytes of bodies that are kept, arriving, or still read by somebody

	evicted, checks atomic.Int64 // as in MemoryStats

	mu       sync.Mutex // guards what follows, and stands around all that is put into kept
	readings map[readingKey]*reading
	asking   map[ID]*asking
}

// newMemory returns nil where nothing is kept.
func newMemory(c Memory, now func() time.Time) *memory {
	if c.MaxBytes == 0 {
		return nil
	}
	began := now()
	m := &memory{
		cfg: c, clock: func() time.Duration { return now().Sub(began) },
		readings: make(map[readingKey]*reading), asking: make(map[ID]*asking),
	}
	m.kept = otter.Must(&otter.Options[ID, *Resident]{
		MaximumWeight:    uint64(c.MaxBytes),
		Weigher:          func(id ID, r *Resident) uint32 { return r.weight(id) },
		OnAtomicDeletion: m.deleted,
	})
	return m
}

// deleted gives back the memory's use of what is not kept any more.
func (m *memory) deleted(e otter.DeletionEvent[ID, *Resident]) {
	if e.WasEvicted() {
		m.evicted.Add(1)
	}
	e.Value.Release()
}

// open opens an object of the site's bucket, as Bucket.Open does.
func (m *memory) open(ctx context.Context, site *Site, key string, o ReadOptions) (*Object, error) {
	id := ID{site.Name, key}
	obj, err := m.answer(ctx, site, id, o)
	if errors.Is(err, ErrPrecondition) {
		m.refute(site, id, o.IfMatch)
	}
	return obj, err
}

func (m *memory) answer(ctx context.Context, site *Site, id ID, o ReadOptions) (*Object, error) {
	known, fresh, err := m.known(ctx, site, id)
	if err != nil {
		return nil, err
	}
	if known != nil {
		defer known.Release()
	}
	switch {
	case fresh && (o.HeadersOnly || known.whole()):
		return known.object(o, TierMemory)
	case o.HeadersOnly:
		meta, err := m.headers(ctx, site, id, known)
		if err != nil {
			return nil, err
		}
		return meta.object(o, TierBucket)
	case known == nil && o.Range != nil, known != nil && known.Meta.Size > m.cfg.MaxObject:
		return m.pass(ctx, site, id, o, known)
	default:
		return m.body(ctx, site, id, o)
	}
}

// known returns what is known of an object, which the caller releases, or nil, and whether that is as good as what the
// bucket would say. Of a body that is here it asks the bucket whether it is still the object's: that is cheaper than
// the body. However long the bucket takes to say so, it is answer enough for whoever asked.
func (m *memory) known(ctx context.Context, site *Site, id ID) (known *Resident, fresh bool, err error) {
	known = m.find(site, id)
	if fresh = known.fresh(m.clock()); fresh || !known.whole() {
		return known, fresh, nil
	}
	meta, err := m.headers(ctx, site, id, known)
	if err == nil && known.describes(meta) {
		return known, true, nil
	}
	known.Release()
	if err != nil {
		return nil, false, err
	}
	known = m.find(site, id)
	return known, known.fresh(m.clock()), nil
}

// find returns what is kept of the object in the site's bucket, which the caller releases, or nil.
func (m *memory) find(site *Site, id ID) *Resident {
	r, ok := m.kept.GetIfPresent(id)
	if !ok || r.bucket != site.Bucket || !r.acquire() {
		return nil
	}
	return r
}

// recall returns the object if the bucket need not be asked for it, with its body unless only headers are asked for.
// The caller releases it. Otherwise it returns nil.
func (m *memory) recall(site *Site, id ID, headersOnly bool) *Resident {
	r, ok := m.kept.GetIfPresent(id)
	if !ok || r.bucket != site.Bucket || !(headersOnly || r.whole()) || !r.fresh(m.clock()) || !r.acquire() {
		return nil
	}
	return r
}

// pass asks the bucket for a body that is not kept: of a large object, or a range of one of unknown size. Its headers
// are.
func (m *memory) pass(ctx context.Context, site *Site, id ID, o ReadOptions, known *Resident) (*Object, error) {
	asked := m.ask(id)
	defer m.answered(asked)
	obj, err := site.Bucket.Open(ctx, id.Key, o)
	if err != nil {
		m.lost(id, err)
		return nil, err
	}
	if !known.fresh(m.clock()) || !known.describes(&obj.Meta) {
		m.keep(newResident(site, &obj.Meta, nil), asked)
	}
	return obj, nil
}

// lost drops what the bucket does not have any more.
func (m *memory) lost(id ID, err error) {
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDeleted) {
		m.drop(id)
	}
}

// refute drops what is known of an object if it has the ETag that the bucket's object turned out not to have.
func (m *memory) refute(site *Site, id ID, etag string) {
	if known := m.find(site, id); known != nil {
		defer known.Release()
		if known.Meta.Bucket.ETag == etag {
			m.drop(id)
		}
	}
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
