package migration

import "time"

// ID names a rule of a site. Rule "" stands for keys that no rule matches.
type ID struct{ Site, Rule string }

// Mark is when something was last seen, and of which key; a zero At: never.
type Mark struct {
	At  time.Time
	Key string
}

// rule is what is known of a rule.
type rule struct {
	counted                 timeline
	needed, retired, failed Mark
	why                     string           // the reason of failed, for everybody to read
	notKept                 map[string]int64 // by reason
	demand                  *demand          // nil: nothing has needed the origin, or long ago
}

// Kind is what an Event tells.
type Kind int

// The kinds.
const (
	NeededIt  Kind = iota // an origin's object was the answer
	FailedIt              // an origin was asked, and failed
	RetiredIt             // refused by a retired rule
	PausedIt              // refused by a paused rule
	NotKeptIt             // an origin's object was the answer, and is not saved
)

// Event is an answer of which the key matters. It is no count: numbers come from the counters.
type Event struct {
	ID
	Kind Kind
	Key  string
	Why  string // of FailedIt, in words for everybody; of NotKeptIt one of few names
}

// maxReasons bounds the names of reasons, which are of a closed list.
const maxReasons = 32

// note takes an event in.
func (r *rule) note(e Event, now time.Time) {
	mark := Mark{now, cut(e.Key)}
	switch e.Kind {
	case NeededIt:
		r.needed = mark
	case FailedIt:
		r.failed, r.why = mark, cut(e.Why)
	case RetiredIt:
		r.retired = mark
	case NotKeptIt:
		r.needed = mark
		if _, known := r.notKept[e.Why]; known || len(r.notKept) < maxReasons {
			r.notKept[cut(e.Why)]++
		}
	}
	r.demand.add(mark.Key, now)
}

// marks are all that bear a time.
func (r *rule) marks() []*Mark { return []*Mark{&r.needed, &r.retired, &r.failed} }
