package writeback

import (
	"container/list"
	"errors"
	"os"
	"path/filepath"
	"time"

	"mirrorgate/cache"
)

// entry is a committed body: what the index needs of it. The spool's mu guards what changes.
type entry struct {
	name
	site    string
	suspect *suspect // its body is to be checked before it is used; nil: it is trusted

	// written is when its body was last written to, by this process, in nanoseconds; 0: another has done it.
	written int64
	// fresh is its record, as this process has written it; nil: it is read. The spool's mu guards it.
	fresh *record

	grave    *list.Element // its place among the dead; nil: it waits to be saved
	attempts int           // uploads that failed since the start, or since it was retried
	lasting  int           // how many of them in a row failed in a way that lasts
	trouble  string        // why the last one did
	cancel   func()        // ends its upload; nil: none is under way

	due    time.Time // not tried before; the queue's
	queued bool      // it is in the queue's heap, and not taken; the queue's
}

// goesBefore tells whether e takes the place of other: an object that was absent from the bucket that of a replacement
// for what was there earlier, and anything that of what was given up.
func (e *entry) goesBefore(other *entry) bool {
	return other.grave != nil || other.replaces && !e.replaces
}

// folder is where the files of an entry are: spread over up to 256 folders of each site.
func (s *Spool) folder(e *entry) string {
	return filepath.Join(s.dir, "pending", e.site, e.hash.String()[:2])
}

func (s *Spool) bodyPath(e *entry) string { return filepath.Join(s.folder(e), e.bodyFile()) }

func (s *Spool) recordPath(e *entry, suffix string) string {
	return filepath.Join(s.folder(e), e.hash.String()+suffix)
}

// stored is an entry with its files opened.
type stored struct {
	record record
	body   *os.File // nil when it was not asked for
	known  bool     // nobody has written to the body since its MD5 was made
}

// read reads an entry's record, and opens its body if that is wanted. Damage is errDamaged. The caller holds the
// entry's guard.
func (s *Spool) read(e *entry, body bool) (*stored, error) {
	suffix := waitingSuffix
	if s.isDead(e) {
		suffix = deadSuffix
	}
	r, err := readRecord(s.recordPath(e, suffix))
	if err == nil {
		err = r.fits(e)
	}
	if err != nil || !body {
		return &stored{record: r}, err
	}
	return s.openBody(e, r)
}

// openBody opens an entry's body.
func (s *Spool) openBody(e *entry, r record) (*stored, error) {
	f, err := openFile(s.bodyPath(e))
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil || info.Size() != e.size {
		return nil, errors.Join(damaged("the body has another size than %d bytes", e.size), err, f.Close())
	}
	known := info.ModTime().UnixNano() == e.written
	return &stored{record: r, body: f, known: known}, nil
}

// take reads an entry that is still to be saved, and opens its body. nil: it is not there any more, or was damaged and
// is set aside.
func (s *Spool) take(e *entry) (*stored, error) {
	guard := s.guard(e.hash)
	guard.RLock()
	if !s.holds(e) {
		guard.RUnlock()
		return nil, nil
	}
	got, err := s.readFresh(e)
	guard.RUnlock()
	if got, err = s.checked(e, got, err); errors.Is(err, errDamaged) {
		return nil, nil
	}
	return got, err
}

// maxFresh is how many records are kept in memory, at most, until their entries are taken: when saving keeps up with
// the pulls none is read again.
const maxFresh = 1000

// keepFresh does so, once r is on the disk.
func (s *Spool) keepFresh(e *entry, r record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fresh < maxFresh {
		e.fresh = &r
		s.fresh++
	}
}

// dropFresh gives the record back that was kept. The caller holds mu.
func (s *Spool) dropFresh(e *entry) *record {
	r := e.fresh
	if r != nil {
		e.fresh = nil
		s.fresh--
	}
	return r
}

// readFresh reads an entry with its body, without its record's file if that is still in memory. The caller holds the
// entry's guard.
func (s *Spool) readFresh(e *entry) (*stored, error) {
	s.mu.Lock()
	r := s.dropFresh(e)
	s.mu.Unlock()
	if r == nil {
		return s.read(e, true)
	}
	return s.openBody(e, *r)
}

// checked finishes the reading of an entry, without its guard. What is damaged is set aside.
func (s *Spool) checked(e *entry, got *stored, err error) (*stored, error) {
	if err == nil && got.body != nil {
		if err = e.check(got); err != nil {
			err = errors.Join(err, got.body.Close())
		}
	}
	if errors.Is(err, errDamaged) {
		s.setAside(e, err)
	}
	if err != nil {
		return nil, err
	}
	return got, nil
}

// Open implements cache.Spool. A replacement is not there until it is saved: whoever deleted the object that it
// replaces would see it come back. A dead entry is served as any other.
func (s *Spool) Open(id cache.ID, o cache.ReadOptions) (*cache.Object, error) {
	h := hashOf(id)
	guard := s.guard(h)
	guard.RLock()
	e := s.find(h)
	if e == nil || e.replaces {
		guard.RUnlock()
		return nil, cache.ErrNotFound
	}
	got, err := s.read(e, !o.HeadersOnly || e.suspect != nil)
	guard.RUnlock()
	if got, err = s.checked(e, got, err); errors.Is(err, errDamaged) {
		return nil, cache.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return got.object(o)
}

// object makes an entry the answer to a read.
func (g *stored) object(o cache.ReadOptions) (*cache.Object, error) {
	obj := &cache.Object{Meta: g.record.Meta.Meta(), Length: g.record.Meta.Size, Tier: cache.TierSpool}
	err := narrow(obj, o)
	if g.body != nil && (err != nil || o.HeadersOnly) {
		err = errors.Join(err, g.body.Close())
	}
	if err != nil {
		return nil, err
	}
	if o.HeadersOnly {
		return obj, nil
	}
	obj.Body = newSection(g.body, obj.Start, obj.Length)
	return obj, nil
}

func narrow(obj *cache.Object, o cache.ReadOptions) error {
	if o.IfMatch != "" {
		return cache.ErrPrecondition // what waits has no ETag of the bucket yet
	}
	if o.Range == nil {
		return nil
	}
	var ok bool
	if obj.Start, obj.Length, ok = o.Range.Resolve(obj.Meta.Size); !ok {
		return &cache.RangeError{Size: obj.Meta.Size}
	}
	obj.Partial = true
	return nil
}
