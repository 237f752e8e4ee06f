package writeback

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// maxAside is how many files of damaged entries are kept. Further ones stay where they are.
const maxAside = 2000

// bury gives an entry up for the time being: it is not tried again until somebody asks for that, and its body is served
// until then. The caller has taken it from the queue.
func (s *Spool) bury(e *entry, cause error) error {
	guard := s.guard(e.hash)
	guard.Lock()
	defer guard.Unlock()
	if !s.holds(e) {
		return nil
	}
	got, err := s.read(e, false)
	if err != nil {
		return err
	}
	r := got.record
	r.Attempts, r.Error, r.Died = e.attempts, cause.Error(), time.Now().UTC()
	if err := s.writeRecord(e, r, deadSuffix); err != nil {
		return err
	}
	if err := os.Remove(s.recordPath(e, waitingSuffix)); err != nil {
		return err // it would wait again after the next start, which is no harm
	}
	s.mu.Lock()
	e.grave = s.dead.PushBack(e)
	s.mu.Unlock()
	s.count(e, ResultDead)
	return nil
}

// revive puts a dead entry back into the queue, and tells whether it was one.
func (s *Spool) revive(e *entry) (bool, error) {
	guard := s.guard(e.hash)
	guard.Lock()
	defer guard.Unlock()
	if s.find(e.hash) != e || !s.isDead(e) {
		return false, nil
	}
	if err := os.Rename(s.recordPath(e, deadSuffix), s.recordPath(e, waitingSuffix)); err != nil {
		return false, err
	}
	s.mu.Lock()
	s.dead.Remove(e.grave)
	e.grave, e.attempts, e.lasting, e.trouble = nil, 0, 0, ""
	s.mu.Unlock()
	s.queue.push(e, time.Time{})
	return true, nil
}

// evict gives up the oldest dead entry for want of room, and tells whether there was one.
func (s *Spool) evict() bool {
	s.mu.Lock()
	oldest := s.dead.Front()
	s.mu.Unlock()
	if oldest == nil {
		return false
	}
	e := oldest.Value.(*entry)
	object, known := s.objectOf(e)
	removed, err := s.removeIf(e, func() bool { return e.grave != nil }) // it may have been revived
	if err != nil {
		s.log.Error("the files of a dead entry could not be removed", "entry", e.hash, "err", err)
	}
	if removed && known {
		s.tellLeft(object, false)
	}
	if removed {
		s.count(e, ResultEvicted)
		s.log.Warn("a dead entry was given up: spool.max_bytes or spool.max_entries is reached",
			"site", e.site, "entry", e.hash, "bytes", e.size)
	}
	return true
}

// setAside takes a damaged entry out of the queue, and moves its files to the folder dead: nobody can say any more
// whose bytes they are.
func (s *Spool) setAside(e *entry, cause error) {
	guard := s.guard(e.hash)
	guard.Lock()
	defer guard.Unlock()
	if s.find(e.hash) != e {
		return
	}
	s.count(e, ResultDamaged)
	s.log.Error("a spool entry is damaged, and set aside in the folder dead",
		"site", e.site, "entry", e.hash, "err", cause)
	for _, path := range []string{s.bodyPath(e), s.recordPath(e, waitingSuffix), s.recordPath(e, deadSuffix)} {
		s.moveAside(path)
	}
	s.forget(e)
}

// moveAside moves a file to the folder dead, if it is there.
func (s *Spool) moveAside(path string) {
	s.mu.Lock()
	full := s.aside >= maxAside
	s.mu.Unlock()
	err := errors.New("the folder dead has as many files as it may have")
	if !full {
		err = os.Rename(path, filepath.Join(s.dir, "dead", filepath.Base(path)))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		s.log.Error("a file of the spool stays where it is: it could not be set aside", "file", path, "err", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aside++
}

// writeRecord makes r the record with this ending, in one step.
func (s *Spool) writeRecord(e *entry, r record, suffix string) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	temp := filepath.Join(s.dir, "tmp", e.hash.String()+suffix)
	if err := writeFile(temp, raw, s.cfg.Fsync); err != nil {
		return errors.Join(err, os.RemoveAll(temp))
	}
	return rename(temp, s.recordPath(e, suffix))
}
