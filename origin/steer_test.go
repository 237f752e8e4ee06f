package origin

import (
	"io"
	"net"
	"strings"
	"testing"
)

// A target that is drained is passed over whatever failover_on says, and is not taken for one that was tried.
func TestDrain(t *testing.T) {
	primary, backup := startSaying(t, fine), startSaying(t, answering(404))
	o := openBoth(t, primary.url(), backup.url(), func(c *Config) { c.FailoverOn = []string{"connect"} })
	if o.Drain("other") || !o.Drain(rolePrimary) {
		t.Error("what was drained is not what there is")
	}
	e := refused(t, o, get(o, "/"), KindNotFound)
	if !e.Incomplete || len(primary.heads) > 0 || len(backup.heads) != 1 {
		t.Errorf("failed with %+v; the primary was asked %d times, the backup %d", e, len(primary.heads), len(backup.heads))
	}
	o.Drain(roleBackup)
	e = refused(t, o, get(o, "/"), KindBusy)
	if e.RetryAfter != steeredAgain || e.Op != opPassOver || !strings.Contains(e.Public(), "taken out") {
		t.Errorf("with none left it failed with %+v", e)
	}
	if p, b := stateOf(t, o, rolePrimary), stateOf(t, o, roleBackup); p.State != StateDraining || b.State != StateDraining {
		t.Errorf("they are %s and %s", p.State, b.State)
	}
	o.Resume()
	if r := fetched(t, o, get(o, "/")); r.Target != rolePrimary || content(t, r) != "hello" {
		t.Errorf("resumed, the %s answers", r.Target)
	}
}

// Pausing a rule keeps new pulls from all its targets, whatever they are otherwise.
func TestPauseOfTheRule(t *testing.T) {
	primary, backup := startSaying(t, fine), startSaying(t, fine)
	o := openBoth(t, primary.url(), backup.url(), nil)
	o.Drain(rolePrimary)
	o.Pause()
	e := refused(t, o, get(o, "/"), KindBusy)
	if e.RetryAfter != steeredAgain || len(primary.heads)+len(backup.heads) > 0 {
		t.Errorf("failed with %+v after %d requests", e, len(primary.heads)+len(backup.heads))
	}
	if p, b := stateOf(t, o, rolePrimary), stateOf(t, o, roleBackup); p.State != StatePaused || b.State != StatePaused {
		t.Errorf("they are %s and %s", p.State, b.State)
	}
	o.Resume()
	content(t, fetched(t, o, get(o, "/")))
	if s := stateOf(t, o, rolePrimary); s.State != StateUp {
		t.Errorf("resumed, the primary is %s", s.State)
	}
}

// What was under way when its target was taken out ends, also when the body breaks off and has to be asked for again.
func TestSteeringLetsPullsEnd(t *testing.T) {
	f := func(name string, steer func(*Origin)) {
		t.Run(name, func(t *testing.T) {
			steered, asked := make(chan struct{}), 0
			server := startRaw(t, func(c net.Conn, _ string) bool {
				if asked++; asked == 1 {
					_, _ = io.WriteString(c, begun)
					<-steered
				} else {
					_, _ = io.WriteString(c, rest(4, 10))
				}
				return false
			})
			o := openHasty(t, server.url(), nil)
			r := fetched(t, o, get(o, "/"))
			steer(o)
			close(steered)
			if got := content(t, r); got != digits {
				t.Errorf("the body is %q", got)
			}
			refused(t, o, get(o, "/"), KindBusy)
		})
	}
	f("drained", func(o *Origin) { o.Drain(rolePrimary) })
	f("paused", func(o *Origin) { o.Pause() })
}

// What an Origin goes on with that takes the place of another: it is steered alike, and a backup that it has more is
// paused with the rule.
func TestSteeringOutlivesItsOrigin(t *testing.T) {
	primary, backup := startSaying(t, fine), startSaying(t, fine)
	m := newMeters(t)
	old := m.open(t, primary.url(), "", nil)
	old.Drain(rolePrimary)
	next := m.open(t, primary.url(), backup.url(), nil)
	if r := fetched(t, next, get(next, "/")); r.Target != roleBackup || content(t, r) != "hello" {
		t.Errorf("the %s answers, while the primary is drained", r.Target)
	}
	old.Pause()
	refused(t, next, get(next, "/"), KindBusy)
	m.want(t, map[string]int64{
		"state{rule=r,site=s,state=paused,target=primary}": 1, "state{rule=r,site=s,state=up,target=primary}": 0,
		"state{rule=r,site=s,state=paused,target=backup}": 1, "state{rule=r,site=s,state=draining,target=backup}": 0,
	})
	next.Resume()
	if r := fetched(t, next, get(next, "/")); r.Target != rolePrimary || content(t, r) != "hello" {
		t.Errorf("resumed, the %s answers", r.Target)
	}
}
