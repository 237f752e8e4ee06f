package migration

import (
	"cmp"
	"slices"
	"time"
)

// Step is a length of time by which is counted.
type Step int

// The steps.
const (
	Minute Step = iota
	Hour
	Day
	steps
)

// seconds is how long a step is.
func (s Step) seconds() int64 { return [steps]int64{60, 60 * 60, 24 * 60 * 60}[s] }

// at is the number of the step, since 1970, in which t lies.
func (s Step) at(t time.Time) int64 { return t.Unix() / s.seconds() }

// begin is when the step of that number begins.
func (s Step) begin(at int64) time.Time { return time.Unix(at*s.seconds(), 0).UTC() }

// point is what was counted in one step.
type point struct {
	at int64 // its number
	Numbers
}

// series is points in order of time. Steps in which nothing was counted have none.
type series []point

func (s series) find(at int64) (i int, found bool) {
	return slices.BinarySearchFunc(s, at, func(p point, at int64) int { return cmp.Compare(p.at, at) })
}

func (s series) add(at int64, n *Numbers) series {
	i, found := s.find(at)
	if !found {
		s = slices.Insert(s, i, point{at: at})
	}
	s[i].add(n)
	return s
}

// trim leaves at most so many points, those next to now. It does not ask how old they are: a clock that is wrong for a
// while must not delete what was counted under the right one.
func (s series) trim(now int64, keep int) series {
	for len(s) > keep {
		last := len(s) - 1
		if now-s[0].at >= s[last].at-now {
			s = slices.Delete(s, 0, 1)
		} else {
			s = s[:last]
		}
	}
	return s
}

// within leaves the points from first to last.
func (s series) within(first, last int64) series {
	begin, _ := s.find(first)
	end, _ := s.find(last + 1)
	return s[begin:end]
}

// sum adds up the points from first to last.
func (s series) sum(first, last int64) (n Numbers) {
	for _, p := range s.within(first, last) {
		n.add(&p.Numbers)
	}
	return n
}
