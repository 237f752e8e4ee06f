package migration

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"time"
)

// writer appends values: numbers as varints, texts with their lengths.
type writer struct{ buf []byte }

func (w *writer) number(n int64) { w.buf = binary.AppendVarint(w.buf, n) }
func (w *writer) count(n int)    { w.buf = binary.AppendUvarint(w.buf, uint64(n)) }
func (w *writer) text(s string)  { w.count(len(s)); w.buf = append(w.buf, s...) }
func (w *writer) real(f float64) {
	w.buf = binary.LittleEndian.AppendUint64(w.buf, math.Float64bits(f))
}
func (w *writer) time(t time.Time) {
	if t.IsZero() {
		w.number(math.MinInt64)
		return
	}
	w.number(t.UnixMicro())
}

// numbers writes which fields are not 0, and those.
func (w *writer) numbers(n *Numbers) {
	var there uint64
	for i := range n {
		if n[i] != 0 {
			there |= 1 << i
		}
	}
	w.buf = binary.AppendUvarint(w.buf, there)
	for i := range n {
		if n[i] != 0 {
			w.number(n[i])
		}
	}
}

// encode is what is known, in at most room bytes. Rules that have no room in it are left out, those first that had no
// traffic for longest. The caller holds mu.
func (l *Ledger) encode(room int) (body []byte, left int) {
	var w writer
	w.time(l.since)
	w.count(l.horizon.level)
	for _, first := range l.horizon.first {
		w.number(first)
	}
	w.count(len(l.inventories))
	for _, site := range slices.Sorted(maps.Keys(l.inventories)) {
		w.text(site)
		w.inventory(l.inventories[site])
	}
	ids := l.byActivity()
	for i, id := range ids {
		whole := len(w.buf)
		w.text(id.Site)
		w.text(id.Rule)
		w.rule(l.rules[id])
		if len(w.buf) > room {
			return w.buf[:whole], len(ids) - i
		}
	}
	return w.buf, 0
}

func (w *writer) inventory(i *Inventory) {
	for _, n := range []int64{i.Objects, i.Bytes, i.Copied, i.CopiedBytes} {
		w.number(n)
	}
	w.time(i.Told)
	w.numbers(&i.saved)
}

func (w *writer) rule(r *rule) {
	w.numbers(&r.counted.total)
	for _, s := range r.counted.steps {
		w.count(len(s))
		before := int64(0)
		for i := range s {
			w.number(s[i].at - before)
			w.numbers(&s[i].Numbers)
			before = s[i].at
		}
	}
	for _, m := range r.marks() {
		w.time(m.At)
		w.text(m.Key)
	}
	w.text(r.why)
	w.count(len(r.notKept))
	for _, why := range slices.Sorted(maps.Keys(r.notKept)) {
		w.text(why)
		w.number(r.notKept[why])
	}
	w.demand(r.demand)
}

func (w *writer) demand(d *demand) {
	if d == nil {
		d = newDemand(0)
	}
	w.real(d.sum)
	for _, s := range []*sketch{&d.keys, &d.folders} {
		w.real(s.floor)
		w.count(len(s.least))
		for _, c := range s.least {
			w.text(c.key)
			w.real(c.count)
			w.real(c.over)
			w.time(c.last)
		}
	}
}
