package writeback

import (
	"cmp"
	"slices"

	"mirrorgate/cache"
)

// OnLeft has f told of each object that leaves the spool for good, once: saved, because its bucket has it now, by this
// write or by somebody else's; or not saved, because a person dropped it, the copy that it was to replace is gone, or
// it was given up for want of room. Then nobody waits for it to be saved any more, here or elsewhere: whoever asks for
// it has it pulled anew. An entry whose place another of the same object has taken has not left, nor has one that is
// set aside as damaged. f must not block, and may be called from several goroutines. OnLeft comes before all other use.
func (s *Spool) OnLeft(f func(id cache.ID, saved bool)) { s.left = f }

// tellLeft does so.
func (s *Spool) tellLeft(id cache.ID, saved bool) {
	if s.left != nil {
		s.left(id, saved)
	}
}

// objectOf tells of which object an entry is, unless its record cannot be read.
func (s *Spool) objectOf(e *entry) (id cache.ID, ok bool) {
	guard := s.guard(e.hash)
	guard.RLock()
	defer guard.RUnlock()
	if s.find(e.hash) != e {
		return id, false
	}
	got, err := s.read(e, false)
	if err != nil {
		return id, false
	}
	return got.record.id(), true
}

// Has tells whether an object waits in the spool, or is dead there.
func (s *Spool) Has(id cache.ID) bool { return s.find(hashOf(id)) != nil }

// Each calls yield for what is in the spool, from the oldest on, until it returns false. It reads a record for each,
// and holds up nothing. What comes or goes meanwhile may be among it or not.
func (s *Spool) Each(yield func(cache.ID) bool) {
	s.mu.Lock()
	all := make([]*entry, 0, len(s.index))
	for _, e := range s.index {
		all = append(all, e)
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b *entry) int { return cmp.Compare(a.serial, b.serial) })
	for _, e := range all {
		if id, ok := s.objectOf(e); ok && !yield(id) {
			return
		}
	}
}
