package cache

import (
	"sync"
	"time"
)

// negatives remembers, for a short time and in bounded number, that origins do not have an object. When it is full the
// new answer is not remembered: a crawler of missing keys cannot push out anything else, and entries live for seconds.
type negatives struct {
	max int
	now func() time.Time

	mu      sync.Mutex
	entries map[ID]negative
	swept   time.Time
}

type negative struct {
	scope   string
	expires time.Time
	err     *NegativeError
}

func newNegatives(limit int, now func() time.Time) *negatives {
	return &negatives{max: limit, now: now, entries: make(map[ID]negative)}
}

// find returns the remembered answer, or nil.
func (n *negatives) find(id ID, scope string) *NegativeError {
	n.mu.Lock()
	defer n.mu.Unlock()
	e, ok := n.entries[id]
	if !ok || e.scope != scope || !n.now().Before(e.expires) {
		return nil
	}
	return &NegativeError{Status: e.err.Status, Remembered: true, Err: e.err.Err}
}

func (n *negatives) remember(id ID, scope string, err *NegativeError, ttl time.Duration) {
	if ttl <= 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	if len(n.entries) >= n.max && now.Sub(n.swept) >= time.Second {
		n.sweep(now)
	}
	if len(n.entries) < n.max {
		n.entries[id] = negative{scope, now.Add(ttl), err}
	}
}

// sweep drops what has expired. It looks at every entry, so the caller limits how often it runs.
func (n *negatives) sweep(now time.Time) {
	n.swept = now
	for id, e := range n.entries {
		if !now.Before(e.expires) {
			delete(n.entries, id)
		}
	}
}

func (n *negatives) forget(id ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.entries, id)
}
