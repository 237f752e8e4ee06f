package migration

import (
	"fmt"
	"strings"
	"time"
)

// Situation is what a sentence is made of.
type Situation struct {
	Now, Since time.Time
	Hour, Day  Span
	Total      Numbers
	Needed     Mark
	Retired    Mark
	// Failing is the rule whose origin has failed last, and has given nothing since; "": none. Why is the reason.
	Failing ID
	Failed  time.Time
	Why     string

	Waiting, Dead int // objects that are not in their bucket yet, and that could not be saved
}

// Situation adds up rules.
func (b *Book) Situation(ids []ID) Situation {
	s := Situation{Now: b.Now, Since: b.Since}
	for i, id := range ids {
		r := b.Rule(id)
		hour, day, all := &r.Spans[0], &r.Spans[1], &r.Spans[len(r.Spans)-1]
		if i == 0 {
			s.Hour.From, s.Day.From = hour.From, day.From
		}
		s.Hour.Numbers.add(&hour.Numbers)
		s.Day.Numbers.add(&day.Numbers)
		s.Total.add(&all.Numbers)
		s.Needed, s.Retired = s.Needed.or(r.Needed), s.Retired.or(r.Retired)
		if r.Failed.At.After(r.Needed.At) && r.Failed.At.After(s.Failed) {
			s.Failing, s.Failed, s.Why = id, r.Failed.At, r.Why
		}
	}
	return s
}

// or is the later of two marks.
func (m Mark) or(other Mark) Mark {
	if other.At.After(m.At) {
		return other
	}
	return m
}

// A clause is a part of the sentence, and when it is said.
type clause struct {
	when func(*Situation) bool
	say  func(*Situation) string
}

// tooShort is how long must have been counted for the absence of a need to say something.
const tooShort = 24 * time.Hour

// opening are the ways in which the sentence begins: the first that fits. It speaks of the origin as of one, whatever
// it stands for.
func opening() []clause {
	return []clause{
		{
			func(s *Situation) bool { return s.Hour.Numbers[Needed] > 0 },
			func(s *Situation) string {
				n, all := s.Hour.Numbers[Needed], s.Hour.Numbers[Requests]
				return fmt.Sprintf("%s of requests still need the old origin: %d of %d in the last %s", percent(n, all), n, all,
					s.hour())
			},
		},
		{
			func(s *Situation) bool { return !s.Needed.At.IsZero() },
			func(s *Situation) string {
				return fmt.Sprintf("the old origin was last needed %s, for /%s", ago(s.Now, s.Needed.At), s.Needed.Key)
			},
		},
		{
			func(s *Situation) bool { return s.Total[Requests] == 0 },
			func(s *Situation) string { return "no request has come since counting began " + ago(s.Now, s.Since) },
		},
		{
			func(s *Situation) bool { return s.Now.Sub(s.Since) < tooShort },
			func(s *Situation) string {
				return "nothing has needed the old origin since counting began " + ago(s.Now, s.Since) + ": too short to tell"
			},
		},
		{
			func(*Situation) bool { return true },
			func(s *Situation) string {
				return "nothing has needed the old origin since counting began " + ago(s.Now, s.Since)
			},
		},
	}
}

// further is what is said behind the opening: all that fits.
func further() []clause {
	return []clause{
		{
			func(s *Situation) bool { return s.Hour.Numbers[Requests] == 0 && s.Total[Requests] > 0 },
			func(s *Situation) string { return "no request has come in the last " + s.hour() },
		},
		{
			func(s *Situation) bool { return s.Failing != ID{} && s.Now.Sub(s.Failed) < time.Hour },
			func(s *Situation) string {
				return fmt.Sprintf("the origin of rule %s failed %s: %s", s.Failing.Rule, ago(s.Now, s.Failed), s.Why)
			},
		},
		{
			func(s *Situation) bool { return s.Hour.Numbers[Failed] > 0 },
			func(s *Situation) string { return s.count(Failed) + " could not be answered" },
		},
		{
			func(s *Situation) bool { return s.Hour.Numbers[Retired] > 0 },
			func(s *Situation) string { return s.count(Retired) + " would have needed it (retired rules)" },
		},
		{
			func(s *Situation) bool { return s.Hour.Numbers[Retired] == 0 && !s.Retired.At.IsZero() },
			func(s *Situation) string {
				return fmt.Sprintf("a request last would have needed it %s, for /%s (retired rules)", ago(s.Now, s.Retired.At),
					s.Retired.Key)
			},
		},
		{
			func(s *Situation) bool { return s.Hour.Numbers[Paused] > 0 },
			func(s *Situation) string { return s.count(Paused) + " met a paused rule" },
		},
		{
			func(s *Situation) bool { return s.Waiting > 0 },
			func(s *Situation) string { return many(int64(s.Waiting), "object") + " not yet in the bucket" },
		},
		{
			func(s *Situation) bool { return s.Dead > 0 },
			func(s *Situation) string { return many(int64(s.Dead), "object") + " could not be saved" },
		},
	}
}

// Sentence says in one sentence how the migration stands.
func (s *Situation) Sentence() string {
	var parts []string
	for _, c := range opening() {
		if c.when(s) {
			parts = append(parts, c.say(s))
			break
		}
	}
	for _, c := range further() {
		if c.when(s) {
			parts = append(parts, c.say(s))
		}
	}
	return strings.Join(parts, "; ")
}

// count is how many requests of the last hour were counted so.
func (s *Situation) count(f Field) string {
	return many(s.Hour.Numbers[f], "request") + " of the last " + s.hour()
}

// hour is how long the last hour is: shorter, where counting began within it.
func (s *Situation) hour() string {
	switch d := s.Now.Sub(s.Hour.From); {
	case d < 2*time.Minute:
		return "minute"
	case d < 59*time.Minute:
		return span(d)
	}
	return "hour"
}

// percent never says 0 % of some, or 100 % of not all.
func percent(part, all int64) string {
	share := 100 * float64(part) / float64(max(all, 1))
	switch {
	case share < 0.1:
		return "less than 0.1 %"
	case share < 10:
		return fmt.Sprintf("%.1f %%", float64(int64(share*10))/10)
	}
	return fmt.Sprintf("%d %%", int64(share))
}

// ago is how long before now something was.
func ago(now, then time.Time) string {
	if d := now.Sub(then); d >= time.Minute {
		return span(d) + " ago"
	}
	return "less than a minute ago"
}

// span is a length of time in its largest unit, rounded down.
func span(d time.Duration) string {
	switch {
	case d < time.Hour:
		return many(int64(d/time.Minute), "minute")
	case d < 24*time.Hour:
		return many(int64(d/time.Hour), "hour")
	}
	return many(int64(d/(24*time.Hour)), "day")
}

func many(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
