package migration_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"mirrorgate/gateway/migration"
)

// wantSpans compares the requests of hour, day, week and all.
func (r *rig) wantSpans(t *testing.T, id migration.ID, want ...int64) {
	t.Helper()
	b := r.Show()
	for i, s := range b.Rule(id).Spans {
		equal(t, "requests of the "+s.Name, s.Numbers[migration.Requests], want[i])
		if s.From.Before(b.Since) || s.From.After(b.Now) {
			t.Errorf("%s begins at %v, counting at %v", s.Name, s.From, b.Since)
		}
	}
}

// What was counted leaves the hour, the day and the week when it is older than that, and never the whole.
func TestSpans(t *testing.T) {
	r := open(t)
	for range 3 {
		r.need(images(), "a.jpg")
	}
	r.answer(images())
	r.wantSpans(t, images(), 4, 4, 4, 4)
	equal(t, "bytes", r.span(images(), "hour").Numbers[migration.Bytes], 400)
	equal(t, "needed", r.span(images(), "hour").Numbers[migration.Needed], 3)
	r.wait(59 * time.Minute)
	r.wantSpans(t, images(), 4, 4, 4, 4)
	r.wait(time.Minute)
	r.wantSpans(t, images(), 0, 4, 4, 4)
	r.answer(images())
	r.wantSpans(t, images(), 1, 5, 5, 5)
	r.wait(23 * time.Hour)
	r.wantSpans(t, images(), 0, 1, 5, 5)
	r.wait(5 * 24 * time.Hour)
	r.wantSpans(t, images(), 0, 0, 5, 5)
	r.wait(24 * time.Hour)
	r.wantSpans(t, images(), 0, 0, 0, 5)
}

// Counters that begin at 0 again, such as those of a process that was started again, are counted on from there.
func TestCountersBeginAgain(t *testing.T) {
	r := open(t)
	for range 10 {
		r.answer(images(), migration.Vain)
	}
	r.Tick()
	r.counts = make(counters)
	for range 3 {
		r.answer(images(), migration.Vain)
	}
	r.wantSpans(t, images(), 13, 13, 13, 13)
	equal(t, "vain", r.span(images(), "all").Numbers[migration.Vain], 13)
	r.answer(images())
	r.wantSpans(t, images(), 14, 14, 14, 14)
}

// Over four months, in which a request comes every ten minutes, the histories have what was counted in each step, are
// as long as they are to be, and the spans are right all the time.
func TestMonths(t *testing.T) {
	r := open(t)
	const every = 10 * time.Minute
	for day := range 120 {
		for range 24 * 6 {
			r.answer(images())
			r.wait(every)
		}
		if day > 7 && day%10 == 0 {
			r.wantSpans(t, images(), 6, 23*6, 6*24*6+10*6, int64(day+1)*24*6)
		}
	}
	f := func(step migration.Step, steps int, each, whole int64) {
		t.Helper()
		points := r.History(step, func(id migration.ID) bool { return id == images() })
		equal(t, "points of the history", len(points), steps)
		for i, p := range points[1 : len(points)-1] {
			if got := p.Numbers[migration.Requests]; each > 0 && got != each {
				t.Errorf("point %d at %v: %d requests, want %d", i, p.At, got, each)
			}
		}
		var sum int64
		for _, p := range points {
			sum += p.Numbers[migration.Requests]
		}
		equal(t, "requests of the history", sum, whole)
	}
	f(migration.Minute, 120, 0, 12)
	f(migration.Hour, 14*24, 6, (14*24-1)*6)
	f(migration.Day, 121, 24*6, 120*24*6)
	equal(t, "points", r.Points(), 120+14*24+121)
}

// Of two rules, a history shows one or both.
func TestHistoryOfSite(t *testing.T) {
	r := open(t)
	other := migration.ID{Site: "site", Rule: "other"}
	r.answer(images())
	r.answer(other)
	r.answer(migration.ID{Site: "elsewhere", Rule: "images"})
	f := func(want int64, choose func(migration.ID) bool) {
		t.Helper()
		points := r.History(migration.Hour, choose)
		equal(t, "points", len(points), 1)
		equal(t, "requests", points[0].Numbers[migration.Requests], want)
	}
	f(1, func(id migration.ID) bool { return id == other })
	f(2, func(id migration.ID) bool { return id.Site == "site" })
	f(0, func(id migration.ID) bool { return id.Site == "none" })
}

// A clock that is wrong for a while, forward or back, moves nothing that was counted under the right one.
func TestClockIsSet(t *testing.T) {
	f := func(wrong time.Duration) {
		t.Helper()
		r := open(t)
		for range 24 * 6 { // a day
			r.answer(images())
			r.wait(10 * time.Minute)
		}
		r.need(images(), "before.jpg")
		r.wait(5 * time.Minute)
		before := r.Show()
		right := r.now
		r.set(right.Add(wrong))
		r.wait(3 * time.Hour)
		r.need(images(), "meanwhile.jpg")
		if b := r.Show(); b.Since.After(b.Now) || b.Now.Sub(b.Since) > 2*24*time.Hour || b.Rule(images()).Needed.At.After(b.Now) {
			t.Errorf("a clock that is %v wrong: began %v and last needed %v, which is after now", wrong, b.Since,
				b.Rule(images()).Needed.At)
		}
		r.wait(2 * time.Minute)
		r.set(right.Add(3*time.Hour + 2*time.Minute))
		r.wait(2 * time.Minute)

		equal(t, "requests of all", r.span(images(), "all").Numbers[migration.Requests], 24*6+2)
		equal(t, "requests of the day, without the time of the wrong clock",
			r.span(images(), "day").Numbers[migration.Requests], before.Rules[images()].Spans[1].Numbers[migration.Requests]-18)
		after := r.Show()
		if moved := after.Since.Sub(before.Since).Abs(); moved > 2*time.Minute {
			t.Errorf("a clock that was %v wrong for a while has moved the beginning by %v", wrong, moved)
		}
		if got, want := after.Rule(images()).Needed.Key, "meanwhile.jpg"; got != want {
			t.Errorf("last needed for %q, want %q", got, want)
		}
		if at := after.Rule(images()).Needed.At; at.After(after.Now) || wrong > 0 && after.Now.Sub(at) > 5*time.Minute {
			t.Errorf("last needed at %v, now is %v", at, after.Now)
		}
		r.wait(time.Hour)
		if b := r.Show(); b.Now.Sub(b.Rule(images()).Needed.At) < time.Hour {
			t.Errorf("an hour later it was last needed at %v, now is %v", b.Rule(images()).Needed.At, b.Now)
		}
		if keys := after.Rule(images()).Keys; len(keys) != 2 || keys[0].Count != 1 {
			t.Errorf("top keys %v", keys)
		}
	}
	f(400 * 24 * time.Hour)
	f(3 * 24 * time.Hour)
	f(-26 * time.Hour)
	f(-60 * 365 * 24 * time.Hour) // before 1970
}

// What is counted after a clock was wrong for long is not dropped in favour of what was counted under it.
func TestClockWasWrongForLong(t *testing.T) {
	r := open(t)
	right := r.now
	r.set(right.Add(400 * 24 * time.Hour))
	for range 200 {
		r.answer(images())
		r.wait(time.Minute)
	}
	r.set(right.Add(200 * time.Minute))
	r.Tick()
	for range 5 {
		r.answer(images())
		r.wait(time.Minute)
	}
	r.wantSpans(t, images(), 5, 5, 5, 205)
}

// A machine without a clock of its own begins in 1970, until it has asked the time: that is not when counting began.
func TestClockIsRightLater(t *testing.T) {
	r := &rig{dir: t.TempDir(), log: &bytes.Buffer{}, now: time.Unix(5, 0)}
	r.reopen()
	r.wait(10 * time.Second)
	r.set(begin())
	r.Tick()
	r.answer(images())
	r.wait(5 * time.Minute)
	equal(t, "sentence", r.sentence(images()),
		"nothing has needed the old origin since counting began 5 minutes ago: too short to tell")
}

// While there are too many points, histories are shorter, and afterwards they grow again: whatever they show is whole.
func TestHistoriesGrowAgain(t *testing.T) {
	r := open(t)
	shortest, longest := 1000, 0
	for minute := range 5 * 60 {
		r.answer(images())
		for i := range 3000 {
			if minute >= 60 && minute < 90 {
				r.answer(migration.ID{Site: "many", Rule: fmt.Sprint(i)})
			}
		}
		r.wait(time.Minute)
		points := r.History(migration.Minute, func(id migration.ID) bool { return id == images() })
		for _, p := range points[1 : len(points)-1] {
			if p.Numbers[migration.Requests] != 1 {
				t.Fatalf("minute %d, of %d that are shown: %v has %d requests", minute, len(points), p.At, p.Numbers[migration.Requests])
			}
		}
		if minute >= 60 {
			shortest, longest = min(shortest, len(points)), max(longest, len(points))
		}
	}
	if shortest > 60 || longest < 120 {
		t.Errorf("the history by minutes had %d to %d points", shortest, longest)
	}
}
