package origin

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"
)

// stateOf returns the state of a target.
func stateOf(t *testing.T, o *Origin, role string) TargetState {
	t.Helper()
	for _, s := range o.States() {
		if s.Target == role {
			return s
		}
	}
	t.Fatalf("there is no %s", role)
	return TargetState{}
}

func TestStates(t *testing.T) {
	server, change := startSwitched(t, fine)
	o := open(t, server.url(), nil)
	c := stopClock(o)
	f := func(state string, until time.Duration) {
		t.Helper()
		s := stateOf(t, o, rolePrimary)
		if s.State != state || until > 0 && !s.Until.Equal(c.now().Add(until)) || until == 0 && !s.Until.IsZero() {
			t.Errorf("is %s until %s, want %s for %s", s.State, s.Until, state, until)
		}
	}
	f(StateUp, 0)
	change(asking(503, "7"))
	refused(t, o, get(o, "/"), KindBusy)
	f(StateWaiting, 7*time.Second)
	c.pass(7 * time.Second)
	f(StateUp, 0)
	c.pass(o.c.Breaker.Window) // the 503 was a failure, too
	change(answering(500))
	spoil(t, o, rolePrimary)
	f(StateOpen, o.c.Breaker.Open)
	change(fine)
	c.pass(o.c.Breaker.Open)
	content(t, fetched(t, o, get(o, "/")))
	f(StateUp, 0)
}

func TestPullsAreCounted(t *testing.T) {
	f := func(name, says, want string, failed string) {
		t.Run(name, func(t *testing.T) {
			server, patient := startSaying(t, says), patience
			if says == "" {
				server, patient = startHanging(t, ""), 50*time.Millisecond
			}
			o := open(t, server.url(), func(c *Config) { c.PassStatus, c.Timeouts.FirstByte = []int{403}, patient })
			asked := time.Now()
			if r, err := fetch(t, o, get(o, "/")); err == nil {
				content(t, r)
			}
			s := stateOf(t, o, rolePrimary)
			if !maps.Equal(s.Pulls, map[string]int64{want: 1}) || !strings.Contains(s.LastError, failed) || failed == "" && s.LastError != "" {
				t.Errorf("counts %v, last error %q", s.Pulls, s.LastError)
			}
			if s.LastAsked.Before(asked) || s.LastAsked.After(time.Now()) || s.Inflight != 0 || s.URL != server.url() {
				t.Errorf("is %+v", s)
			}
		})
	}
	f("ok", fine, "ok", "")
	f("not found", answering(404), "not_found", "")
	f("passed", answering(403), "passed", "")
	f("failed", answering(500), "failed", "answered with an error")
	f("timeout", "", "timeout", "in time")
	f("busy", asking(503, "9"), "busy", "overloaded")
}

func TestBackupHasItsOwnCount(t *testing.T) {
	primary, backup := startSaying(t, answering(500)), startSaying(t, fine)
	o := openBoth(t, primary.url(), backup.url(), nil)
	spoil(t, o, rolePrimary)
	failures := int64(o.c.Breaker.Failures)
	content(t, fetched(t, o, get(o, "/")))
	p, b := stateOf(t, o, rolePrimary), stateOf(t, o, roleBackup)
	if !maps.Equal(p.Pulls, map[string]int64{"failed": failures, "busy": 1}) || !maps.Equal(b.Pulls, map[string]int64{"ok": 1}) {
		t.Errorf("primary %v, backup %v", p.Pulls, b.Pulls)
	}
	if !strings.Contains(p.LastError, "answered with an error") {
		t.Errorf("the last error is %q: being passed over is none", p.LastError)
	}
}

func TestPullsUnderWay(t *testing.T) {
	server := startSaying(t, begun)
	o := open(t, server.url(), nil)
	first, second := fetched(t, o, get(o, "/")), fetched(t, o, get(o, "/"))
	if n := stateOf(t, o, rolePrimary).Inflight; n != 2 {
		t.Errorf("%d pulls are under way", n)
	}
	first.Body.Close()
	first.Body.Close()
	second.Body.Close()
	if n := stateOf(t, o, rolePrimary).Inflight; n != 0 {
		t.Errorf("%d pulls are under way after their end", n)
	}
}

func TestCallerWhoLeavesIsNoFailure(t *testing.T) {
	server := startHanging(t, "")
	o := open(t, server.url(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-server.heads
		cancel()
	}()
	_, err := o.Fetch(ctx, get(o, "/"))
	failedAs(t, err, KindFailed)
	s := stateOf(t, o, rolePrimary)
	if !maps.Equal(s.Pulls, map[string]int64{"canceled": 1}) || s.LastError != "" || s.Inflight != 0 {
		t.Errorf("is %+v", s)
	}
}

func TestNoPlaceIsCounted(t *testing.T) {
	server := startSaying(t, fine)
	o := open(t, server.url(), func(c *Config) { c.MaxConcurrent, c.Timeouts.Answer = 1, 20*time.Millisecond })
	held := fetched(t, o, get(o, "/"))
	defer held.Body.Close()
	refused(t, o, get(o, "/"), KindBusy)
	if s := stateOf(t, o, rolePrimary); s.Pulls["busy"] != 1 || s.Inflight != 1 {
		t.Errorf("is %+v", s)
	}
}

func TestTallyOutlivesItsOrigin(t *testing.T) {
	server := startSaying(t, fine)
	tally := new(Tally)
	c := DefaultConfig()
	c.Primary = Target{URL: server.url()}
	for range 2 {
		o := openWith(t, c, Options{Tally: tally})
		content(t, fetched(t, o, get(o, "/")))
	}
	if s := stateOf(t, openWith(t, c, Options{Tally: tally}), rolePrimary); s.Pulls["ok"] != 2 {
		t.Errorf("counts %v", s.Pulls)
	}
}
