package origin

import (
	"net/http"
	"time"
)

// admit lets a request to the target through, or tells why the target is passed over. A pull that goes on after a break
// is under way, and may end.
func (t *target) admit(now time.Time, resumes bool) (pass, *Error) {
	if !resumes {
		if err := t.left(); err != nil {
			return pass{}, err
		}
	}
	if err := t.pause.check(now); err != nil {
		return pass{}, err
	}
	return t.breaker.admit(now)
}

// check tells why the target would be passed over by a new pull.
func (t *target) check(now time.Time) *Error {
	if err := t.left(); err != nil {
		return err
	}
	if err := t.pause.check(now); err != nil {
		return err
	}
	return t.breaker.check(now)
}

// shut tells why no target can be asked at this time; nil if one can. It is asked before there is any waiting.
func (o *Origin) shut(asks []Ask) *Error {
	var failed attempts
	for _, a := range asks {
		err := o.targets[a.Role].check(o.now())
		if err == nil {
			return nil
		}
		err.Target = a.Role
		failed = append(failed, err)
		if !o.over.covers(err) {
			break
		}
	}
	return failed.verdict()
}

// settle tells the target's breaker how a request ended.
func (p *pull) settle(t *target, with pass, how outcome, e *Error) {
	if p.resumes && how == outcomeWell && !with.probe {
		return // it is no other pull that went well
	}
	var why *Error
	if e != nil {
		copied := *e
		copied.Target = t.role
		why = &copied
	}
	switch t.breaker.settle(with, how, why, p.o.now()) {
	case changeOpened:
		p.o.opened(p.budget.ctx, why)
	case changeClosed:
		p.o.log.InfoContext(p.budget.ctx, "target answers again; its breaker is closed", "target", t.role)
	}
}

func outcomeOf(e *Error) outcome {
	switch {
	case e == nil:
		return outcomeWell
	case e.ill:
		return outcomeIll
	case e.Op == opStatus, e.Op == opRedirect:
		return outcomeWell
	case e.Op == opLimit, e.Op == opCredentials:
		return outcomeUnsent
	}
	return outcomeUnknown
}

// sick tells whether a status speaks against the health of the server. 501 and 508 are about the request: a server may
// not know HEAD, and what a client sends in CDN-Loop must not shut out everybody else.
func sick(status int) bool {
	return status >= 500 && status != http.StatusNotImplemented && status != http.StatusLoopDetected
}

// blames tells whether a request without an answer speaks against the target's health. It does not when the place was
// not the target's, when its address was refused here, or when it is the caller who has gone. When the budget of the
// answer ended, others may have used it up: the target must have had half of it.
func (p *pull) blames(h hop, e *Error, took time.Duration) bool {
	switch {
	case !h.kept || !e.Temporary:
		return false
	case p.budget.ctx.Err() == nil:
		return true
	}
	return limitOf(p.budget.ctx) != nil && took >= p.o.c.Timeouts.Answer/2
}
