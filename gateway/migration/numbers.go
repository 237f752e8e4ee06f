package migration

import "math"

// Field is one of the things that are counted.
type Field int

// The fields.
const (
	Requests    Field = iota // all
	Bytes                    // of their bodies
	Needed                   // requests that an origin's object answered
	NeededBytes              // of their bodies
	Vain                     // requests for what no origin has
	Failed                   // requests that could not be answered
	Retired                  // requests refused by a retired rule: they would have needed the origin
	Paused                   // requests refused by a paused rule
	Saved                    // objects that came into the bucket
	SavedBytes               // of them
	fields
)

// Numbers is a count of each field.
type Numbers [fields]int64

// add adds m. What does not fit stays at the most that does.
func (n *Numbers) add(m *Numbers) {
	for i := range n {
		if n[i] += m[i]; n[i] < 0 {
			n[i] = math.MaxInt64
		}
	}
}

// since is what was counted after before. Counters that are lower than before have begun at 0 again meanwhile.
func (n Numbers) since(before Numbers) Numbers {
	diff := n
	for i := range n {
		if diff[i] -= before[i]; diff[i] < 0 {
			return n
		}
	}
	return diff
}
