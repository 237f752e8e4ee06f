package cache

import (
	"maps"
	"time"
)

// asking is the requests to a bucket for one object that are under way, and began since it was dropped last.
type asking struct{ requests int }

// asked is when a request to a bucket began: its answer is as good as that.
type asked struct {
	id    ID
	among *asking
	at    time.Duration // of the memory's clock
}

// ask says that the bucket is being asked, until answered is called.
func (m *memory) ask(id ID) asked {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.askLocked(id)
}

func (m *memory) askLocked(id ID) asked {
	among, ok := m.asking[id]
	if !ok {
		among = new(asking)
		m.asking[id] = among
	}
	among.requests++
	return asked{id, among, m.clock()}
}

func (m *memory) answered(a asked) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answeredLocked(a)
}

func (m *memory) answeredLocked(a asked) {
	if a.among.requests--; a.among.requests == 0 && m.asking[a.id] == a.among {
		delete(m.asking, a.id)
	}
}

// keep keeps what a request brought, for the time to live, unless the object was dropped since, or what is kept was
// asked for later. It takes over one use, and must be called before answered.
func (m *memory) keep(r *Resident, a asked) {
	m.mu.Lock()
	defer m.mu.Unlock()
	until := a.at + m.cfg.TTL
	kept, ok := m.kept.GetEntryQuietly(a.id)
	if m.asking[a.id] != a.among || ok && kept.Value.freshUntil() > until {
		r.Release()
		return
	}
	r.renew(until)
	m.kept.Set(a.id, r)
}

// drop forgets an object that may be another in the bucket now.
func (m *memory) drop(id ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.asking, id)
	delete(m.readings, readingKey{ID: id})
	delete(m.readings, readingKey{ID: id, headers: true})
	m.kept.Invalidate(id)
}

// purge forgets the objects that of chooses, as drop does, and returns of how many something was kept.
func (m *memory) purge(of func(ID) bool) (dropped int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.asking, func(id ID, _ *asking) bool { return of(id) })
	maps.DeleteFunc(m.readings, func(key readingKey, _ *reading) bool { return of(key.ID) })
	for id := range m.kept.All() {
		if of(id) {
			m.kept.Invalidate(id)
			dropped++
		}
	}
	return dropped
}

// doubt has the bucket asked for every object before it is answered again.
func (m *memory) doubt() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.asking)
	clear(m.readings)
	for _, r := range m.kept.All() {
		r.renew(0)
	}
}
