package writeback

import (
	"cmp"
	"slices"
)

// What comes of saving an object.
const (
	ResultSaved    = "saved"
	ResultPresent  = "present"  // the bucket had an object by somebody else, which stays
	ResultObsolete = "obsolete" // the copy that was to be replaced was deleted, or cannot be replaced in this bucket
	ResultRetried  = "retried"  // it failed, and is tried again
	ResultDead     = "dead"     // it was given up until somebody retries it
	ResultDropped  = "dropped"  // somebody dropped it
	ResultEvicted  = "evicted"  // it was dead, and dropped for want of room
	ResultDamaged  = "damaged"  // its files in the spool were
)

// Save is how often saving an object of a site came to a result since the start.
type Save struct {
	Site   string
	Result string // one of the list above
	Count  int64
	Bytes  int64 // of the objects
}

// outcome is what is counted together.
type outcome struct{ site, result string }

// count notes what came of an entry.
func (s *Spool) count(e *entry, result string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := s.outcomes[outcome{e.site, result}]
	sum.Count++
	sum.Bytes += e.size
	s.outcomes[outcome{e.site, result}] = sum
}

// counted is how often there was a result. The caller holds mu.
func (s *Spool) counted(result string) (n int) {
	for of, sum := range s.outcomes {
		if of.result == result {
			n += int(sum.Count)
		}
	}
	return n
}

// Saves returns what came of saving, by site and result.
func (s *Spool) Saves() []Save {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Save, 0, len(s.outcomes))
	for of, sum := range s.outcomes {
		sum.Site, sum.Result = of.site, of.result
		list = append(list, sum)
	}
	slices.SortFunc(list, func(a, b Save) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Result, b.Result))
	})
	return list
}
