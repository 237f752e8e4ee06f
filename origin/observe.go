package origin

import (
	"context"
	"errors"
	"maps"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// observed are the instruments that read the tallies, and how the targets are.
type observed struct {
	pulls, received, cut, resumes metric.Int64ObservableCounter
	inflight, state               metric.Int64ObservableGauge
}

// observe makes them.
func (t *Tallies) observe(meter metric.Meter) error {
	var problems []error
	counter := func(name, unit, says string) metric.Int64ObservableCounter {
		c, err := meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(says))
		problems = append(problems, err)
		return c
	}
	gauge := func(name, unit, says string) metric.Int64ObservableGauge {
		g, err := meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(says))
		problems = append(problems, err)
		return g
	}
	o := observed{
		pulls:    counter("mirrorgate.origin.pulls", "{pull}", "What came of pulls from a target."),
		received: counter("mirrorgate.origin.received", "By", "Bytes of bodies that came from a target."),
		cut:      counter("mirrorgate.origin.cut_bodies", "{body}", "Bodies that broke off, and did not go on."),
		resumes:  counter("mirrorgate.origin.resumes", "{attempt}", "Attempts to go on with a body that had broken off."),
		inflight: gauge("mirrorgate.origin.inflight", "{pull}", "Pulls under way."),
		state:    gauge("mirrorgate.origin.state", "", "1: the target is in this state, 0: it is not."),
	}
	_, err := meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		t.mu.Lock()
		all := slices.Collect(maps.Values(t.byRule))
		t.mu.Unlock()
		for _, tally := range all {
			o.counts(to, tally, rolePrimary)
			o.counts(to, tally, roleBackup)
		}
		for _, origin := range t.inForce() {
			o.states(to, origin)
		}
		return nil
	}, o.pulls, o.received, o.cut, o.resumes, o.inflight, o.state)
	return errors.Join(append(problems, err)...)
}

// counts reads what is counted of a target, once it was to be asked.
func (o observed) counts(to metric.Observer, t *Tally, role string) {
	target := t.target(role)
	_, endings := target.pulls()
	if len(endings) == 0 {
		return
	}
	for how, n := range endings {
		more := []attribute.KeyValue{attribute.String(labelResult, how.result)}
		if how.reason != "" {
			more = append(more, attribute.String(labelError, how.reason))
		}
		to.ObserveInt64(o.pulls, n, t.labels(role, more...))
	}
	to.ObserveInt64(o.received, target.received.Load(), t.labels(role))
	to.ObserveInt64(o.cut, target.cut.Load(), t.labels(role))
	result := func(is string) metric.MeasurementOption { return t.labels(role, attribute.String(labelResult, is)) }
	to.ObserveInt64(o.resumes, target.resumed.Load(), result(resultOK))
	to.ObserveInt64(o.resumes, target.stuck.Load(), result(string(KindFailed)))
}

// states reads how the targets of an Origin are.
func (o observed) states(to metric.Observer, from *Origin) {
	for _, s := range from.States() {
		to.ObserveInt64(o.inflight, int64(s.Inflight), from.tally.labels(s.Target))
		for _, state := range states() {
			is := int64(0)
			if state == s.State {
				is = 1
			}
			to.ObserveInt64(o.state, is, from.tally.labels(s.Target, attribute.String(labelState, state)))
		}
	}
}
