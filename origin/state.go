package origin

import "time"

// The states of a target.
const (
	StateUp      = "up"
	StateOpen    = "open"    // its breaker lets nothing through but a probe
	StateWaiting = "waiting" // it asked for a pause (Retry-After)

	StateDraining = "draining" // Drain was called
	StatePaused   = "paused"   // Pause was called
)

// states lists them.
func states() []string { return []string{StateUp, StateOpen, StateWaiting, StateDraining, StatePaused} }

// TargetState is how a target is.
type TargetState struct {
	Target string    // primary or backup
	URL    string    // of a bucket, that of its keys
	State  string    // of the closed set above
	Until  time.Time // of StateOpen and StateWaiting
	// Inflight is how many pulls from it are under way.
	Inflight int
	// Pulls counts what came of them since the start: ok, canceled (whoever wanted it has left) and each Kind. Those
	// for which it was not asked, because it was passed over or a limit reached, are busy.
	Pulls     map[string]int64
	LastError string // public; "": there was none
	LastAsked time.Time
}

// States returns the targets in the order in which they are asked.
func (o *Origin) States() []TargetState {
	all := make([]TargetState, 0, len(o.targets))
	for _, role := range []string{rolePrimary, roleBackup} {
		if t := o.targets[role]; t != nil {
			all = append(all, o.stateOf(t))
		}
	}
	return all
}

func (o *Origin) stateOf(t *target) TargetState {
	s := TargetState{Target: t.role, URL: t.base.String(), Inflight: int(t.tally.inflight.Load())}
	s.State, s.Until = t.state(o.now())
	s.Pulls, _ = t.tally.pulls()
	s.LastError, s.LastAsked = t.tally.last()
	return s
}

// state is what keeps requests away from the target, if anything does, and until when.
func (t *target) state(now time.Time) (state string, until time.Time) {
	if s := t.tally.steered.Load(); s != nil {
		return s.state, time.Time{}
	}
	if until, open := t.breaker.state(); open {
		return StateOpen, until
	}
	if until := t.pause.end(); until.After(now) {
		return StateWaiting, until
	}
	return StateUp, time.Time{}
}
