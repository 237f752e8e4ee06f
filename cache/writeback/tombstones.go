package writeback

import (
	"time"
)

// tombstones remembers for a minute which objects have left the spool. The owner's lock guards it.
type tombstones struct {
	now     func() time.Time
	current map[hash]struct{}
	before  map[hash]struct{}
	turned  time.Time
}

// tombstoneAge is far longer than any request takes between its look into the bucket and its look into the spool.
const tombstoneAge = time.Minute

func newTombstones(now func() time.Time) tombstones {
	return tombstones{now: now, current: make(map[hash]struct{}), turned: now()}
}

func (t *tombstones) add(h hash) {
	t.turn()
	t.current[h] = struct{}{}
}

func (t *tombstones) has(h hash) bool {
	t.turn()
	_, now := t.current[h]
	_, before := t.before[h]
	return now || before
}

// turn drops the older half once the younger one is old enough, so that nothing is dropped before its time.
func (t *tombstones) turn() {
	now := t.now()
	switch age := now.Sub(t.turned); {
	case age >= 2*tombstoneAge:
		t.before, t.current, t.turned = nil, make(map[hash]struct{}), now
	case age >= tombstoneAge:
		t.before, t.current, t.turned = t.current, make(map[hash]struct{}), now
	}
}
