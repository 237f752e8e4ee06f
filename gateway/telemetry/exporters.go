package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// outage logs when a collector takes nothing any more, and when it does again. The SDK would write every failure to the
// standard error, in a form of its own.
type outage struct {
	log  *slog.Logger
	what string
	on   atomic.Bool
}

// note takes in what came of sending.
func (o *outage) note(err error) {
	failed := err != nil
	if o.on.Swap(failed) == failed {
		return
	}
	if failed {
		o.log.Warn("telemetry.otlp takes no "+o.what+": until it does they are dropped", "err", err)
		return
	}
	o.log.Info("telemetry.otlp takes " + o.what + " again")
}

// spans sends spans, and logs outages.
type spans struct {
	sdktrace.SpanExporter
	outage
}

// ExportSpans implements sdktrace.SpanExporter. It handles errors.
func (s *spans) ExportSpans(ctx context.Context, list []sdktrace.ReadOnlySpan) error {
	s.note(s.SpanExporter.ExportSpans(ctx, list))
	return nil
}

// points sends metrics, and logs outages.
type points struct {
	sdkmetric.Exporter
	outage
}

// Export implements sdkmetric.Exporter. It handles errors.
func (p *points) Export(ctx context.Context, all *metricdata.ResourceMetrics) error {
	p.note(p.Exporter.Export(ctx, all))
	return nil
}
