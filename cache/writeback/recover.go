package writeback

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// recover makes the directories, drops what was half written, and queues what is committed, oldest first in each
// directory. It reads records, never bodies.
func (s *Spool) recover() error {
	if err := os.RemoveAll(filepath.Join(s.dir, "tmp")); err != nil {
		return err
	}
	dirs := []string{"tmp", "dead"}
	for shard := range 256 {
		dirs = append(dirs, filepath.Join("pending", fmt.Sprintf("%02x", shard)))
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o700); err != nil {
			return err
		}
		if strings.HasPrefix(dir, "pending") {
			if err := s.recoverDir(filepath.Join(s.dir, dir)); err != nil {
				return err
			}
		}
	}
	if n := len(s.index); n > 0 {
		s.log.Info("objects wait in the spool to be saved", "objects", n, "bytes", s.used)
	}
	return nil
}

func (s *Spool) recoverDir(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		name, isRecord := strings.CutSuffix(f.Name(), recordSuffix)
		if isRecord {
			s.recoverEntry(dir, name)
			continue
		}
		body, isBody := strings.CutSuffix(f.Name(), bodySuffix)
		if _, err := os.Lstat(filepath.Join(dir, body+recordSuffix)); isBody && errors.Is(err, fs.ErrNotExist) {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// recoverEntry queues one entry, or sets it aside when it cannot be trusted.
func (s *Spool) recoverEntry(dir, name string) {
	e, err := s.readEntry(dir, name)
	if err == nil {
		err = s.takeUp(e)
	}
	if err != nil {
		s.log.Error("a spool entry is set aside: see the directory dead", "entry", name, "err", err)
		if err := s.setAside(dir, name); err != nil {
			s.log.Error("a spool entry stays where it is: it could not be set aside", "entry", name, "err", err)
		}
	}
}

// takeUp queues a recovered entry. Of a new object and the replacement of an older one it takes the first.
func (s *Spool) takeUp(e *entry) error {
	other, twice := s.index[e.id]
	switch {
	case twice && other.goesBefore(e):
		return s.unlink(e)
	case twice && !e.goesBefore(other):
		return errors.New("another entry holds the same object")
	}
	s.index[e.id] = e
	s.used += e.size
	s.objects++
	s.queue.push(e)
	if twice {
		s.drop(other)
	}
	return nil
}

// setAside moves an entry to dead. The record goes last: a body without one would be dropped at the next start.
func (s *Spool) setAside(dir, name string) error {
	for _, suffix := range []string{bodySuffix, recordSuffix} {
		err := os.Rename(filepath.Join(dir, name+suffix), filepath.Join(s.dir, "dead", name+suffix))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (s *Spool) readEntry(dir, name string) (*entry, error) {
	if len(name) < 2 || filepath.Base(dir) != name[len(name)-2:] {
		return nil, errors.New("the entry is not where its name belongs")
	}
	rec, err := readRecord(filepath.Join(dir, name+recordSuffix))
	if err != nil {
		return nil, err
	}
	info, err := os.Lstat(filepath.Join(dir, name+bodySuffix))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() != rec.Meta.Size {
		return nil, fmt.Errorf("the body is %s of %d bytes, its record says %d",
			info.Mode().Type(), info.Size(), rec.Meta.Size)
	}
	return &entry{id: rec.entry().ID, name: name, size: rec.Meta.Size, replaces: rec.Put.IfMatch != ""}, nil
}
