package main

import (
	"context"
	"errors"
	"time"

	"mirrorgate/gateway/telemetry"
)

// farewell is how long the last metrics and traces may take to reach a collector.
const farewell = 2 * time.Second

// openTelemetry sets up where metrics and traces go.
func (p *process) openTelemetry() (err error) {
	member, err := memberID(p.config().DataDir)
	if err != nil {
		return err
	}
	p.telemetry, err = telemetry.New(context.Background(), telemetry.Options{
		Config: p.config().Telemetry, Version: programVersion(), Instance: member, Log: p.log,
	})
	return err
}

// instrument has all parts of the process measured.
func (p *process) instrument() error {
	p.telemetry.Add(p.gateway)
	meter := p.telemetry.Meter()
	err := p.gateway.Instrument(meter)
	if p.access != nil {
		err = errors.Join(err, p.access.Instrument(meter))
	}
	return err
}

func (p *process) closeTelemetry() {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if err := p.telemetry.Shutdown(ctx); err != nil {
		p.log.Info("the last metrics and traces did not reach telemetry.otlp", "err", err)
	}
}
