package cache

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Measure is a metric that is read off a state S whenever metrics are collected.
type Measure[S any] struct {
	Name, Unit, Says string
	Counts           bool // it counts from the start on; else it is a level, which rises and falls
	// Read puts the values, each with labels of its own.
	Read func(s S, put func(n int64, labels ...attribute.KeyValue))
}

// Level is a Measure of one value that rises and falls.
func Level[S any](name, unit, says string, of func(S) int64) Measure[S] {
	return Measure[S]{name, unit, says, false, func(s S, put func(int64, ...attribute.KeyValue)) { put(of(s)) }}
}

// Count is a Measure of one number that counts from the start on.
func Count[S any](name, unit, says string, of func(S) int64) Measure[S] {
	m := Level(name, unit, says, of)
	m.Counts = true
	return m
}

// Observe makes the instruments of a state, which is asked for once in each collection.
func Observe[S any](meter metric.Meter, state func() S, measures ...Measure[S]) error {
	instruments := make([]metric.Observable, len(measures))
	var problems []error
	for i, m := range measures {
		made, err := m.instrument(meter)
		instruments[i] = made
		problems = append(problems, err)
	}
	_, err := meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		s := state()
		for i, m := range measures {
			m.Read(s, func(n int64, labels ...attribute.KeyValue) {
				to.ObserveInt64(instruments[i].(metric.Int64Observable), n, metric.WithAttributes(labels...))
			})
		}
		return nil
	}, instruments...)
	return errors.Join(append(problems, err)...)
}

func (m *Measure[S]) instrument(meter metric.Meter) (metric.Int64Observable, error) {
	if m.Counts {
		return meter.Int64ObservableCounter(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Says))
	}
	return meter.Int64ObservableGauge(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Says))
}
