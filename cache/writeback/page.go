package writeback

import (
	"cmp"
	"fmt"
	"slices"
)

// Page is a part of a list.
type Page struct {
	Items []Item
	Next  string // for Filter.After: where the list goes on; "" at its end
}

// List returns items from the oldest on. It goes on where the page before has ended, also when the last entry of that
// has left since. It reads a record for each item.
func (s *Spool) List(f Filter) (Page, error) {
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
