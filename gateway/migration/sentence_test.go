package migration_test

import (
	"testing"
	"time"

	"mirrorgate/gateway/migration"
)

// The decision table: what is said of which numbers.
func TestSentence(t *testing.T) {
	now := time.Date(2026, 7, 30, 12, 0, 0, 0, time.UTC)
	before := func(d time.Duration) time.Time { return now.Add(-d) }
	const day = 24 * time.Hour
	f := func(want string, change func(*migration.Situation)) {
		t.Helper()
		s := migration.Situation{Now: now, Since: before(30 * day), Hour: migration.Span{From: before(time.Hour)}}
		s.Hour.Numbers[migration.Requests], s.Total[migration.Requests] = 1000, 50_000
		change(&s)
		if got := s.Sentence(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	needed := func(n, of int64) func(*migration.Situation) {
		return func(s *migration.Situation) {
			s.Hour.Numbers[migration.Requests], s.Hour.Numbers[migration.Needed] = of, n
			s.Needed = migration.Mark{At: before(time.Minute), Key: "media/x.mp4"}
		}
	}
	f("12 % of requests still need the old origin: 129 of 1000 in the last hour", needed(129, 1000))
	f("100 % of requests still need the old origin: 7 of 7 in the last hour", needed(7, 7))
	f("99 % of requests still need the old origin: 99999 of 100000 in the last hour", needed(99_999, 100_000))
	f("9.9 % of requests still need the old origin: 999 of 10000 in the last hour", needed(999, 10_000))
	f("0.1 % of requests still need the old origin: 1 of 1000 in the last hour", needed(1, 1000))
	f("less than 0.1 % of requests still need the old origin: 1 of 1001 in the last hour", needed(1, 1001))
	f("50 % of requests still need the old origin: 1 of 2 in the last 20 minutes", func(s *migration.Situation) {
		needed(1, 2)(s)
		s.Since, s.Hour.From = before(20*time.Minute), before(20*time.Minute)
	})

	last := func(ago time.Duration, key string) func(*migration.Situation) {
		return func(s *migration.Situation) { s.Needed = migration.Mark{At: before(ago), Key: key} }
	}
	f("the old origin was last needed 3 days ago, for /media/x.mp4", last(3*day+time.Hour, "media/x.mp4"))
	f("the old origin was last needed 1 day ago, for /media/x.mp4", last(day, "media/x.mp4"))
	f("the old origin was last needed 23 hours ago, for /a", last(day-1, "a"))
	f("the old origin was last needed 59 minutes ago, for /a", last(time.Hour-1, "a"))
	f("the old origin was last needed less than a minute ago, for /", last(0, ""))

	f("nothing has needed the old origin since counting began 30 days ago", func(*migration.Situation) {})
	began := func(ago time.Duration) func(*migration.Situation) {
		return func(s *migration.Situation) { s.Since, s.Hour.From = before(ago), before(min(ago, time.Hour)) }
	}
	f("nothing has needed the old origin since counting began 20 minutes ago: too short to tell", began(20*time.Minute))
	f("nothing has needed the old origin since counting began 23 hours ago: too short to tell", began(day-1))
	f("nothing has needed the old origin since counting began 1 day ago", began(day))

	f("no request has come since counting began 30 days ago", func(s *migration.Situation) {
		s.Hour.Numbers[migration.Requests], s.Total[migration.Requests] = 0, 0
	})
	f("the old origin was last needed 3 days ago, for /a; no request has come in the last hour", func(s *migration.Situation) {
		last(3*day, "a")(s)
		s.Hour.Numbers[migration.Requests] = 0
	})

	f("the old origin was last needed 2 hours ago, for /a; the origin of rule images failed 5 minutes ago: the origin could "+
		"not be asked; 3 requests of the last hour could not be answered", func(s *migration.Situation) {
		last(2*time.Hour, "a")(s)
		s.Failing, s.Failed, s.Why = images(), before(5*time.Minute), "the origin could not be asked"
		s.Hour.Numbers[migration.Failed] = 3
	})
	f("the old origin was last needed 3 days ago, for /a", func(s *migration.Situation) {
		last(3*day, "a")(s)
		s.Failing, s.Failed, s.Why = images(), before(2*time.Hour), "the origin could not be asked"
	})
	f("nothing has needed the old origin since counting began 30 days ago; 6 requests of the last hour would have needed it "+
		"(retired rules)", func(s *migration.Situation) {
		s.Hour.Numbers[migration.Retired] = 6
		s.Retired = migration.Mark{At: now, Key: "a"}
	})
	f("the old origin was last needed 9 days ago, for /b; a request last would have needed it 3 hours ago, for /a "+
		"(retired rules)", func(s *migration.Situation) {
		last(9*day, "b")(s)
		s.Retired = migration.Mark{At: before(3 * time.Hour), Key: "a"}
	})
	f("nothing has needed the old origin since counting began 30 days ago; 1 request of the last hour met a paused rule; "+
		"2 objects not yet in the bucket; 1 object could not be saved", func(s *migration.Situation) {
		s.Hour.Numbers[migration.Paused], s.Waiting, s.Dead = 1, 2, 1
	})
}

// A sentence over several rules adds up their numbers, and tells the last of what happened to any.
func TestSentenceOfSite(t *testing.T) {
	r := open(t)
	video, ids := migration.ID{Site: "site", Rule: "video"}, []migration.ID{images(), {Site: "site", Rule: "video"}}
	equal(t, "at the beginning", r.sentence(ids...), "no request has come since counting began less than a minute ago")
	r.need(images(), "a.jpg")
	r.wait(time.Second)
	r.need(video, "b.mp4")
	for range 6 {
		r.answer(video)
	}
	equal(t, "both", r.sentence(ids...), "25 % of requests still need the old origin: 2 of 8 in the last minute")
	equal(t, "one", r.sentence(images()), "100 % of requests still need the old origin: 1 of 1 in the last minute")
	fail := func(id migration.ID) {
		r.answer(id, migration.Failed)
		r.Note(migration.Event{ID: id, Kind: migration.FailedIt, Key: "c.mp4", Why: "the origin could not be asked"})
	}
	r.wait(2 * time.Hour)
	fail(video)
	const failing = "the old origin was last needed 2 hours ago, for /b.mp4; the origin of rule video failed less than a " +
		"minute ago: the origin could not be asked; 1 request of the last hour could not be answered"
	equal(t, "failing", r.sentence(ids...), failing)
	r.wait(2 * time.Second)
	r.need(video, "b.mp4") // it is back
	equal(t, "failing no more", r.sentence(ids...), "50 % of requests still need the old origin: 1 of 2 in the last hour; "+
		"1 request of the last hour could not be answered")
}
