package shared

import (
	"context"
	"fmt"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"mirrorgate/test/harness"
)

func TestObserve(t *testing.T) {
	t.Parallel()
	server := harness.StartRedis(t)
	f := newFleet(t, server.URL)
	m := f.run(short)
	reader := sdkmetric.NewManualReader()
	if err := m.Observe(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter("")); err != nil {
		t.Fatal(err)
	}
	server.Do(t, "set", m.names.lease(image(1)), "garbage")
	m.claims(image(1), nil, "nothing")
	if lease := m.claims(image(2), nil, "lease").Lease; lease != nil {
		defer lease.Release()
	}
	if _, err := m.Admit(func(string) string { return "" }); err == nil {
		t.Error("nobody's request was admitted")
	}
	is := func(want map[string]int64) error {
		var all metricdata.ResourceMetrics
		if err := reader.Collect(context.Background(), &all); err != nil {
			return err
		}
		for _, metric := range all.ScopeMetrics[0].Metrics {
			var got int64
			switch data := metric.Data.(type) {
			case metricdata.Gauge[int64]:
				got = data.DataPoints[0].Value
			case metricdata.Sum[int64]:
				got = data.DataPoints[0].Value
			}
			if n, ok := want[metric.Name]; ok && got != n {
				return fmt.Errorf("%s is %d, want %d", metric.Name, got, n)
			}
		}
		return nil
	}
	if err := is(map[string]int64{
		"mirrorgate.redis.up": 1, "mirrorgate.fleet.members": 1, "mirrorgate.fleet.leases": 1,
		"mirrorgate.redis.foreign": 1, "mirrorgate.redis.untold": 0, "mirrorgate.fleet.refused": 1,
	}); err != nil {
		t.Error(err)
	}
	server.Kill()
	harness.Eventually(t, 10*time.Second, func() error { return is(map[string]int64{"mirrorgate.redis.up": 0}) })
}
