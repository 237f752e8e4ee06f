package origin

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Count is what was asked of a path, or of all of them.
type Count struct {
	Requests  int
	Methods   map[string]int // how many of them with each method
	Ranged    int            // how many of them with a Range
	Active    int            // being answered (or held) now
	MaxActive int            // at the same time
	Stopped   int            // stalled or held now
	Done      int            // answered as the fault wants it
	Broken    int            // the client left before that
	Sent      int64          // bytes of bodies, framing included, that the system took
}

// Conns is what the connections did.
type Conns struct {
	Opened, Open, MaxOpen int
	Malformed             int   // ended by something that is no request
	Sent                  int64 // bytes, headers included, that the system took
}

// Record is one request.
type Record struct {
	Conn                       int // number of its connection, from 1
	Method, Target, Path, Host string
	Header                     http.Header // not to be changed
	BodySize                   int64       // of the request
	Number                     int         // of the requests for this path with this method, from 1
	Arrived, Ended             time.Time   // Ended is zero while it is being answered
	Status                     int         // 0: not known yet, or none that is a number
	Sent                       int64       // bytes of the body, framing included, that the system took
	Err                        error       // why the answer did not go out as the fault wants it
}

// ledger counts. All its methods may be called from several goroutines.
type ledger struct {
	keep int

	mu       sync.Mutex
	all      Count
	paths    map[string]*Count
	records  []*Record
	conns    Conns
	problems []error
	changed  chan struct{} // closed at the next change; nil while nobody waits
}

func newLedger(keep int) *ledger {
	return &ledger{keep: keep, paths: map[string]*Count{}, all: Count{Methods: map[string]int{}}}
}

// change runs f on the ledger and wakes who waits.
func (l *ledger) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// of returns the counts that a request for the path belongs to. The mutex is held.
func (l *ledger) of(path string) []*Count {
	c := l.paths[path]
	if c == nil {
		c = &Count{Methods: map[string]int{}}
		l.paths[path] = c
	}
	return []*Count{c, &l.all}
}

// begin counts a request that has arrived, and numbers it.
func (l *ledger) begin(r *Request, conn int, bodySize int64) *Record {
	record := &Record{
		Conn: conn, Method: r.Method, Target: r.Target, Path: r.Path, Host: r.Host, Header: r.Header.Clone(),
		BodySize: bodySize, Arrived: time.Now(),
	}
	l.change(func() {
		for _, c := range l.of(r.Path) {
			c.arrive(r)
		}
		record.Number = l.paths[r.Path].Methods[r.Method]
		l.records = append(l.records, record)
		if over := len(l.records) - l.keep; over > 0 {
			l.records = slices.Delete(l.records, 0, over)
		}
	})
	r.Number = record.Number
	return record
}

func (c *Count) arrive(r *Request) {
	c.Requests++
	c.Methods[r.Method]++
	if r.Ranged() {
		c.Ranged++
	}
	c.Active++
	c.MaxActive = max(c.MaxActive, c.Active)
}

func (l *ledger) status(record *Record, status int) {
	l.change(func() { record.Status = status })
}

func (l *ledger) sent(record *Record, n int) {
	l.change(func() {
		record.Sent += int64(n)
		for _, c := range l.of(record.Path) {
			c.Sent += int64(n)
		}
	})
}

// stopped counts an answer that stops, or with -1 one that goes on.
func (l *ledger) stopped(path string, n int) {
	l.change(func() {
		for _, c := range l.of(path) {
			c.Stopped += n
		}
	})
}

func (l *ledger) end(record *Record, err error) {
	l.change(func() {
		record.Ended, record.Err = time.Now(), err
		for _, c := range l.of(record.Path) {
			c.Active--
			if err == nil {
				c.Done++
			} else {
				c.Broken++
			}
		}
	})
}

func (l *ledger) opened() (number int) {
	l.change(func() {
		l.conns.Opened++
		l.conns.Open++
		l.conns.MaxOpen = max(l.conns.MaxOpen, l.conns.Open)
		number = l.conns.Opened
	})
	return number
}

func (l *ledger) closed()         { l.change(func() { l.conns.Open-- }) }
func (l *ledger) malformed()      { l.change(func() { l.conns.Malformed++ }) }
func (l *ledger) wrote(n int)     { l.change(func() { l.conns.Sent += int64(n) }) }
func (l *ledger) note(p error)    { l.change(func() { l.problems = append(l.problems, p) }) }
func (l *ledger) problem() error  { l.mu.Lock(); defer l.mu.Unlock(); return errors.Join(l.problems...) }
func (l *ledger) connsNow() Conns { l.mu.Lock(); defer l.mu.Unlock(); return l.conns }

// count returns a copy of the counts of a path; "" is all of them.
func (l *ledger) count(path string) Count {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.copyOf(path)
}

func (l *ledger) copyOf(path string) Count {
	c := l.all
	if path != "" {
		c = Count{}
		if of := l.paths[path]; of != nil {
			c = *of
		}
	}
	c.Methods = maps.Clone(c.Methods)
	return c
}

func (l *ledger) copyRecords(path string) []Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []Record
	for _, r := range l.records {
		if path == "" || r.Path == path {
			found = append(found, *r)
		}
	}
	return found
}

// wait returns when ok says so of the counts of a path, which is looked at after each change.
func (l *ledger) wait(ctx context.Context, path string, ok func(Count) bool) error {
	for {
		l.mu.Lock()
		now := l.copyOf(path)
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		if ok(now) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
