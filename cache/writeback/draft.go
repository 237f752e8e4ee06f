package writeback

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"mirrorgate/cache"
)

// reserveStep is how much room a body of unknown size takes at a time, in bytes.
const reserveStep = 64 << 20

// draft is a body that arrives.
type draft struct {
	spool  *Spool
	serial uint64
	file   *os.File

	size     int64 // written
	reserved int64
	full     bool         // the disk has no more room
	ring     *ring        // the window, if it is in memory; set before window is
	window   atomic.Int64 // 0: the file holds everything; else the last so many bytes
	ended    bool         // committed or discarded
	kept     bool         // the room belongs to a committed entry now
	early    *early       // saves it while it arrives; nil: nobody does
}

// Create implements cache.Spool.
func (s *Spool) Create(size int64) (cache.Draft, error) {
	room := size
	if size < 0 {
		room = min(reserveStep, s.cfg.MaxBytes)
	}
	if err := s.reserve(room, true); err != nil {
		return nil, err
	}
	d := &draft{spool: s, serial: s.nextSerial(), reserved: room}
	file, err := os.OpenFile(d.path(), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		s.free(room)
		return nil, err
	}
	d.file = file
	return d, nil
}

func (d *draft) path() string {
	return filepath.Join(d.spool.dir, "tmp", fmt.Sprintf("%016x.body", d.serial))
}

// Announce implements cache.Draft.
func (d *draft) Announce(e cache.Entry) {
	if d.spool.announce != nil {
		d.early = d.spool.announce(d, e)
	}
}

func (d *draft) Write(p []byte) (int, error) {
	if window := d.window.Load(); window > 0 {
		return d.writeWindow(p, window)
	}
	for d.size+int64(len(p)) > d.reserved {
		if err := d.spool.reserve(reserveStep, false); err != nil {
			return 0, err
		}
		d.reserved += reserveStep
	}
	n, err := d.file.WriteAt(p, d.size)
	d.size += int64(n)
	d.early.grew(d.size)
	return n, d.noRoom(err)
}

func (d *draft) ReadAt(p []byte, off int64) (int, error) {
	if window := d.window.Load(); window > 0 {
		off %= window
		return d.store().ReadAt(p[:min(int64(len(p)), window-off)], off) // the caller comes again for the rest
	}
	return d.file.ReadAt(p, off)
}

// Commit implements cache.Draft. When an entry of the same object waits already, that one is saved and this one
// dropped: writes are create-only, so the first would win in the bucket too. But a new object goes before the
// replacement of one that the bucket does not hold any more.
func (d *draft) Commit(e cache.Entry) error {
	if e.Meta.Size != d.size || d.window.Load() > 0 {
		return &cache.LengthError{Got: d.size, Want: e.Meta.Size}
	}
	committed := &entry{
		name: name{hash: hashOf(e.ID), serial: d.serial, size: d.size, replaces: e.Put.IfMatch != ""}, site: e.ID.Site,
		cancel: d.early.canceler(),
	}
	info, err := d.file.Stat()
	if err != nil {
		return fmt.Errorf("commit to the spool: %w", err)
	}
	committed.written = info.ModTime()
	added, err := d.spool.commit(d, committed, newRecord(e, d.serial))
	if err != nil {
		return fmt.Errorf("commit to the spool: %w", d.noRoom(err))
	}
	if !added {
		return nil
	}
	d.ended, d.kept = true, true
	d.spool.dropUpload(d.serial) // the entry keeps it now
	if !d.early.committed(committed) {
		d.spool.queue.push(committed, committed.due)
	}
	return nil
}

// commit makes a draft an entry, unless another goes before it.
func (s *Spool) commit(d *draft, e *entry, r record) (added bool, err error) {
	guard := s.guard(e.hash)
	guard.Lock()
	defer guard.Unlock()
	before := s.find(e.hash)
	if before != nil && !e.goesBefore(before) {
		return false, nil
	}
	if err := s.persist(d, e, r); err != nil {
		// What was renamed already must not come back at the next start. A record that was there before is its entry's.
		return false, errors.Join(err, ignoreAbsent(os.Remove(s.bodyPath(e))))
	}
	if before != nil {
		s.supersede(before)
	}
	s.add(e, d.reserved)
	return true, nil
}

// persist renames the body and then its record into pending: the record makes the entry.
func (s *Spool) persist(d *draft, e *entry, r record) error {
	if s.cfg.Fsync {
		if err := d.file.Sync(); err != nil {
			return err
		}
	}
	err := os.Rename(d.path(), s.bodyPath(e))
	if errors.Is(err, fs.ErrNotExist) { // the first of its folder
		if err = os.MkdirAll(s.folder(e), 0o700); err == nil {
			err = os.Rename(d.path(), s.bodyPath(e))
		}
	}
	if err == nil && s.cfg.Fsync {
		err = s.syncFolders(e) // the record must not be there before the body's name is
	}
	if err == nil {
		err = s.writeRecord(e, r, waitingSuffix)
	}
	if err == nil && s.cfg.Fsync {
		err = syncDir(s.folder(e))
	}
	return err
}

// syncFolders flushes the names that lead to an entry.
func (s *Spool) syncFolders(e *entry) error {
	folder := s.folder(e)
	for range 4 { // folder, site, pending, spool
		if err := syncDir(folder); err != nil {
			return err
		}
		folder = filepath.Dir(folder)
	}
	return nil
}

// supersede forgets an entry whose record has just been replaced by another's, or whose dead record is to go. An upload
// of it may be under way: it ends as it ends. The caller holds its guard.
func (s *Spool) supersede(before *entry) {
	s.drop(s.bodyPath(before))
	if s.isDead(before) {
		s.drop(s.recordPath(before, deadSuffix))
	}
	s.forget(before)
}

// Discard implements cache.Draft. Files that cannot be removed are dropped at the next start.
func (d *draft) Discard() {
	if d.ended {
		return
	}
	d.ended = true
	d.early.failed(errDiscarded)
	d.spool.dropUpload(d.serial)
	_ = os.Remove(d.path())
}

// errDiscarded is why a body that was saved while it arrived is not to be saved.
var errDiscarded = errors.New("the pull did not end as it should")

// Close implements cache.Draft. Only now is the room of a discarded body free: until here it was on the disk.
func (d *draft) Close() error {
	d.Discard()
	if !d.kept {
		d.spool.free(d.reserved)
	}
	return d.file.Close()
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func writeFile(path string, raw []byte, sync bool) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if sync && err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
