package migration

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// kept is what a file held.
type kept struct {
	since       time.Time
	horizon     horizon
	rules       map[ID]*rule
	inventories map[string]*Inventory
}

// reader takes values off the front of a file. After the first that is not there or makes no sense, all are zero.
type reader struct {
	buf []byte
	err error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s, %d bytes before its end", errDamaged, what, len(r.buf))
	}
	r.buf = nil
}

// took steps over so many bytes; none: there was no number.
func (r *reader) took(n int) {
	if n <= 0 {
		r.fail("a number is missing")
		return
	}
	r.buf = r.buf[n:]
}

func (r *reader) number() int64 {
	v, n := binary.Varint(r.buf)
	r.took(n)
	if r.err != nil {
		return 0
	}
	return v
}

// natural is a number that is not negative.
func (r *reader) natural() int64 {
	v := r.number()
	if v < 0 {
		r.fail("a count is negative")
		return 0
	}
	return v
}

// count is how many of something follow, each of which has at least a byte.
func (r *reader) count(most int) int {
	v, n := binary.Uvarint(r.buf)
	r.took(n)
	if v > uint64(most) || v > uint64(len(r.buf)) {
		r.fail("there is too much of something")
	}
	if r.err != nil {
		return 0
	}
	return int(v)
}

// maxText is the longest text: a key that was cut, with its mark. Names of sites and rules are shorter.
const maxText = maxKey + len("…")

func (r *reader) text() string {
	n := r.count(maxText)
	s := string(r.buf[:n])
	r.buf = r.buf[n:]
	return s
}

// real is a number of a sketch.
func (r *reader) real() float64 {
	if len(r.buf) < 8 {
		r.fail("a number is missing")
		return 0
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(r.buf))
	r.buf = r.buf[8:]
	if f < 0 || f > math.MaxInt64 || math.IsNaN(f) {
		r.fail("a number makes no sense")
		return 0
	}
	return f
}

// The seconds that a time may have: years 1 to 9999, which are all that JSON can say.
const (
	minUnix = -62135596800
	maxUnix = 253402300799
)

func (r *reader) time() time.Time {
	unix := r.number() // in microseconds
	if unix == math.MinInt64 || r.err != nil {
		return time.Time{}
	}
	if unix <= minUnix*1e6 || unix > maxUnix*1e6 {
		r.fail("a time makes no sense")
		return time.Time{}
	}
	return time.UnixMicro(unix).UTC()
}

func (r *reader) numbers() (n Numbers) {
	there, size := binary.Uvarint(r.buf)
	r.took(size)
	if there >= 1<<fields {
		r.fail("it counts what is not known here")
	}
	for i := range n {
		if there&(1<<i) != 0 {
			n[i] = r.natural()
		}
	}
	return n
}

// decode reads what encode has written.
func decode(body []byte) (*kept, error) {
	r := &reader{buf: body}
	k := &kept{since: r.time(), rules: make(map[ID]*rule), inventories: make(map[string]*Inventory)}
	k.horizon.level = r.count(len(reaches()) - 1)
	for step := range k.horizon.first {
		k.horizon.first[step] = r.step(Step(step))
	}
	for range r.count(maxFile) {
		site := r.text()
		k.inventories[site] = r.inventory()
	}
	for len(r.buf) > 0 && len(k.rules) < maxRules {
		id := ID{r.text(), r.text()}
		k.rules[id] = r.rule()
	}
	if k.since.IsZero() || len(r.buf) > 0 {
		r.fail("it has no beginning, or too many rules")
	}
	return k, r.err
}

// step is the number of a step in a time that makes sense.
func (r *reader) step(step Step) int64 {
	at := r.number()
	if at < minUnix/step.seconds() || at > maxUnix/step.seconds() {
		r.fail("a time makes no sense")
		return 0
	}
	return at
}

func (r *reader) inventory() *Inventory {
	return &Inventory{
		Objects: r.natural(), Bytes: r.natural(), Copied: r.natural(), CopiedBytes: r.natural(),
		Told: r.time(), saved: r.numbers(),
	}
}

func (r *reader) rule() *rule {
	into := &rule{notKept: make(map[string]int64)}
	into.counted.total = r.numbers()
	for step := range steps {
		into.counted.steps[step] = r.series(step)
	}
	for _, m := range into.marks() {
		*m = Mark{r.time(), r.text()}
	}
	into.why = r.text()
	for range r.count(maxReasons) {
		why := r.text()
		into.notKept[why] = r.natural()
	}
	into.demand = r.demand()
	return into
}

func (r *reader) series(step Step) series {
	s := make(series, r.count(reaches()[0][step]))
	at := int64(0)
	for i := range s {
		at += r.number()
		if i > 0 && at <= s[i-1].at || at < minUnix/step.seconds() || at > maxUnix/step.seconds() {
			r.fail("times are not in order")
			return nil
		}
		s[i] = point{at, r.numbers()}
	}
	return s
}

func (r *reader) demand() *demand {
	d := newDemand(mostCounters)
	d.sum = r.real()
	r.sketch(&d.keys)
	r.sketch(&d.folders)
	if len(d.keys.least) == 0 {
		return nil
	}
	return d
}

func (r *reader) sketch(s *sketch) {
	s.floor = r.real()
	for range r.count(mostCounters) {
		c := &counter{key: r.text(), count: r.real(), over: r.real(), last: r.time()}
		if s.index[c.key] != nil || c.over > c.count {
			r.fail("a key is there twice, or makes no sense")
			return
		}
		s.insert(c)
	}
}
