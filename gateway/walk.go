package gateway

import (
	"errors"
	"net/http"

	"go.opentelemetry.io/otel/trace"

	"mirrorgate/cache"
	"mirrorgate/rules"
)

// visit is one request on its walk.
type visit struct {
	g    *Gateway
	r    *request
	site *Site
	d    rules.Decision
	span trace.Span // of the request; nil: it is not traced
	solo bool       // what an origin answers is for this client alone

	entered  bool // it counts under limits.max_inflight until its end
	answered Answered
}

// walk takes a request from its host and path to an answer. Every error has a line in the table of fault.go.
func (v *visit) walk() (*answer, error) {
	if err := v.decide(); err != nil {
		return nil, err
	}
	if v.entered = v.g.enter(); !v.entered {
		return nil, errOverloaded
	}
	return v.answer()
}

// decide finds the site, the key and the rule. It is quick, and done for requests that are too many, too: what is told
// of those names them.
func (v *visit) decide() error {
	if v.r.method != http.MethodGet && v.r.method != http.MethodHead {
		return errMethod
	}
	if v.site = v.g.hosts.Load().find(v.r.host); v.site == nil {
		return errNoSite
	}
	v.answered.Site = v.site.Name
	key, err := rules.Key(v.r.path, v.site.Key)
	if err != nil {
		return err
	}
	v.d = v.site.Rules.Decide(rules.Request{Key: key, Query: v.r.query, HasQuery: v.r.hasQuery})
	v.answered.Key, v.answered.Rule = v.d.ObjectKey, v.d.RuleID()
	v.traced()
	return v.d.Err
}

// answer asks the bucket and then the rule; or only the rule, where it holds always.
func (v *visit) answer() (*answer, error) {
	if v.d.Always {
		return v.miss()
	}
	// An object may be stored between the look into the bucket and the pull; then the bucket has it.
	var err error
	for range 3 {
		var a *answer
		if a, err = v.find(); errors.Is(err, cache.ErrNotFound) {
			a, err = v.miss()
		}
		if !errors.Is(err, cache.ErrStored) {
			return a, err
		}
	}
	return nil, err
}

// plan is what origins would be asked for this client.
func (v *visit) plan() (rules.Plan, error) {
	plan, err := v.d.Plan(v.r.header())
	v.solo = plan.Solo
	return plan, err
}

// miss answers by the rule's mode.
func (v *visit) miss() (*answer, error) {
	if v.d.Rule == nil {
		return nil, errNoRule
	}
	if v.d.Mode == rules.ModeDeny {
		return nil, &deniedError{Status: v.d.Status}
	}
	if v.r.looped(v.site.Rules.LoopToken()) {
		return nil, errLoop
	}
	if v.d.State != rules.StateActive {
		return nil, v.unasked()
	}
	switch v.d.Mode {
	case rules.ModeRedirect:
		return v.redirect()
	case rules.ModeProxy:
		return v.proxy()
	default:
		if v.r.method == http.MethodHead {
			return v.head()
		}
		return v.mirror()
	}
}

// unasked is the answer in place of the origin's, while the rule's state keeps it from being asked. What it would not
// have been asked either is answered as ever: that does not need the origin. What is remembered of the origin is not
// looked at, nor is a pull joined that began before.
func (v *visit) unasked() error {
	if v.headOff() {
		return errHeadOff
	}
	if _, err := v.plan(); err != nil {
		return err
	}
	return &unaskedError{v.d.State}
}
