package gateway

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// none is the label of requests that no site has, or no rule is for. A site or rule that is named so counts with them.
const none = "none"

// counters are the instruments that read the tallies.
type counters struct{ requests, bytes metric.Int64ObservableCounter }

// Instrument has the meter read the tallies whenever it is asked; a request has nothing to do with it. All labels are
// of closed sets, or names of the configuration. The histograms are brought by Produce.
func (g *Gateway) Instrument(meter metric.Meter) error {
	var c counters
	var failed [3]error
	c.requests, failed[0] = meter.Int64ObservableCounter("mirrorgate.requests", metric.WithUnit("{request}"),
		metric.WithDescription("Requests answered, to the end of their bodies."))
	c.bytes, failed[1] = meter.Int64ObservableCounter("mirrorgate.response.body.size", metric.WithUnit("By"),
		metric.WithDescription("Bytes of bodies sent to clients."))
	_, failed[2] = meter.Int64ObservableUpDownCounter("http.server.active_requests", metric.WithUnit("{request}"),
		metric.WithDescription("Requests being answered, those of other gateways included."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(g.Active())
			return nil
		}))
	if err := errors.Join(failed[:]...); err != nil {
		return err
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		c.observe(o, g.Counts())
		return nil
	}, c.requests, c.bytes)
	return err
}

// observe adds bytes up by site and outcome.
func (c counters) observe(o metric.Observer, list []Counts) {
	type source struct {
		site    string
		outcome Outcome
	}
	bytes := make(map[source]int64)
	for _, of := range list {
		for _, n := range of.Answers {
			o.ObserveInt64(c.requests, n.Requests, metric.WithAttributes(siteLabel(of.Site),
				attribute.String("mirrorgate.rule", orNone(of.Rule)), outcomeLabel(n.Outcome),
				attribute.String("http.response.status_class", classLabel(n.Class))))
			bytes[source{of.Site, n.Outcome}] += n.Bytes
		}
	}
	for from, n := range bytes {
		o.ObserveInt64(c.bytes, n, metric.WithAttributes(siteLabel(from.site), outcomeLabel(from.outcome)))
	}
}

func siteLabel(name string) attribute.KeyValue {
	return attribute.String("mirrorgate.site", orNone(name))
}

func outcomeLabel(o Outcome) attribute.KeyValue {
	return attribute.String("mirrorgate.outcome", o.String())
}

// classLabel is 2xx for 2.
func classLabel(class int) string { return string(rune('0'+class)) + "xx" }

func orNone(name string) string {
	if name == "" {
		return none
	}
	return name
}

var _ sdkmetric.Producer = (*Gateway)(nil)

// Produce brings the histograms of Latencies: OpenTelemetry has no instrument that reads one.
func (g *Gateway) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	now := time.Now()
	var first, total metricdata.Histogram[float64]
	for _, l := range g.Latencies() {
		first.DataPoints = append(first.DataPoints, g.point(now, l, l.FirstByte, l.FirstByteSum))
		total.DataPoints = append(total.DataPoints, g.point(now, l, l.Total, l.TotalSum))
	}
	first.Temporality, total.Temporality = metricdata.CumulativeTemporality, metricdata.CumulativeTemporality
	return []metricdata.ScopeMetrics{{
		Scope: instrumentation.Scope{Name: "mirrorgate"},
		Metrics: []metricdata.Metrics{
			{Name: "http.server.request.duration", Unit: "s", Data: total,
				Description: "From a request to the end of its answer's body."},
			{Name: "mirrorgate.first_byte.duration", Unit: "s", Data: first,
				Description: "From a request to where the first byte of its answer is handed to the connection."},
		},
	}}, nil
}

type histogramPoint = metricdata.HistogramDataPoint[float64]

// point is a histogram of one outcome.
func (g *Gateway) point(now time.Time, l Latency, counts []int64, sum time.Duration) histogramPoint {
	p := histogramPoint{
		Attributes: attribute.NewSet(outcomeLabel(l.Outcome)), StartTime: g.began, Time: now,
		Bounds: l.Bounds, BucketCounts: make([]uint64, len(counts)), Sum: sum.Seconds(),
	}
	for i, n := range counts {
		p.BucketCounts[i] = uint64(n)
		p.Count += uint64(n)
	}
	return p
}
