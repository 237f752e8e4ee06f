package cache_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"sync"
	"testing"
	"testing/synctest"

	"mirrorgate/cache"
	"mirrorgate/cache/writeback"
)

var (
	errDisk   = errors.New("input/output error")
	errOrigin = errors.New("the origin is broken")
)

// bucket holds objects in memory.
type bucket struct {
	mu      sync.Mutex
	objects map[string]stored
	err     error // of every call
	opens   int
}

type stored struct {
	data string
	meta cache.Stored
}

var _ cache.Bucket = (*bucket)(nil)

func (b *bucket) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *bucket) opened() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.opens
}

func (b *bucket) put(key, data string, meta *cache.Meta) {
	s := cache.Stored{}
	if meta != nil {
		s, _ = cache.EncodeMeta(*meta)
	}
	sum := md5.Sum([]byte(data))
	s.Size, s.ETag = int64(len(data)), `"`+hex.EncodeToString(sum[:])+`"`
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[key] = stored{data, s}
}

// remove deletes an object, as an application does.
func (b *bucket) remove(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.objects, key)
}

func (b *bucket) etag(key string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.objects[key].meta.ETag
}

func (b *bucket) Open(_ context.Context, key string, o cache.ReadOptions) (*cache.Object, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opens++
	if b.err != nil {
		return nil, b.err
	}
	s, ok := b.objects[key]
	if !ok {
		return nil, cache.ErrNotFound
	}
	return open(s.data, s.meta.Meta(), cache.TierBucket, o)
}

func (b *bucket) Put(_ context.Context, key string, body io.ReaderAt, meta cache.Meta, o cache.PutOptions) error {
	data, err := io.ReadAll(io.NewSectionReader(body, 0, meta.Size))
	if err != nil {
		return err
	}
	b.mu.Lock()
	there, exists := b.objects[key]
	b.mu.Unlock()
	switch {
	case !exists && o.IfMatch != "":
		return cache.ErrNotFound
	case exists && o.IfMatch != there.meta.ETag:
		return cache.ErrPrecondition
	}
	b.put(key, string(data), &meta)
	return nil
}

func open(data string, meta cache.Meta, tier cache.Tier, o cache.ReadOptions) (*cache.Object, error) {
	obj := &cache.Object{Meta: meta, Length: meta.Size, Tier: tier}
	if o.IfMatch != "" && o.IfMatch != meta.Bucket.ETag {
		return nil, cache.ErrPrecondition
	}
	if o.Range != nil {
		if obj.Start, obj.Length, obj.Partial = o.Range.Resolve(meta.Size); !obj.Partial {
			return nil, &cache.RangeError{Size: meta.Size}
		}
	}
	if !o.HeadersOnly {
		obj.Body = io.NopCloser(io.NewSectionReader(bytes.NewReader([]byte(data)), obj.Start, obj.Length))
	}
	return obj, nil
}

// room is what both spools of the tests hold, in bytes: a body of unknown size takes 64 MiB of it at a time.
const room = 200 << 20

// keeper is a spool without faults: one in memory, or the real one.
type keeper interface {
	cache.Spool
	// save moves all that is committed into the bucket, as the write-back does.
	save(b *bucket)
	// check fails the test when something is left besides these entries.
	check(entries int)
}

// memory is a spool in memory.
type memory struct {
	t *testing.T

	mu     sync.Mutex
	used   int
	index  map[cache.ID]*memoryDraft
	drafts int // not closed
	saved  map[cache.ID]bool
}

func newMemory(t *testing.T) *memory {
	return &memory{t: t, index: map[cache.ID]*memoryDraft{}, saved: map[cache.ID]bool{}}
}

func (m *memory) take(n int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n > room-m.used {
		return cache.ErrNoRoom
	}
	m.used += n
	return nil
}

func (m *memory) Create(size int64) (cache.Draft, error) {
	d := &memoryDraft{spool: m, reserved: max(0, int(size))}
	if err := m.take(d.reserved); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drafts++
	return d, nil
}

func (m *memory) Open(id cache.ID, o cache.ReadOptions) (*cache.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.index[id]
	if !ok || d.entry.Put.IfMatch != "" {
		return nil, cache.ErrNotFound
	}
	return open(string(d.data), d.entry.Meta, cache.TierSpool, o)
}

func (m *memory) Saved(id cache.ID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.saved[id]
}

func (m *memory) save(b *bucket) {
	m.mu.Lock()
	index := maps.Clone(m.index)
	m.mu.Unlock()
	for id, d := range index {
		_ = b.Put(m.t.Context(), id.Key, bytes.NewReader(d.data), d.entry.Meta, d.entry.Put) // what is refused is dropped
		m.mu.Lock()
		delete(m.index, id)
		m.saved[id] = true
		m.used -= len(d.data)
		m.mu.Unlock()
	}
}

func (m *memory) check(entries int) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	bytes := 0
	for _, d := range m.index {
		bytes += len(d.data)
	}
	if m.drafts != 0 || len(m.index) != entries || m.used != bytes {
		m.t.Errorf("%d drafts are not closed, %d entries, want %d; %d bytes are taken, want %d",
			m.drafts, len(m.index), entries, m.used, bytes)
	}
}

type memoryDraft struct {
	spool    *memory
	reserved int
	entry    cache.Entry

	mu                  sync.RWMutex
	data                []byte
	kept, ended, closed bool
}

func (d *memoryDraft) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if need := len(d.data) + len(p) - d.reserved; need > 0 {
		if err := d.spool.take(need); err != nil {
			return 0, err
		}
		d.reserved += need
	}
	d.data = append(d.data, p...)
	return len(p), nil
}

// Wrap has no window: what does not fit ends the pull.
func (d *memoryDraft) Wrap() int64 { return 0 }

func (d *memoryDraft) Announce(cache.Entry) {}

func (d *memoryDraft) ReadAt(p []byte, off int64) (int, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return 0, os.ErrClosed
	}
	return bytes.NewReader(d.data).ReadAt(p, off)
}

func (d *memoryDraft) Commit(e cache.Entry) error {
	d.spool.mu.Lock()
	defer d.spool.mu.Unlock()
	other, waits := d.spool.index[e.ID]
	if waits && (other.entry.Put.IfMatch == "" || e.Put.IfMatch != "") {
		return nil
	}
	if waits {
		d.spool.used -= len(other.data)
	}
	d.entry, d.kept = e, true
	d.spool.index[e.ID] = d
	return nil
}

func (d *memoryDraft) Discard() { d.ended = true }

func (d *memoryDraft) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spool.mu.Lock()
	defer d.spool.mu.Unlock()
	if d.closed || !d.ended {
		d.spool.t.Error("a draft is closed twice, or before its end")
	}
	d.closed = true
	d.spool.drafts--
	if !d.kept {
		d.spool.used -= d.reserved
	}
	return nil
}

// disk is the real spool.
type disk struct {
	*writeback.Spool
	t   *testing.T
	dir string
}

func newDisk(t *testing.T, dir string) *disk {
	s, err := writeback.OpenSpool(dir, writeback.SpoolConfig{MaxBytes: room, MaxEntries: 1000}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return &disk{s, t, dir}
}

func (d *disk) save(b *bucket) {
	w := writeback.New(writeback.DefaultConfig(), d.Spool, func(string) (cache.Bucket, bool) { return b, true },
		func(cache.ID) {}, quiet())
	ctx, stop := context.WithCancel(d.t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = w.Run(ctx) })
	synctest.Wait()
	stop()
	running.Wait()
}

func (d *disk) check(entries int) {
	d.t.Helper()
	defer d.Close()
	if d.Waiting() != entries {
		d.t.Errorf("%d entries wait, want %d", d.Waiting(), entries)
	}
	arriving, bodies, bytes := spoolFiles(d.t, d.dir)
	if arriving != 0 || bodies != entries {
		d.t.Errorf("%d files of drafts and %d bodies are left, want 0 and %d", arriving, bodies, entries)
	}
	rest, err := d.Create(room - bytes)
	if err != nil {
		d.t.Errorf("room is lost: %v", err)
		return
	}
	defer rest.Close()
	if more, err := d.Create(1); err == nil {
		d.t.Error("there is more room than there should be")
		more.Close()
	}
}
