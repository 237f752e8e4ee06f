package migration

import "time"

// The bounds that tests hold it to.
const (
	MaxFile     = maxFile
	MaxKey      = maxKey
	MaxPoints   = maxPoints
	MaxCounters = maxCounters
)

// Tick is what Run does every ten seconds.
func (l *Ledger) Tick() { l.tick() }

// Points is how many points in time are held.
func (l *Ledger) Points() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.rules {
		n += r.counted.points()
	}
	return n
}

// Counters is how many counters the sketches have.
func (l *Ledger) Counters() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.rules {
		if r.demand != nil {
			n += len(r.demand.keys.least) + len(r.demand.folders.least)
		}
	}
	return n
}

// Decode reads the part of a file that its checksum covers, and encodes it again.
func Decode(body []byte) ([]byte, error) {
	k, err := decode(body)
	if err != nil {
		return nil, err
	}
	l := &Ledger{since: k.since, horizon: k.horizon, rules: k.rules, inventories: k.inventories}
	again, _ := l.encode(maxFile)
	return again, nil
}

// Sketch is one alone.
type Sketch struct{ sketch }

// NewSketch returns one with so many counters.
func NewSketch(capacity int) *Sketch { return &Sketch{newSketch(capacity)} }

// Bounds are the least and the most that a key may have come.
func (s *Sketch) Bounds(key string) (least, most float64) {
	if c := s.index[key]; c != nil {
		return c.sure(), c.count
	}
	return 0, s.floor
}

// Add counts a key.
func (s *Sketch) Add(key string, now time.Time) { s.add(key, now) }

// Fade multiplies all counts.
func (s *Sketch) Fade(by float64) { s.fade(by) }

// Resize sets how many counters there are at most.
func (s *Sketch) Resize(capacity int) { s.resize(capacity) }
