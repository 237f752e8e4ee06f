package writeback

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"mirrorgate/cache"
)

// reserveStep is how much room a body of unknown size takes at a time, in bytes.
const reserveStep = 64 << 20

// draft is a body that arrives.
type draft struct {
	spool *Spool
	name  string
	file  *os.File

	size     int64 // written
	reserved int64
	full     bool         // the disk has no more room
	ring     *ring        // the window, if it is in memory; set before window is
	window   atomic.Int64 // 0: the file holds everything; else the last so many bytes
	ended    bool         // committed or discarded
	kept     bool         // the room belongs to a committed entry now
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
	d := &draft{spool: s, name: newName(), reserved: room}
	file, err := os.OpenFile(d.path(bodySuffix), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		s.free(room)
		return nil, err
	}
	d.file = file
	return d, nil
}

// newName is unique, and sorts by the time it was made: recovery takes up entries in the order they came.
func newName() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return fmt.Sprintf("%015x-%s", time.Now().UnixMicro(), hex.EncodeToString(random[:]))
}

func (d *draft) path(suffix string) string { return filepath.Join(d.spool.dir, "tmp", d.name+suffix) }

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
	committed := &entry{id: e.ID, name: d.name, size: d.size, replaces: e.Put.IfMatch != ""}
	if err := d.persist(newRecord(e), committed); err != nil {
		_ = d.spool.unlink(committed) // what was renamed already must not come back at the next start
		return fmt.Errorf("commit to the spool: %w", d.noRoom(err))
	}
	before, added := d.spool.add(committed, d.reserved)
	if !added {
		return d.spool.unlink(committed)
	}
	if before != nil {
		d.spool.drop(before)
	}
	d.ended, d.kept = true, true
	d.spool.queue.push(committed)
	return nil
}

// persist renames the body and then its record into pending: the record makes the entry.
func (d *draft) persist(r record, e *entry) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := writeFile(d.path(recordSuffix), raw, d.spool.cfg.Fsync); err != nil {
		return err
	}
	if d.spool.cfg.Fsync {
		if err := d.file.Sync(); err != nil {
			return err
		}
	}
	for _, suffix := range []string{bodySuffix, recordSuffix} {
		if err := os.Rename(d.path(suffix), d.spool.path(e, suffix)); err != nil {
			return err
		}
	}
	if d.spool.cfg.Fsync {
		return syncDir(filepath.Dir(d.spool.path(e, recordSuffix)))
	}
	return nil
}

// Discard implements cache.Draft. Files that cannot be removed are dropped at the next start.
func (d *draft) Discard() {
	if d.ended {
		return
	}
	d.ended = true
	_ = os.Remove(d.path(bodySuffix))
	_ = os.Remove(d.path(recordSuffix))
}

// Close implements cache.Draft. Only now is the room of a discarded body free: until here it was on the disk.
func (d *draft) Close() error {
	d.Discard()
	if !d.kept {
		d.spool.free(d.reserved)
	}
	return d.file.Close()
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
