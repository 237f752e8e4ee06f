package writeback

import (
	"container/list"
	"errors"
	"fmt"
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

	// guards keep the files of an entry and the index together, each for the entries whose hash begins with one byte.
	// They are taken before mu.
	guards [256]sync.RWMutex

	mu       sync.Mutex
	used     int64 // bytes reserved by drafts and committed entries
	objects  int   // drafts and committed entries
	serial   uint64
	index    map[hash]*entry
	dead     list.List // of *entry: given up for the time being, the first to be evicted first
	aside    int       // damaged entries that are kept in the folder dead
	outcomes map[outcome]Save
	saved    tombstones
	fresh    int             // entries whose record is in memory
	early    map[uint64]bool // the serials of drafts that are saved while they arrive

	queue    *queue
	announce func(*draft, cache.Entry) *early // begins to save a draft; nil: none does
	left     func(id cache.ID, saved bool)    // of OnLeft; nil: nobody wants to know
}

var _ cache.Spool = (*Spool)(nil)

// OpenSpool takes the directory dir/spool for this process, drops what was half written, and indexes what is committed
// by the names of its files: none of them is read. What turns out to be damaged when it is read is set aside in the
// folder dead, and logged.
func OpenSpool(dir string, c SpoolConfig, log *slog.Logger) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	held, err := lock(dir)
	if err != nil {
		return nil, err
	}
	s := &Spool{
		dir: filepath.Join(dir, "spool"), cfg: c, log: log, lock: held, index: make(map[hash]*entry),
		saved: newTombstones(time.Now), early: make(map[uint64]bool), queue: newQueue(),
		outcomes: make(map[outcome]Save),
	}
	if err := s.recover(); err != nil {
		_ = held.Close()
		return nil, fmt.Errorf("recover the spool: %w", err)
	}
	return s, nil
}

// Close gives the directory back. No draft may be in use any more.
func (s *Spool) Close() error { return s.lock.Close() }

// Saved implements cache.Spool.
func (s *Spool) Saved(id cache.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saved.has(hashOf(id))
}

func (s *Spool) guard(h hash) *sync.RWMutex { return &s.guards[h[0]] }

// find returns the entry of an object, or nil.
func (s *Spool) find(h hash) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index[h]
}

// holds tells whether e is still to be saved.
func (s *Spool) holds(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index[e.hash] == e && e.grave == nil
}

func (s *Spool) isDead(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.grave != nil
}

// nextSerial never gives one twice, whatever the clock does.
func (s *Spool) nextSerial() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial = max(s.serial+1, uint64(time.Now().UnixMicro()))
	return s.serial
}

// add indexes a committed entry, and gives back what was reserved over its size. The caller holds its guard.
func (s *Spool) add(e *entry, reserved int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index[e.hash] = e
	s.used += e.size - reserved
}

// remove forgets an entry, unless another has taken its place, and removes its files. saved tells that the bucket holds
// the object.
func (s *Spool) remove(e *entry, saved bool) (removed bool, err error) {
	return s.removeIf(e, func() bool {
		if saved {
			s.saved.add(e.hash)
		}
		return true
	})
}

// removeIf does so if sure, which is called with mu held, says so too.
func (s *Spool) removeIf(e *entry, sure func() bool) (removed bool, err error) {
	guard := s.guard(e.hash)
	guard.Lock()
	defer guard.Unlock()
	s.mu.Lock()
	removed = s.index[e.hash] == e && sure()
	s.mu.Unlock()
	if !removed {
		return false, nil
	}
	err = s.unlink(e)
	s.forget(e)
	return true, err
}

// unlink removes an entry's files. The record goes first: a body without one is dropped at the next start.
func (s *Spool) unlink(e *entry) error {
	suffix := waitingSuffix
	if s.isDead(e) {
		suffix = deadSuffix
	}
	return errors.Join(os.Remove(s.recordPath(e, suffix)), os.Remove(s.bodyPath(e)))
}

// forget takes an entry whose files are gone out of the index, gives back its room, and ends its upload. The caller
// holds its guard.
func (s *Spool) forget(e *entry) {
	s.mu.Lock()
	if s.index[e.hash] == e {
		delete(s.index, e.hash)
	}
	if e.grave != nil {
		s.dead.Remove(e.grave)
	}
	s.used -= e.size
	s.objects--
	s.dropFresh(e)
	cancel := e.cancel
	s.mu.Unlock()
	s.queue.remove(e)
	if cancel != nil {
		cancel()
	}
}

// uploading notes how to end the upload of an entry, or with nil that it has ended.
func (s *Spool) uploading(e *entry, cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.cancel = cancel
}

// reserve takes room for n more bytes, and for one more object if first. For want of room dead entries are given up,
// the oldest first.
func (s *Spool) reserve(n int64, first bool) error {
	for {
		err := s.tryReserve(n, first)
		if err == nil || n > s.cfg.MaxBytes || !s.evict() {
			return err
		}
	}
}

func (s *Spool) tryReserve(n int64, first bool) error {
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
