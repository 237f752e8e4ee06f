package telemetry

import (
	"context"
	"errors"
	"slices"
	"sync"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// producers are those that have been added: the SDK wants to know its producers before there is anything to measure.
type producers struct {
	mu   sync.Mutex
	list []sdkmetric.Producer
}

var _ sdkmetric.Producer = (*producers)(nil)

func (p *producers) add(one sdkmetric.Producer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, one)
}

// Produce is what all of them have.
func (p *producers) Produce(ctx context.Context) (all []metricdata.ScopeMetrics, err error) {
	p.mu.Lock()
	list := slices.Clone(p.list)
	p.mu.Unlock()
	for _, one := range list {
		metrics, failed := one.Produce(ctx)
		all, err = append(all, metrics...), errors.Join(err, failed)
	}
	return all, err
}
