package migration

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// demand is what of a rule still needs its origin: keys, and the folders that they lie in.
type demand struct {
	keys, folders sketch
	sum           float64 // of keys, fading as they do
}

func newDemand(capacity int) *demand {
	return &demand{keys: newSketch(capacity), folders: newSketch(capacity)}
}

func (d *demand) add(key string, now time.Time) {
	d.sum++
	d.keys.add(key, now)
	for _, folder := range folders(key) {
		d.folders.add(folder, now)
	}
}

func (d *demand) resize(capacity int) {
	d.keys.resize(capacity)
	d.folders.resize(capacity)
}

func (d *demand) fade(by float64) {
	d.sum *= by
	d.keys.fade(by)
	d.folders.fade(by)
}

// shown is how many keys and folders are shown of a rule, at most.
const shown = 20

// topKeys are the keys that came most often. Those of which a count says little are left out: where each key comes
// once, none is at the top.
func (d *demand) topKeys(now time.Time) []Hitter {
	list := slices.Clone(d.keys.least)
	list = slices.DeleteFunc(list, func(c *counter) bool { return !c.stands() })
	return top(list, now)
}

// worth is the part of all that a folder must have, besides those of its folders that are shown, to be shown.
const worth = 0.05

// topFolders are the folders that tell most, from the innermost outwards: one that holds little counts for the folder
// around it, and one whose folders tell all is left out. So a thousand small folders are one large one.
func (d *demand) topFolders(now time.Time) []Hitter {
	list := slices.Clone(d.folders.least)
	depth := func(c *counter) int { return strings.Count(c.key, "/") }
	slices.SortFunc(list, func(a, b *counter) int { return cmp.Compare(depth(b), depth(a)) })
	told := make(map[string]float64) // by folder: what those in it that are shown have
	list = slices.DeleteFunc(list, func(c *counter) bool {
		show := c.stands() && c.sure()-told[c.key] >= worth*d.sum
		if show {
			told[c.key] = c.sure()
		}
		told[parent(c.key)] += told[c.key]
		return !show
	})
	return top(list, now)
}

// top sorts by what came for sure.
func top(list []*counter, now time.Time) []Hitter {
	slices.SortFunc(list, func(a, b *counter) int {
		return cmp.Or(cmp.Compare(b.sure(), a.sure()), cmp.Compare(a.key, b.key))
	})
	hitters := make([]Hitter, 0, min(len(list), shown))
	for _, c := range list[:min(len(list), shown)] {
		hitters = append(hitters, c.hitter(now))
	}
	return hitters
}
