package cache

import (
	"maps"
	"sync"
	"time"
)

// remembered keeps values for a short time and in bounded number. When it is full a new value is not kept: a crawler of
// missing keys cannot push out anything else, and values live for seconds. The zero value is not ready: use
// newRemembered.
type remembered[V any] struct {
	max int
	now func() time.Time

	mu      sync.Mutex
	entries map[ID]expiring[V]
	swept   time.Time
}

type expiring[V any] struct {
	value   V
	expires time.Time
}

func newRemembered[V any](limit int, now func() time.Time) *remembered[V] {
	return &remembered[V]{max: limit, now: now, entries: make(map[ID]expiring[V])}
}

func (r *remembered[V]) find(id ID) (value V, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[id]
	if !ok || !r.now().Before(e.expires) {
		return value, false
	}
	return e.value, true
}

// put tells whether value is kept.
func (r *remembered[V]) put(id ID, value V, ttl time.Duration) bool {
	if ttl <= 0 {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if len(r.entries) >= r.max && now.Sub(r.swept) >= time.Second {
		r.sweep(now)
	}
	if _, held := r.entries[id]; !held && len(r.entries) >= r.max {
		return false
	}
	r.entries[id] = expiring[V]{value, now.Add(ttl)}
	return true
}

// size counts the entries, those that have expired and were not swept yet too.
func (r *remembered[V]) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.entries)
}

// sweep drops what has expired. It looks at every entry, so the caller limits how often it runs.
func (r *remembered[V]) sweep(now time.Time) {
	r.swept = now
	for id, e := range r.entries {
		if !now.Before(e.expires) {
			delete(r.entries, id)
		}
	}
}

// purge forgets the values that of chooses, and returns how many there were.
func (r *remembered[V]) purge(of func(ID) bool) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.entries)
	maps.DeleteFunc(r.entries, func(id ID, _ expiring[V]) bool { return of(id) })
	return before - len(r.entries)
}

func (r *remembered[V]) forget(id ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.entries, id)
}
