package writeback

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// recover makes the directories, drops what was half written, and queues what is committed. It reads the names of files
// and no file: a million entries take a few seconds, and bodies none at all.
func (s *Spool) recover() error {
	if err := os.RemoveAll(filepath.Join(s.dir, "tmp")); err != nil {
		return err
	}
	for _, dir := range []string{"tmp", "dead", "pending", "uploads"} {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o700); err != nil {
			return err
		}
	}
	set, err := namesIn(filepath.Join(s.dir, "dead"))
	if err != nil {
		return err
	}
	s.aside = len(set)
	if err := s.recoverSites(filepath.Join(s.dir, "pending")); err != nil {
		return err
	}
	s.takeUp()
	return s.recoverPause()
}

// scanners is how many folders are read at one time: a start is mostly waiting for the disk.
const scanners = 8

// recoverSites looks through pending/SITE/FOLDER.
func (s *Spool) recoverSites(pending string) error {
	sites, err := namesIn(pending)
	if err != nil {
		return err
	}
	folders := make(chan folder)
	var scanning errgroup.Group
	scanning.SetLimit(scanners)
	var all sync.WaitGroup
	all.Go(func() {
		defer close(folders)
		for _, site := range sites {
			s.scanSite(site, filepath.Join(pending, site), &scanning, folders)
		}
		_ = scanning.Wait() // none fails
	})
	for f := range folders {
		s.recoverFolder(f)
	}
	all.Wait()
	return nil
}

// scanSite hands over what the folders of a site hold.
func (s *Spool) scanSite(site, path string, scanning *errgroup.Group, to chan<- folder) {
	names, err := namesIn(path)
	if err != nil || !isSite(site) {
		s.moveAside(path) // no folder of ours
		return
	}
	for _, name := range names {
		scanning.Go(func() error {
			files, err := s.scan(filepath.Join(path, name), name)
			if err != nil {
				s.moveAside(filepath.Join(path, name))
			}
			to <- folder{site, files}
			return nil
		})
	}
}

// folder is what there is in a folder of a site.
type folder struct {
	site  string
	files []file
}

// file is one of its files: the body or a record of an object.
type file struct {
	name          // of a record only the hash
	record string // the ending; "": it is a body
}

// scan reads the names in a folder, and sorts them by object.
func (s *Spool) scan(path, begin string) ([]file, error) {
	names, err := namesIn(path)
	if err != nil {
		return nil, err
	}
	files := make([]file, 0, len(names))
	for _, name := range names {
		f, ok := parseFile(name)
		if !ok || name[:2] != begin {
			s.moveAside(filepath.Join(path, name))
			continue
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b file) int { return bytes.Compare(a.hash[:], b.hash[:]) })
	return files, nil
}

func parseFile(called string) (f file, ok bool) {
	if f.name, ok = parseBodyFile(called); ok {
		return f, true
	}
	h, dead, ok := parseRecordFile(called)
	f = file{name: name{hash: h}, record: waitingSuffix}
	if dead {
		f.record = deadSuffix
	}
	return f, ok
}

// found is what a folder holds of one object.
type found struct {
	waiting, dead bool // there is such a record
	bodies        []name
}

func (s *Spool) recoverFolder(f folder) {
	var of found
	for i, file := range f.files {
		switch file.record {
		case waitingSuffix:
			of.waiting = true
		case deadSuffix:
			of.dead = true
		default:
			of.bodies = append(of.bodies, file.name)
		}
		if i+1 == len(f.files) || f.files[i+1].hash != file.hash {
			s.recoverObject(f.site, file.hash, &of)
			of = found{bodies: of.bodies[:0]}
		}
	}
}

// recoverObject indexes what there is of one object. A body without a record was not committed yet, or was being
// removed; of a record that was just being given up and one that waits, the latter counts.
func (s *Spool) recoverObject(site string, h hash, f *found) {
	suffix := waitingSuffix
	if !f.waiting {
		suffix = deadSuffix
	}
	any := &entry{name: name{hash: h}, site: site}
	if f.waiting && f.dead {
		s.drop(s.recordPath(any, deadSuffix))
	}
	bodies := f.bodies
	if f.waiting || f.dead {
		bodies = s.leftovers(any, suffix, f.bodies)
	}
	for _, n := range bodies {
		s.drop(s.bodyPath(&entry{name: n, site: site}))
	}
}

// leftovers indexes the entry that has a record, and returns the bodies that are not its own. With more than one body
// the record tells which: the process ended while one entry took the place of another.
func (s *Spool) leftovers(any *entry, suffix string, bodies []name) (others []name) {
	own := 0
	if len(bodies) > 1 {
		r, err := readRecord(s.recordPath(any, suffix))
		own = slices.IndexFunc(bodies, func(n name) bool { return err == nil && n.serial == r.Serial })
	}
	if len(bodies) == 0 || own < 0 {
		s.log.Error("a spool entry is damaged, and set aside in the folder dead", "site", any.site, "entry", any.hash)
		s.moveAside(s.recordPath(any, suffix))
		for _, n := range bodies {
			s.moveAside(s.bodyPath(&entry{name: n, site: any.site}))
		}
		return nil
	}
	e := &entry{name: bodies[own], site: any.site}
	if suffix == deadSuffix {
		e.grave = s.dead.PushBack(e)
	}
	s.index[e.hash] = e
	s.used += e.size
	s.objects++
	s.serial = max(s.serial, e.serial)
	return slices.Delete(bodies, own, own+1)
}

// drop removes a file that is of no use any more.
func (s *Spool) drop(path string) {
	if err := os.Remove(path); err != nil {
		s.log.Error("a file that the spool needs no more could not be removed", "file", path, "err", err)
	}
}

// takeUp queues what was found, and orders the dead by their age.
func (s *Spool) takeUp() {
	var dead []*entry
	waiting := make([]*entry, 0, len(s.index))
	trusted := s.sameBoot()
	for _, e := range s.index {
		if !trusted {
			e.suspect = new(suspect)
		}
		if e.grave != nil {
			dead = append(dead, e)
		} else {
			waiting = append(waiting, e)
		}
	}
	older := func(a, b *entry) int { return cmp.Compare(a.serial, b.serial) }
	slices.SortFunc(dead, older)
	slices.SortFunc(waiting, older)
	s.dead.Init()
	for _, e := range dead {
		e.grave = s.dead.PushBack(e)
	}
	for _, e := range waiting {
		s.queue.push(e, time.Time{})
	}
	if len(s.index) > 0 {
		s.log.Info("objects wait in the spool to be saved",
			"objects", len(waiting), "dead", len(dead), "bytes", s.used, "set_aside", s.aside)
	}
}

// namesIn lists a folder, in no order.
func namesIn(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}
