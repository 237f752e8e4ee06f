// Package telemetry sets up OpenTelemetry: where metrics and traces of all packages go. Metrics are there for
// Prometheus to fetch, and go to a collector if the configuration names one; traces go there only.
//
// It measures nothing itself: each package makes its instruments of the Meter, and its spans with the Tracer, that it
// is given. A collector that is slow or away holds nothing up; what it misses is dropped.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// scope names what all instruments and spans belong to.
const scope = "mirrorgate"

// pushEvery is how often metrics go to a collector.
const pushEvery = 15 * time.Second

// Telemetry is a process's. Its methods may be called concurrently.
type Telemetry struct {
	metrics  *sdkmetric.MeterProvider
	traces   *sdktrace.TracerProvider // nil: nobody takes any
	registry *prometheus.Registry
	added    producers
	log      *slog.Logger
}

// Options is what Telemetry stands on.
type Options struct {
	Config
	Version  string // of the program
	Instance string // which of several gateways this is
	Log      *slog.Logger
}

// New sets everything up. It connects to nothing yet. End it with Shutdown.
func New(ctx context.Context, o Options) (*Telemetry, error) {
	t := &Telemetry{registry: prometheus.NewRegistry(), log: o.Log}
	about := resource.NewSchemaless(
		attribute.String("service.name", scope), attribute.String("service.version", o.Version),
		attribute.String("service.instance.id", o.Instance),
	)
	t.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := exporter.New(exporter.WithRegisterer(t.registry), exporter.WithoutScopeInfo(),
		exporter.WithProducer(&t.added))
	if err != nil {
		return nil, fmt.Errorf("metrics for Prometheus: %w", err)
	}
	metrics := []sdkmetric.Option{sdkmetric.WithResource(about), sdkmetric.WithReader(reader)}
	if o.OTLP != "" {
		pushed, err := t.push(ctx, o, about)
		if err != nil {
			return nil, fmt.Errorf("telemetry.otlp: %w", err)
		}
		metrics = append(metrics, sdkmetric.WithReader(pushed))
	}
	t.metrics = sdkmetric.NewMeterProvider(metrics...)
	return t, nil
}

// push sets up what goes to a collector.
func (t *Telemetry) push(ctx context.Context, o Options, about *resource.Resource) (sdkmetric.Reader, error) {
	base, err := url.Parse(o.OTLP)
	if err != nil {
		return nil, err
	}
	at := func(signal string) string { return base.JoinPath("v1", signal).String() }
	traces, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(at("traces")))
	if err != nil {
		return nil, err
	}
	t.traces = sdktrace.NewTracerProvider(sdktrace.WithResource(about),
		sdktrace.WithBatcher(&spans{utf8Exporter{traces}, outage{log: t.log, what: "traces"}}),
		sdktrace.WithSampler(sdktrace.ParentBased(linked{sdktrace.TraceIDRatioBased(o.Sample)})))
	metrics, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(at("metrics")))
	if err != nil {
		return nil, err
	}
	return sdkmetric.NewPeriodicReader(&points{metrics, outage{log: t.log, what: "metrics"}},
		sdkmetric.WithInterval(pushEvery), sdkmetric.WithProducer(&t.added)), nil
}

// Add has p bring metrics that are not kept in instruments.
func (t *Telemetry) Add(p sdkmetric.Producer) { t.added.add(p) }

// Meter is what packages make their instruments of.
func (t *Telemetry) Meter() metric.Meter { return t.metrics.Meter(scope) }

// Tracer is what packages make their spans with; nil: nobody takes any.
func (t *Telemetry) Tracer() trace.Tracer {
	if t.traces == nil {
		return nil
	}
	return t.traces.Tracer(scope)
}

// Handler answers Prometheus.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Shutdown sends what has not gone out yet, for as long as ctx allows.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	err := t.metrics.Shutdown(ctx)
	if t.traces != nil {
		err = errors.Join(err, t.traces.Shutdown(ctx))
	}
	return err
}
