package writeback

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Page is a part of a list.
type Page struct {
	Items []Item
	Next  string // for Filter.After: where the list goes on; "" at its end
}

// ListPage lists as List does, but goes on where the page before has ended, also when its last entry has left since:
// f.After is an item's ID, or the Next of that page; f.Limit is at least 1.
func (s *Spool) ListPage(f Filter) (Page, error) {
	f.Limit = max(f.Limit, 1)
	after, err := s.position(f.After)
	if err != nil {
		return Page{}, err
	}
	found := s.oldest(f, after)
	last := min(len(found), f.Limit)
	p := Page{Items: make([]Item, 0, last)}
	for _, e := range found[:last] {
		if item, ok := s.item(e); ok {
			p.Items = append(p.Items, item)
		}
	}
	if len(found) > f.Limit {
		p.Next = uploadFile(found[last-1].name)
	}
	return p, nil
}

// position finds the serial behind which a list goes on.
func (s *Spool) position(after string) (serial uint64, err error) {
	if n, ok := parseUploadFile(after); ok || after == "" {
		return n.serial, nil
	}
	e, err := s.byID(after)
	if err != nil {
		return 0, fmt.Errorf("%w, after which the list is to go on", err)
	}
	return e.serial, nil
}

// oldest returns the first entries behind a serial in their order, one more than are asked for if there are. It looks
// at each entry once, and keeps few, however many there are.
func (s *Spool) oldest(f Filter, after uint64) []*entry {
	keep := f.Limit + 1
	var found []*entry
	narrow := func() {
		slices.SortFunc(found, func(a, b *entry) int { return cmp.Compare(a.serial, b.serial) })
		found = found[:min(len(found), keep)]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.index {
		if e.serial <= after || f.Site != "" && e.site != f.Site || f.Dead && e.grave == nil {
			continue
		}
		if found = append(found, e); len(found) > 2*keep {
			narrow()
		}
	}
	narrow()
	return found
}

// Holder tells which process has the directory dir, as OpenSpool takes it; "": none has. It changes nothing.
func Holder(dir string) (process string, err error) {
	f, err := os.Open(filepath.Join(dir, "lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close() // and with it what lock is taken here
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		return "", err
	}
	holder, err := io.ReadAll(io.LimitReader(f, 20))
	return strings.TrimSpace(string(holder)), err
}

// Remembered returns the ids of the uploads in parts that the spool of the directory dir knows of, and will complete or
// give up by itself. It only reads, and may be called while a process has the directory. Where no spool has ever been
// nobody can tell what it knows: that is an error.
func Remembered(dir string) (ids map[string]bool, err error) {
	folder := filepath.Join(dir, "spool", "uploads")
	files, err := namesIn(folder)
	if err != nil {
		return nil, err
	}
	ids = make(map[string]bool)
	for _, file := range files {
		begun, _, _, err := readCheckpoint(filepath.Join(folder, file))
		switch {
		case err == nil:
			ids[begun.ID] = true
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errDamaged): // it may have ended meanwhile
			return nil, err
		}
	}
	return ids, nil
}
