package writeback

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"mirrorgate/cache"
)

// reserveStep is how much room a body of unknown size takes at a time, in bytes.
const reserveStep = 64 << 20

// lateFile is how large a draft may be, in bytes, whose file is made with its first byte only. Small bodies are written
// when their end is proven, so what fails before that costs no file.
const lateFile = 64 << 10

// draft is a body that arrives.
type draft struct {
	spool  *Spool
	serial uint64
	file   *os.File // nil: nothing is written yet
	place  string   // the file's path

	announced bool // it is made where its entry belongs

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
	d.place = filepath.Join(s.dir, "tmp", fmt.Sprintf("%016x.body", d.serial))
	if size < 0 || size > lateFile {
		if err := d.open(); err != nil {
			s.free(room)
			return nil, err
		}
	}
	return d, nil
}

// open makes the file, if it is not there.
func (d *draft) open() (err error) {
	if d.file != nil {
		return nil
	}
	d.file, err = createFile(d.place, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) && d.announced { // the first of its folder
		if err = os.MkdirAll(filepath.Dir(d.place), 0o700); err == nil {
			d.file, err = createFile(d.place, os.O_RDWR)
		}
	}
	return err
}

// reopen opens the file once more, for who reads it for as long as it likes.
func (d *draft) reopen() (*os.File, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	return os.Open(d.place)
}

// Announce implements cache.Draft. A file that is yet to be made is made where the entry's body belongs: until there is
// a record beside it, it is none.
func (d *draft) Announce(e cache.Entry) {
	if d.file == nil {
		d.place, d.announced = d.spool.bodyPath(d.entry(e)), true
	}
	if d.spool.announce != nil {
		d.early = d.spool.announce(d, e)
	}
}

func (d *draft) Write(p []byte) (int, error) {
	if window := d.window.Load(); window > 0 {
		return d.writeWindow(p, window)
	}
	if err := d.open(); err != nil {
		return 0, fmt.Errorf("%w: %w", cache.ErrNoRoom, err) // as if Create had failed: it is not kept
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
	if d.file == nil {
		return 0, io.EOF
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
	committed := d.entry(e)
	committed.cancel = d.early.canceler()
	if err := d.finish(committed); err != nil {
		return fmt.Errorf("commit to the spool: %w", d.noRoom(err))
	}
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

// entry is what the draft becomes.
func (d *draft) entry(e cache.Entry) *entry {
	return &entry{
		name: name{hash: hashOf(e.ID), serial: d.serial, size: e.Meta.Size, replaces: e.Put.IfMatch != ""},
		site: e.ID.Site,
	}
}

// finish notes when the draft was last written to; of an empty one the file is made only now.
func (d *draft) finish(e *entry) error {
	if err := d.open(); err != nil {
		return err
	}
	info, err := d.file.Stat()
	if err == nil {
		e.written = info.ModTime().UnixNano()
	}
	return err
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
	s.keepFresh(e, r)
	return true, nil
}

// persist renames the body and then its record into pending: the record makes the entry.
func (s *Spool) persist(d *draft, e *entry, r record) error {
	if s.cfg.Fsync {
		if err := d.file.Sync(); err != nil {
			return err
		}
	}
	err := s.settle(d, s.bodyPath(e))
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

// settle renames the body to its place in pending, unless it was made there.
func (s *Spool) settle(d *draft, to string) error {
	if d.place == to {
		return nil
	}
	err := rename(d.place, to)
	if errors.Is(err, fs.ErrNotExist) { // the first of its folder
		if err = os.MkdirAll(filepath.Dir(to), 0o700); err == nil {
			err = rename(d.place, to)
		}
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
	if d.file != nil {
		_ = os.Remove(d.place)
	}
}

// errDiscarded is why a body that was saved while it arrived is not to be saved.
var errDiscarded = errors.New("the pull did not end as it should")

// Close implements cache.Draft. Only now is the room of a discarded body free: until here it was on the disk.
func (d *draft) Close() error {
	d.Discard()
	if !d.kept {
		d.spool.free(d.reserved)
	}
	if d.file == nil {
		return nil
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
	f, err := createFile(path, os.O_WRONLY)
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
