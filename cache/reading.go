package cache

import (
	"context"
	"io"
)

// reading is one request to a bucket, whose answer is for all who ask for the same meanwhile.
type reading struct {
	key      readingKey
	bucket   Bucket
	asked    asked
	settled  chan struct{} // closed when the fields below are set
	meta     *Meta
	resident *Resident // the body, perhaps still arriving; nil: each asks on its own
	err      error
}

type readingKey struct {
	ID
	headers bool
}

// join returns the reading of key that is under way, or a new one, whose answer the caller brings. One that began too
// long ago, or at a bucket that the site had before, is left to those who have joined it.
func (m *memory) join(site *Site, key readingKey) (r *reading, first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.readings[key]; ok && r.bucket == site.Bucket && m.clock() < r.asked.at+m.cfg.TTL {
		return r, false
	}
	r = &reading{key: key, bucket: site.Bucket, asked: m.askLocked(key.ID), settled: make(chan struct{})}
	m.readings[key] = r
	return r, true
}

// leave ends a reading: the next who asks finds what was kept, or begins another.
func (m *memory) leave(r *reading) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answeredLocked(r.asked)
	if m.readings[r.key] == r {
		delete(m.readings, r.key)
	}
}

// failed ends a reading that brought nothing. What the bucket does not have any more is dropped.
func (m *memory) failed(r *reading, err error) {
	m.lost(r.key.ID, err)
	m.leave(r)
	r.err = err
	close(r.settled)
}

// headers asks the bucket for an object's headers, and keeps them: with the body that is known, if it is still that
// object's.
func (m *memory) headers(ctx context.Context, site *Site, id ID, known *Resident) (*Meta, error) {
	r, first := m.join(site, readingKey{ID: id, headers: true})
	if !first {
		<-r.settled // bounded: by the limits of the bucket's timeouts
		return r.meta, r.err
	}
	if kept := m.recall(site, id, true); kept != nil { // another reading has ended between the look into memory and join
		defer kept.Release()
		r.meta = &kept.Meta // which stays readable when it is released
		close(r.settled)
		m.leave(r)
		return r.meta, nil
	}
	if known.whole() {
		m.checks.Add(1)
	}
	obj, err := site.Bucket.Open(ctx, id.Key, ReadOptions{HeadersOnly: true})
	if err != nil {
		m.failed(r, err)
		return nil, err
	}
	if known.whole() && known.describes(&obj.Meta) {
		known.uses.Add(1)
		m.keep(known, r.asked)
	} else {
		m.keep(newResident(site, &obj.Meta, nil), r.asked)
	}
	r.meta = &obj.Meta
	close(r.settled)
	m.leave(r)
	return r.meta, nil
}

// body answers with a body that may be kept: of an object that is small, or of which nothing is known.
func (m *memory) body(ctx context.Context, site *Site, id ID, o ReadOptions) (*Object, error) {
	r, first := m.join(site, readingKey{ID: id})
	if first {
		return m.read(ctx, site, r, o)
	}
	<-r.settled // bounded: by the limits of the bucket's timeouts
	switch {
	case r.err != nil:
		return nil, r.err
	case r.resident == nil || o.IfMatch != "" && o.IfMatch != r.resident.Meta.Bucket.ETag || !r.resident.acquire():
		return m.pass(ctx, site, id, o, nil)
	}
	defer r.resident.Release()
	return r.resident.object(o, TierBucket)
}

// read is the request of the first who asks for a body. Those who wait get it while it arrives; if it is too large to
// keep, or there is no room, each asks on its own.
func (m *memory) read(ctx context.Context, site *Site, r *reading, o ReadOptions) (*Object, error) {
	id := r.key.ID
	if kept := m.recall(site, id, false); kept != nil { // another reading has ended between the look into memory and join
		defer kept.Release()
		close(r.settled)
		m.leave(r)
		return kept.object(o, TierMemory)
	}
	obj, err := site.Bucket.Open(ctx, id.Key, ReadOptions{})
	if err != nil {
		m.failed(r, err)
		return nil, err
	}
	if obj.Length > m.cfg.MaxObject || !m.reserve(obj.Length) {
		m.keep(newResident(site, &obj.Meta, nil), r.asked)
		close(r.settled)
		m.leave(r)
		if o == (ReadOptions{}) {
			return obj, nil
		}
		_ = obj.Body.Close() // a part is asked for, or one version: by a request of its own
		return site.Bucket.Open(ctx, id.Key, o)
	}
	r.resident = newResident(site, &obj.Meta, make([]byte, obj.Length))
	r.resident.held = &m.held
	first, err := r.resident.object(o, TierBucket)
	close(r.settled)
	if arrivesAtOnce(obj.Body, obj.Length) {
		m.arrive(r, obj.Body)
	} else {
		// Nobody waits for it: the bucket's limits bound it, its readers are waited for where they are answered, and at
		// the end of the process there is nothing of it to keep.
		go m.arrive(r, obj.Body)
	}
	return first, err
}

// arrivesAtOnce tells whether reading a body does not wait for a network.
func arrivesAtOnce(body io.ReadCloser, length int64) bool {
	switch b := body.(type) {
	case FileBody:
		return true
	case SocketBody:
		return int64(b.Buffered()) >= length
	default:
		return length == 0
	}
}

// arrive reads the body of a reading, and keeps it when all has come. When it is cut, the reading ends before those who
// have joined it learn that: whoever asks again does not join it again.
func (m *memory) arrive(r *reading, from io.ReadCloser) {
	err := r.resident.fill(from)
	if err == nil {
		r.resident.uses.Add(1)
		m.keep(r.resident, r.asked)
	}
	m.leave(r)
	r.resident.end(err)
	_ = from.Close()
	r.resident.Release()
}
