package origin

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// script drives a breaker through a time of its own.
type script struct {
	t   *testing.T
	b   *breaker
	now time.Time
}

func newScript(t *testing.T) *script {
	return &script{t, &breaker{c: BreakerConfig{Failures: 3, Window: 10 * time.Second, Open: 5 * time.Second}}, time.Unix(1e9, 0)}
}

func (s *script) after(d time.Duration) *script {
	s.now = s.now.Add(d)
	return s
}

// begin lets a request through.
func (s *script) begin() pass {
	s.t.Helper()
	p, err := s.b.admit(s.now)
	if err != nil {
		s.t.Fatalf("refused: %v", err)
	}
	return p
}

// refused wants a request to be turned away for so long.
func (s *script) refused(wait time.Duration) *script {
	s.t.Helper()
	_, err := s.b.admit(s.now)
	if err == nil || err.Kind != KindBusy || err.RetryAfter != wait || !errors.Is(err, errIll) {
		s.t.Fatalf("got %+v, want to wait for %s", err, wait)
	}
	return s
}

var errIll = errors.New("ill")

func (s *script) end(p pass, how outcome) change {
	return s.b.settle(p, how, &Error{Kind: KindFailed, Op: opConnect, Err: errIll}, s.now)
}

func (s *script) run(how ...outcome) *script {
	s.t.Helper()
	for _, o := range how {
		s.end(s.begin(), o)
	}
	return s
}

func (s *script) open() bool { return s.b.why != nil }

func TestBreakerOpens(t *testing.T) {
	const ill, well = outcomeIll, outcomeWell
	f := func(name string, open bool, steps func(*script)) {
		t.Helper()
		s := newScript(t)
		if steps(s); s.open() != open {
			t.Errorf("%s: open %t", name, s.open())
		}
	}
	f("two", false, func(s *script) { s.run(ill, ill) })
	f("three", true, func(s *script) { s.run(ill, ill, ill) })
	f("within the window", true, func(s *script) { s.run(ill, ill).after(10 * time.Second).run(ill) })
	f("over the window", false, func(s *script) { s.run(ill, ill).after(10*time.Second + 1).run(ill) })
	f("sliding", true, func(s *script) { s.run(ill).after(6*time.Second).run(ill).after(6*time.Second).run(ill, ill) })
	f("two good ones between", true, func(s *script) { s.run(ill, well, ill, well, ill) })
	f("three good ones between", false, func(s *script) { s.run(ill, well, ill, well, well, ill) })
	f("good ones before", true, func(s *script) { s.run(well, well, well, well, well, ill, ill, ill) })
	f("mostly good", false, func(s *script) {
		for range 100 {
			s.run(well, well, ill)
		}
	})
	f("nothing to say", false, func(s *script) { s.run(ill, outcomeUnknown, ill, outcomeUnsent, outcomeUnknown) })
	f("nothing to say between", true, func(s *script) { s.run(ill, outcomeUnknown, ill, outcomeUnsent, ill) })
	f("spoiled", true, func(s *script) {
		for range 3 {
			p := s.begin()
			s.end(p, well)
			s.end(p, outcomeSpoiled)
		}
	})
	f("spoiled, and good ones between", true, func(s *script) {
		for range 3 {
			p := s.run(well).begin()
			s.end(p, well)
			s.end(p, outcomeSpoiled)
		}
	})
	f("off", false, func(s *script) {
		s.b.c.Failures = 0
		s.run(ill, ill, ill, ill)
	})
}

func TestBreakerKeepsLittle(t *testing.T) {
	s := newScript(t)
	for range 1000 {
		s.run(outcomeIll).after(time.Minute)
	}
	if n := cap(s.b.failed); n > 16 {
		t.Errorf("room for %d failures", n)
	}
}

func TestProbe(t *testing.T) {
	opened := func(t *testing.T) *script {
		s := newScript(t).run(outcomeIll, outcomeIll, outcomeIll)
		return s.refused(5 * time.Second).after(4 * time.Second).refused(time.Second).after(time.Second)
	}
	t.Run("well", func(t *testing.T) {
		s := opened(t)
		probe := s.begin()
		s.refused(5 * time.Second).after(4500 * time.Millisecond).refused(time.Second).after(time.Minute).refused(time.Second)
		if s.end(probe, outcomeWell) != changeClosed || s.open() {
			t.Error("it did not close")
		}
		s.run(outcomeIll, outcomeIll)
		if s.open() {
			t.Error("what was before still counts")
		}
	})
	t.Run("ill", func(t *testing.T) {
		s := opened(t)
		probe := s.begin()
		s.after(3 * time.Second)
		if s.end(probe, outcomeIll) != changeNone {
			t.Error("it is said to have opened again")
		}
		s.refused(5 * time.Second).after(5 * time.Second)
		s.end(s.begin(), outcomeWell)
		s.begin()
	})
	t.Run("nothing to say", func(t *testing.T) {
		s := opened(t)
		s.end(s.begin(), outcomeUnknown)
		s.refused(5 * time.Second).after(5 * time.Second).begin()
	})
	t.Run("never sent", func(t *testing.T) {
		s := opened(t)
		s.end(s.begin(), outcomeUnsent)
		s.begin()
		s.refused(5 * time.Second)
	})
	t.Run("checking does not probe", func(t *testing.T) {
		s := opened(t)
		if err := s.b.check(s.now); err != nil {
			t.Error(err)
		}
		s.begin()
		if s.b.check(s.now) == nil {
			t.Error("a second probe would be let through")
		}
	})
}

// What was let through before the breaker opened, or closed, does not count after that.
func TestLateOutcomes(t *testing.T) {
	s := newScript(t)
	early := []pass{s.begin(), s.begin(), s.begin(), s.begin()}
	s.run(outcomeIll, outcomeIll, outcomeIll)
	s.end(early[0], outcomeWell)
	s.refused(5 * time.Second).after(time.Second)
	s.end(early[0], outcomeIll)
	s.refused(4 * time.Second).after(4 * time.Second)
	s.run(outcomeWell)
	for _, p := range early {
		s.end(p, outcomeIll)
	}
	if s.open() {
		t.Error("it opened because of what was long ago")
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f := func(said, date string, want time.Duration) {
		t.Helper()
		h := map[string][]string{"Retry-After": {said}, "Date": {date}}
		if got := retryAfter(h, now); got != want {
			t.Errorf("%q at %q: %s, want %s", said, date, got, want)
		}
	}
	f("", "", 0)
	f("0", "", 0)
	f("7", "", 7*time.Second)
	f(" 7 ", "", 7*time.Second)
	f("60", "", maxPause)
	f("61", "", maxPause)
	f("86400", "", maxPause)
	f(strings.Repeat("9", 100), "", maxPause)
	f("-7", "", 0)
	f("1.5", "", 0)
	f("7s", "", 0)
	f("soon", "", 0)
	f("Sun, 01 Mar 2026 12:00:07 GMT", "", 7*time.Second)
	f("Sun, 01 Mar 2026 11:59:59 GMT", "", 0)
	f("Sun, 01 Mar 2026 13:00:00 GMT", "", maxPause)
	f("Sun, 01 Mar 2026 13:00:00 GMT", "Sun, 01 Mar 2026 12:59:57 GMT", 3*time.Second)
	f("Sunday, 01-Mar-26 12:00:07 GMT", "whenever", 7*time.Second)
}

func TestPause(t *testing.T) {
	var p pause
	at := time.Unix(1e9, 0)
	wait := func(now time.Time) time.Duration {
		if err := p.check(now); err != nil {
			return err.RetryAfter
		}
		return 0
	}
	if wait(at) != 0 || !p.begin(at, 5*time.Second, &Error{Err: errIll}) || wait(at.Add(time.Second)) != 4*time.Second {
		t.Error("it does not begin")
	}
	if p.begin(at.Add(time.Second), time.Second, &Error{Err: errIll}) || wait(at.Add(3*time.Second)) != 2*time.Second {
		t.Error("a shorter pause replaces a longer one")
	}
	if p.begin(at.Add(time.Second), 9*time.Second, &Error{Err: errIll}) || wait(at.Add(5*time.Second)) != 5*time.Second {
		t.Error("it does not last longer")
	}
	if err := p.check(at.Add(2 * time.Second)); !errors.Is(err, errIll) {
		t.Errorf("%v does not say why", err)
	}
	if wait(at.Add(10*time.Second)) != 0 {
		t.Error("it does not end")
	}
}
