package shared

import (
	"go.opentelemetry.io/otel/metric"

	"mirrorgate/cache"
)

// Up tells whether Redis answers, as far as is known.
func (f *Fleet) Up() bool { return !f.link.isAway() }

// Observe makes the instruments.
func (f *Fleet) Observe(meter metric.Meter) error {
	return cache.Observe(meter, func() *Fleet { return f },
		cache.Level("mirrorgate.redis.up", "", "1: Redis answers; 0: this gateway works on its own until it does.", up),
		cache.Level("mirrorgate.fleet.members", "{gateway}", "Gateways of the fleet, as this one has seen last.",
			func(f *Fleet) int64 { return int64(f.Size()) }),
		cache.Level("mirrorgate.fleet.leases", "{pull}", "Pulls that this gateway makes for all.",
			func(f *Fleet) int64 { return int64(len(f.held.all())) }),
		cache.Count("mirrorgate.redis.foreign", "{note}", "Notes in Redis that were not ours to read.",
			func(f *Fleet) int64 { return f.Counts().Foreign }),
		cache.Count("mirrorgate.redis.untold", "{note}", "Notes that could not be written: the others find out later.",
			func(f *Fleet) int64 { return f.Counts().Untold }),
		cache.Count("mirrorgate.fleet.refused", "{request}", "Internal requests that were not proven to be a gateway's.",
			func(f *Fleet) int64 { return f.Counts().Refused }),
	)
}

func up(f *Fleet) int64 {
	if f.Up() {
		return 1
	}
	return 0
}
