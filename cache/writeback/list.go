package writeback

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// The states of an Item.
const (
	StateWaiting   = "waiting"   // its turn has not come
	StateUploading = "uploading" // on its way into the bucket
	StateRetrying  = "retrying"  // an upload failed; it is tried again at Next
	StateDead      = "dead"      // given up until somebody retries it
)

// Who has stopped saving for the time being.
const (
	PausedByFile = "file" // the configuration (Config.Paused)
	PausedByAPI  = "api"  // somebody, over the API or with mirrorgate queue pause
)

// Item is an entry as those who run the gateway see it.
type Item struct {
	ID       string    `json:"id"`
	Site     string    `json:"site"`
	Key      string    `json:"key"`
	Bytes    int64     `json:"bytes"`
	Sent     int64     `json:"sent,omitempty"` // of them, in parts that the bucket has confirmed
	State    string    `json:"state"`
	Replaces bool      `json:"replaces,omitempty"` // a copy that is in the bucket
	Rule     string    `json:"rule,omitempty"`
	Pulled   time.Time `json:"pulled"`
	Attempts int       `json:"attempts"`          // that failed, since the start or the last retry
	Error    string    `json:"error,omitempty"`   // of the last one
	Next     time.Time `json:"next,omitzero"`     // when it is tried again
	Died     time.Time `json:"died,omitzero"`     // when it was given up
	Damaged  string    `json:"damaged,omitempty"` // why its record cannot be read; nothing else is known then
}

// Summary is what the spool holds altogether.
type Summary struct {
	Waiting int       `json:"waiting"` // objects to be saved, those being uploaded too
	Dead    int       `json:"dead"`    // objects that were given up until somebody retries them
	Bytes   int64     `json:"bytes"`   // of all of them, and of pulls under way
	Objects int       `json:"objects"` // as many, with pulls under way
	Oldest  time.Time `json:"oldest,omitzero"`
	// OldestWaiting is that of those to be saved.
	OldestWaiting time.Time `json:"oldest_waiting,omitzero"`

	Aside  int  `json:"set_aside"` // damaged files in the folder dead
	Paused bool `json:"paused"`

	PausedBy []string `json:"paused_by,omitempty"` // PausedByFile, PausedByAPI

	// Since the start:
	Saved   int `json:"saved"`   // objects written to their buckets
	Newer   int `json:"newer"`   // not written: the bucket had an object by somebody else, which stays
	Evicted int `json:"evicted"` // dead objects that were dropped for want of room
}

// Filter narrows a list.
type Filter struct {
	Site  string // "": all sites
	Dead  bool   // only the dead
	After string // the ID of an item, or the Next of the page before; "": from the oldest on
	Limit int    // items at most; at least 1
}

// Summary counts.
func (s *Spool) Summary() Summary {
	s.mu.Lock()
	dead := s.dead.Len()
	sum := Summary{Waiting: len(s.index) - dead, Dead: dead, Bytes: s.used, Objects: s.objects, Aside: s.aside}
	sum.Saved, sum.Newer, sum.Evicted = s.counted(ResultSaved), s.counted(ResultPresent), s.counted(ResultEvicted)
	oldest, waiting := s.ages()
	s.mu.Unlock()
	sum.Oldest, sum.OldestWaiting = pulledAt(oldest), pulledAt(waiting)
	sum.PausedBy = s.queue.pausedBy().names()
	sum.Paused = len(sum.PausedBy) > 0
	return sum
}

// Waiting counts the committed objects that are not saved yet, and not given up.
func (s *Spool) Waiting() int { return s.Summary().Waiting }

// ages returns the serials of the oldest entry, and of the oldest that waits to be saved; 0: there is none. The caller
// holds mu.
func (s *Spool) ages() (all, waiting uint64) {
	for _, e := range s.index {
		if all == 0 || e.serial < all {
			all = e.serial
		}
		if e.grave == nil && (waiting == 0 || e.serial < waiting) {
			waiting = e.serial
		}
	}
	return all, waiting
}

// pulledAt is when the entry of a serial was pulled; of 0 the zero time.
func pulledAt(serial uint64) time.Time {
	if serial == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(serial)).UTC()
}

// item describes an entry; false: it has left.
func (s *Spool) item(e *entry) (Item, bool) {
	guard := s.guard(e.hash)
	guard.RLock()
	defer guard.RUnlock()
	if s.find(e.hash) != e {
		return Item{}, false
	}
	got, err := s.read(e, false)
	item := Item{ID: e.hash.String(), Site: e.site, Bytes: e.size, Replaces: e.replaces, Pulled: pulledAt(e.serial)}
	if err != nil {
		item.Damaged = err.Error()
	} else {
		r := got.record
		item.Key, item.Rule, item.Died = string(r.Key), r.Meta.Meta().Origin.Rule, r.Died
		item.Attempts, item.Error = r.Attempts, r.Error
	}
	item.Sent = s.sent(e)
	s.progress(e, &item)
	return item, true
}

// sent counts the bytes of an entry that its bucket has confirmed, part by part.
func (s *Spool) sent(e *entry) int64 {
	begun, parts, _, err := readCheckpoint(filepath.Join(s.dir, "uploads", uploadFile(e.name)))
	if err != nil {
		return 0 // it does not go up in parts, or has not begun
	}
	return min(e.size, int64(len(parts))*begun.PartSize)
}

// progress fills in what changes while an entry waits.
func (s *Spool) progress(e *entry, item *Item) {
	due, queued := s.queue.dueOf(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case e.grave != nil:
		item.State = StateDead
		return
	case !queued:
		item.State = StateUploading
	case e.attempts > 0:
		item.State, item.Next = StateRetrying, due.UTC()
	default:
		item.State = StateWaiting
	}
	item.Attempts, item.Error, item.Died = e.attempts, e.trouble, time.Time{}
}

// ErrNoEntry means that no entry has the ID given.
var ErrNoEntry = errors.New("no such entry in the queue")

// byID finds an entry.
func (s *Spool) byID(id string) (*entry, error) {
	h, ok := parseHash(id)
	if e := s.find(h); ok && e != nil {
		return e, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrNoEntry, id)
}

// Retry puts a dead entry back into the queue, and makes one that waits for its next attempt due at once.
func (s *Spool) Retry(id string) error {
	e, err := s.byID(id)
	if err != nil {
		return err
	}
	revived, err := s.revive(e)
	if err == nil && !revived {
		s.queue.hurry(e)
	}
	return err
}

// RetryAll does so for all dead entries, and says how many they were.
func (s *Spool) RetryAll() (retried int, err error) {
	s.mu.Lock()
	var dead []*entry
	for at := s.dead.Front(); at != nil; at = at.Next() {
		dead = append(dead, at.Value.(*entry))
	}
	s.mu.Unlock()
	for _, e := range dead {
		revived, problem := s.revive(e)
		if err = errors.Join(err, problem); revived {
			retried++
		}
	}
	return retried, err
}

// Drop removes an entry, whatever its state: the object is not saved. An upload of it that is under way is ended; if
// the bucket has it whole by then, it has it.
func (s *Spool) Drop(id string) error {
	e, err := s.byID(id)
	if err != nil {
		return err
	}
	object, known := s.objectOf(e)
	removed, err := s.remove(e, false)
	if err == nil && !removed {
		err = fmt.Errorf("%w: %q has just left", ErrNoEntry, id)
	}
	if removed && known {
		s.tellLeft(object, false)
	}
	if removed {
		s.count(e, ResultDropped)
		s.log.Warn("an entry was dropped: it is not saved", "site", e.site, "entry", e.hash, "bytes", e.size)
	}
	return err
}
