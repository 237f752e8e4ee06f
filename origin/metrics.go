package origin

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// The labels of metrics. Their values come from the configuration or from closed sets.
const (
	labelSite   = "mirrorgate.site"
	labelRule   = "mirrorgate.rule"
	labelTarget = "mirrorgate.target" // primary or backup
	labelResult = "mirrorgate.result" // ok, canceled or a Kind; of an attempt to resume ok or failed
	labelState  = "mirrorgate.state"
	labelError  = "error.type" // what was tried when a pull failed
)

// Tallies are those of all rules, as metrics. Its methods may be called concurrently.
type Tallies struct {
	timing  timing
	inForce func() []*Origin

	mu     sync.Mutex
	byRule map[[2]string]*Tally // site and rule
}

// timing takes the time of pulls.
type timing struct {
	answer metric.Float64Histogram
	wait   metric.Float64Histogram
}

// NewTallies makes the instruments. inForce returns the Origins of the configuration in force.
func NewTallies(meter metric.Meter, inForce func() []*Origin) (*Tallies, error) {
	t := &Tallies{inForce: inForce, byRule: make(map[[2]string]*Tally)}
	var err error
	if t.timing.answer, err = meter.Float64Histogram("mirrorgate.origin.duration", metric.WithUnit("s"),
		metric.WithDescription("From asking a target to the header of its answer, redirects and one more try included."),
		metric.WithExplicitBucketBoundaries(.005, .025, .1, .25, .5, 1, 2.5, 5, 10, 15, 30)); err != nil {
		return nil, err
	}
	if t.timing.wait, err = meter.Float64Histogram("mirrorgate.origin.wait", metric.WithUnit("s"),
		metric.WithDescription("Time that pulls waited for a place under origin.max_concurrent."),
		metric.WithExplicitBucketBoundaries(.001, .01, .1, .5, 1, 5, 15)); err != nil {
		return nil, err
	}
	return t, t.observe(meter)
}

// Of returns the Tally of a rule, the same for the same names.
func (t *Tallies) Of(site, rule string) *Tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := [2]string{site, rule}
	made := t.byRule[key]
	if made == nil {
		made = &Tally{site: site, rule: rule, timing: &t.timing}
		t.byRule[key] = made
	}
	return made
}

// labels are those of a target's metrics, or without a role of the whole rule's, and the further ones given.
func (t *Tally) labels(role string, more ...attribute.KeyValue) metric.MeasurementOption {
	all := append(more, attribute.String(labelSite, t.site), attribute.String(labelRule, t.rule))
	if role != "" {
		all = append(all, attribute.String(labelTarget, role))
	}
	return metric.WithAttributes(all...)
}

// answered takes the time from asking a target to its answer, or to its failure.
func (t *Tally) answered(role string, took time.Duration) {
	if t.timing != nil {
		t.timing.answer.Record(context.Background(), took.Seconds(), t.labels(role))
	}
}

// waited takes the time that a pull waited for its place.
func (t *Tally) waited(took time.Duration) {
	if t.timing != nil {
		t.timing.wait.Record(context.Background(), took.Seconds(), t.labels(""))
	}
}
