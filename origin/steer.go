package origin

import (
	"errors"
	"time"
)

// steering is what somebody who runs the gateway wants of a target. It holds until it is changed back, whatever
// Origin the rule has by then.
type steering struct {
	state string
	why   error
}

// steeredAgain is when to come again: there is no telling when somebody ends what somebody began.
const steeredAgain = 30 * time.Second

// errDraining is why a target is passed over that nothing is wrong with.
var errDraining = errors.New("it is being drained")

// Drain has a target passed over by new pulls, as if its breaker were open; those under way end by themselves. It
// tells whether there is such a target.
func (o *Origin) Drain(target string) bool {
	t := o.targets[target]
	if t == nil {
		return false
	}
	t.tally.steered.Store(&steering{StateDraining, errDraining})
	return true
}

// Pause has all targets passed over, and so all new pulls fail with KindBusy.
func (o *Origin) Pause() {
	o.tally.steer(&steering{StatePaused, errors.New("all pulls of the rule are paused")})
}

// Resume ends Drain and Pause.
func (o *Origin) Resume() { o.tally.steer(nil) }

// steer steers both targets, one that the rule may get later too.
func (t *Tally) steer(s *steering) {
	t.primary.steered.Store(s)
	t.backup.steered.Store(s)
}

// left tells why somebody wants the target to be left alone; nil if nobody does.
func (t *target) left() *Error {
	if s := t.tally.steered.Load(); s != nil {
		return passOver(steeredAgain, s.why)
	}
	return nil
}
