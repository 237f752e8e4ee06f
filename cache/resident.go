package cache

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Resident is what memory holds of an object: its headers and, of a small object, its body. It may be used from several
// goroutines, and must not be changed. Who gets one releases it once.
type Resident struct {
	Meta  Meta
	Ready any // what Site.Ready made of Meta; nil without that

	bucket Bucket // where it is from

	body []byte        // of its full length; nil: only the headers are here
	held *atomic.Int64 // counts body while anybody uses the Resident; nil without body

	until atomic.Int64 // until when the bucket need not be asked, in nanoseconds of the memory's clock
	uses  atomic.Int32 // memory's own, and those of readers; at 0 it has ended

	complete atomic.Bool // all of body has arrived
	mu       sync.Mutex  // guards what follows
	arrived  int
	err      error         // why the rest will not come
	moved    chan struct{} // closed at the next arrival; nil while nobody waits
}

// newResident returns what is known of an object, with one use for the caller. body, if not nil, has its full length
// and is still to arrive; held counts it already.
func newResident(site *Site, meta *Meta, body []byte) *Resident {
	r := &Resident{Meta: *meta, bucket: site.Bucket, body: body}
	r.uses.Store(1)
	if site.Ready != nil {
		r.Ready = site.Ready(&r.Meta)
	}
	return r
}

// Body is the whole body, which must not be changed, or nil if only the headers are here. It is for Residents that
// Cache.Recall returned.
func (r *Resident) Body() []byte { return r.body }

// Release ends one use.
func (r *Resident) Release() {
	if r.uses.Add(-1) == 0 && r.held != nil {
		r.held.Add(-int64(len(r.body)))
	}
}

// acquire adds a use, unless the last one has ended.
func (r *Resident) acquire() bool {
	for {
		n := r.uses.Load()
		if n == 0 {
			return false
		}
		if r.uses.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// weight is what r takes in memory, about, in bytes.
func (r *Resident) weight(id ID) uint32 {
	const fixed = 2 << 10 // the structure, its place in the cache, and ordinary headers: 1.8 KiB measured
	n := fixed + 2*len(id.Key) + len(r.body)
	for name, value := range r.Meta.User {
		n += 2 * (len(name) + len(value))
	}
	for _, f := range r.Meta.Replay {
		n += 2 * (len(f.Name) + len(f.Value))
	}
	for _, value := range r.Meta.fixed() {
		n += 2 * len(value)
	}
	n += len(r.Meta.Origin.ETag) + len(r.Meta.Origin.Path)
	return uint32(n)
}

func (r *Resident) fresh(now time.Duration) bool { return r != nil && now < r.freshUntil() }

func (r *Resident) freshUntil() time.Duration { return time.Duration(r.until.Load()) }

func (r *Resident) renew(until time.Duration) { r.until.Store(int64(until)) }

// whole tells whether the body is here, or is arriving.
func (r *Resident) whole() bool { return r != nil && (r.body != nil || r.Meta.Size == 0) }

// describes tells whether m is what r knows of the object already. Validators alone would not tell: when metadata are
// replaced the ETag stays, and within a second Last-Modified too.
func (r *Resident) describes(m *Meta) bool { return m.Bucket.ETag != "" && r.Meta.equal(m) }

// object answers as Bucket.Open does. The caller has a use of r.
func (r *Resident) object(o ReadOptions, tier Tier) (*Object, error) {
	obj, err := r.Meta.object(o, tier)
	if err == nil && !o.HeadersOnly {
		r.uses.Add(1)
		obj.Body = &residentBody{resident: r, at: obj.Start, end: obj.Start + obj.Length}
	}
	return obj, err
}

// object is the object that m describes, without its body.
func (m *Meta) object(o ReadOptions, tier Tier) (*Object, error) {
	if o.IfMatch != "" && o.IfMatch != m.Bucket.ETag {
		return nil, ErrPrecondition
	}
	obj := &Object{Meta: *m, Length: m.Size, Tier: tier}
	if o.Range != nil {
		if obj.Start, obj.Length, obj.Partial = o.Range.Resolve(m.Size); !obj.Partial {
			return nil, &RangeError{Size: m.Size}
		}
	}
	return obj, nil
}

// fill reads the body out of from, which holds exactly that.
func (r *Resident) fill(from io.Reader) error {
	for n := 0; n < len(r.body); {
		got, err := from.Read(r.body[n:])
		if n += got; n == len(r.body) && err == io.EOF {
			err = nil
		}
		if n < len(r.body) || err == nil {
			r.advance(n)
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// advance says how many bytes there are.
func (r *Resident) advance(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.arrived = n
	r.wake()
}

// end says that all bytes are there, or why there will be no more.
func (r *Resident) end(err error) {
	r.complete.Store(err == nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
	r.wake()
}

func (r *Resident) wake() {
	if r.moved != nil {
		close(r.moved)
		r.moved = nil
	}
}

// await returns how many bytes there are once it is more than n: that is bounded by the limits of the bucket's body.
func (r *Resident) await(n int64) (int64, error) {
	for !r.complete.Load() {
		r.mu.Lock()
		arrived, err := int64(r.arrived), r.err
		if arrived > n || err != nil {
			r.mu.Unlock()
			if arrived > n {
				return arrived, nil
			}
			return 0, err
		}
		if r.moved == nil {
			r.moved = make(chan struct{})
		}
		moved := r.moved
		r.mu.Unlock()
		<-moved
	}
	return int64(len(r.body)), nil
}

// residentBody reads a part of a resident's body, which may still be arriving. It is for one goroutine.
type residentBody struct {
	resident *Resident
	at, end  int64
	closed   bool
}

func (b *residentBody) Read(p []byte) (int, error) {
	if b.at >= b.end {
		return 0, io.EOF
	}
	arrived, err := b.resident.await(b.at)
	if err != nil {
		return 0, err
	}
	n := copy(p, b.resident.body[b.at:min(arrived, b.end)])
	b.at += int64(n)
	return n, nil
}

func (b *residentBody) Close() error {
	if !b.closed {
		b.closed = true
		b.resident.Release()
	}
	return nil
}
