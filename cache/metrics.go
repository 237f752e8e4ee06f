package cache

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Observe makes the instruments of a Cache.
func (c *Cache) Observe(meter metric.Meter) error {
	return Observe(meter, c.Stats,
		Level("mirrorgate.cache.flights", "{pull}", "Pulls under way, those that wait or follow another gateway too.",
			func(s Stats) int64 { return int64(s.Flights) }),
		Level("mirrorgate.cache.readers", "{reader}", "Clients that read from a pull under way.",
			func(s Stats) int64 { return int64(s.Readers) }),
		Level("mirrorgate.cache.waiting", "{request}", "Requests that wait for the first byte of a pull.",
			func(s Stats) int64 { return int64(s.Waiting) }),
		Level("mirrorgate.cache.pulls", "{pull}", "Places of limits.max_pulls that are taken.",
			func(s Stats) int64 { return int64(s.Pulls) }),
		Level("mirrorgate.cache.pulls.limit", "{pull}", "limits.max_pulls.",
			func(s Stats) int64 { return int64(s.MaxPulls) }),
		Level("mirrorgate.cache.relays", "{pull}", "Bodies that come from other gateways' pulls.",
			func(s Stats) int64 { return int64(s.Relays) }),
		Level("mirrorgate.cache.negatives", "{answer}", "Remembered answers that an origin has no such object.",
			func(s Stats) int64 { return int64(s.Negatives) }),
		Measure[Stats]{
			Name: "mirrorgate.cache.not_kept", Unit: "{answer}", Counts: true,
			Says: "Origins' answers that were not kept, by reason.", Read: readNotKept,
		},
		Level("mirrorgate.memory.size", "By", "Bodies and headers that memory keeps.",
			func(s Stats) int64 { return s.Memory.Bytes }),
		Level("mirrorgate.memory.limit", "By", "memory.max_bytes; 0: nothing is kept in memory.",
			func(s Stats) int64 { return s.Memory.Max }),
		Level("mirrorgate.memory.held", "By", "Bodies that memory keeps, that arrive, or that are being read.",
			func(s Stats) int64 { return s.Memory.Held }),
		Level("mirrorgate.memory.entries", "{object}", "Objects that memory knows.",
			func(s Stats) int64 { return int64(s.Memory.Entries) }),
		Count("mirrorgate.memory.evictions", "{object}", "Objects that memory dropped for want of room.",
			func(s Stats) int64 { return s.Memory.Evicted }),
		Count("mirrorgate.memory.checks", "{request}", "Requests to a bucket whether what memory has is still the object.",
			func(s Stats) int64 { return s.Memory.Checks }),
	)
}

func readNotKept(s Stats, put func(int64, ...attribute.KeyValue)) {
	for why, n := range s.NotKept {
		put(n, attribute.String("mirrorgate.site", why.Site), attribute.String("mirrorgate.reason", why.Reason))
	}
}
