package migration

import (
	"math"
	"time"
)

// Inventory is what an origin held of a site when somebody counted it.
type Inventory struct {
	Objects, Bytes      int64
	Copied, CopiedBytes int64 // of them: what was in the bucket then
	Told                time.Time

	saved Numbers // since then
}

// Tell sets a site's inventory, as it is now; nil forgets it. It is on the disk when Tell returns, if the disk works.
func (l *Ledger) Tell(site string, i *Inventory) {
	l.mu.Lock()
	delete(l.inventories, site)
	if i != nil {
		told := *i
		told.Told = l.now()
		l.inventories[site] = &told
	}
	l.mu.Unlock()
	l.Save()
}

// Left is an estimate of what is only at the origin.
type Left struct {
	Objects, Bytes int64
	Done           time.Time // when nothing would be left at the pace of the last day; zero: it cannot be told
}

// The bounds of what an estimate is worth.
const (
	minPace = time.Hour                  // counted for less: no pace
	maxPace = 100 * 365 * 24 * time.Hour // from now: no time
)

// Left estimates what is left, of an inventory: what was neither copied when it was told nor saved here since. Of what
// others saved nothing is known. day is what was counted of the site in the last day.
func (i *Inventory) Left(day Span, now time.Time) Left {
	left := Left{
		Objects: max(0, i.Objects-i.Copied-i.saved[Saved]),
		Bytes:   max(0, i.Bytes-i.CopiedBytes-i.saved[SavedBytes]),
	}
	counted := now.Sub(day.From)
	if left.Objects == 0 || day.Numbers[Saved] == 0 || counted < minPace {
		return left
	}
	need := float64(left.Objects) / float64(day.Numbers[Saved]) * float64(counted)
	if need <= float64(maxPace) {
		left.Done = now.Add(time.Duration(math.Ceil(need)))
	}
	return left
}
