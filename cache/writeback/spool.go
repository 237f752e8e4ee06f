package writeback

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"mirrorgate/cache"
)

// Spool is a directory of bodies: those that arrive, and those that wait to be saved. It belongs to one process.
type Spool struct {
	dir  string
	cfg  SpoolConfig
	log  *slog.Logger
	lock *os.File

	mu      sync.Mutex
	used    int64 // bytes reserved by drafts and committed entries
	objects int   // drafts and committed entries
	index   map[cache.ID]*entry
	saved   tombstones

	queue *queue
}

var _ cache.Spool = (*Spool)(nil)

// entry is a committed body: what the index needs of its record.
type entry struct {
	id   cache.ID
	name string // of its two files, without their endings
	size int64

	replaces bool // it is to replace a copy that is in the bucket

	attempts int       // uploads that failed since the start
	due      time.Time // not tried before
	seq      uint64    // order of arrival
}

// OpenSpool takes the directory dir/spool for this process, drops what was half written, and indexes what is committed.
// An entry that cannot be read is set aside in dead, and logged.
func OpenSpool(dir string, c SpoolConfig, log *slog.Logger) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	held, err := lock(dir)
	if err != nil {
		return nil, err
	}
	s := &Spool{
		dir: filepath.Join(dir, "spool"), cfg: c, log: log, lock: held,
		index: make(map[cache.ID]*entry), saved: newTombstones(time.Now), queue: newQueue(),
	}
	if err := s.recover(); err != nil {
		_ = held.Close()
		return nil, fmt.Errorf("recover the spool: %w", err)
	}
	return s, nil
}

// Close gives the directory back. No draft may be in use any more.
func (s *Spool) Close() error { return s.lock.Close() }

// Waiting counts the committed objects that are not saved yet.
func (s *Spool) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.index)
}

// Saved implements cache.Spool.
func (s *Spool) Saved(id cache.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saved.has(id)
}

// Open implements cache.Spool. A replacement is not there until it is saved: whoever deleted the object that it
// replaces would see it come back.
func (s *Spool) Open(id cache.ID, o cache.ReadOptions) (*cache.Object, error) {
	s.mu.Lock()
	e, ok := s.index[id]
	s.mu.Unlock()
	if !ok || e.replaces {
		return nil, cache.ErrNotFound
	}
	obj, err := s.open(e, o)
	if errors.Is(err, fs.ErrNotExist) && s.Saved(id) {
		return nil, cache.ErrNotFound // it has just left for the bucket
	}
	return obj, err
}

func (s *Spool) open(e *entry, o cache.ReadOptions) (*cache.Object, error) {
	rec, err := readRecord(s.path(e, recordSuffix))
	if err != nil {
		return nil, err
	}
	if o.IfMatch != "" {
		return nil, cache.ErrPrecondition // what waits has no ETag of the bucket yet
	}
	obj := &cache.Object{Meta: rec.entry().Meta, Length: rec.Meta.Size, Tier: cache.TierSpool}
	if o.Range != nil {
		var ok bool
		if obj.Start, obj.Length, ok = o.Range.Resolve(obj.Meta.Size); !ok {
			return nil, &cache.RangeError{Size: obj.Meta.Size}
		}
		obj.Partial = true
	}
	if o.HeadersOnly {
		return obj, nil
	}
	f, err := os.Open(s.path(e, bodySuffix))
	if err != nil {
		return nil, err
	}
	obj.Body = newSection(f, obj.Start, obj.Length)
	return obj, nil
}

const (
	bodySuffix   = ".body"
	recordSuffix = ".json"
)

// path is where a committed entry's file is: spread over 256 directories, by the last two digits of its name.
func (s *Spool) path(e *entry, suffix string) string {
	return filepath.Join(s.dir, "pending", e.name[len(e.name)-2:], e.name+suffix)
}

// remove forgets an entry that the bucket holds, unless another has taken its place.
func (s *Spool) remove(e *entry) error {
	s.mu.Lock()
	waits := s.index[e.id] == e
	if waits {
		delete(s.index, e.id)
		s.saved.add(e.id)
	}
	s.mu.Unlock()
	if !waits {
		return nil
	}
	err := s.unlink(e)
	s.free(e.size)
	return err
}

// unlink removes an entry's files. The record goes first: a body without one is dropped at the next start.
func (s *Spool) unlink(e *entry) error {
	return errors.Join(os.Remove(s.path(e, recordSuffix)), os.Remove(s.path(e, bodySuffix)))
}

// add indexes a committed entry, and gives back what was reserved over its size. It reports false when another entry of
// the same object waits already and goes before it. before is one that this entry has taken the place of, or nil.
func (s *Spool) add(e *entry, reserved int64) (before *entry, added bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, waits := s.index[e.id]
	if waits && !e.goesBefore(before) {
		return nil, false
	}
	s.index[e.id] = e
	s.used += e.size - reserved
	return before, true
}

// goesBefore tells whether e is an object that was absent from the bucket, and other a replacement for what was there
// earlier.
func (e *entry) goesBefore(other *entry) bool { return other.replaces && !e.replaces }

// drop gives up an entry that another has taken the place of. An upload of it may be under way: it ends as it ends.
func (s *Spool) drop(e *entry) {
	if err := s.unlink(e); err != nil {
		s.log.Error("a replacement's spool files could not be removed", "entry", e.name, "err", err)
	}
	s.free(e.size)
}

// holds tells whether e is still to be saved.
func (s *Spool) holds(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index[e.id] == e
}

// reserve takes room for n more bytes, and for one more object if first.
func (s *Spool) reserve(n int64, first bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > s.cfg.MaxBytes-s.used {
		return fmt.Errorf("%w: %d of spool.max_bytes %d are taken, %d more are needed",
			cache.ErrNoRoom, s.used, s.cfg.MaxBytes, n)
	}
	if first && s.objects >= s.cfg.MaxEntries {
		return fmt.Errorf("%w: spool.max_entries %d is reached", cache.ErrNoRoom, s.cfg.MaxEntries)
	}
	s.used += n
	if first {
		s.objects++
	}
	return nil
}

// free gives back an object's room.
func (s *Spool) free(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= n
	s.objects--
}
