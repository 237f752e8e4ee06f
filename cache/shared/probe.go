package shared

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	calm   = 10 * time.Second // without an outage, after which the last one is forgotten
	flaps  = 8 * time.Second  // the longest time between two probes
	probes = 16               // notes of a probe: over all masters of a Cluster
)

// probe looks once a second whether Redis is back, while it is away; less often if it comes and goes.
func (f *Fleet) probe(ctx context.Context) {
	for p := (rhythm{wait: probing}); pause(ctx, p.wait); {
		switch {
		case !f.link.isAway():
			p.isThere(time.Now())
		case f.link.try(ctx, f.touch) == nil:
			p.isBack(time.Now())
		}
	}
}

// rhythm is how often a probe looks.
type rhythm struct {
	wait time.Duration
	back time.Time // after the last outage
}

func (p *rhythm) isBack(now time.Time) { p.back, p.wait = now, min(2*p.wait, flaps) }

func (p *rhythm) isThere(now time.Time) {
	if now.Sub(p.back) > calm {
		p.wait = probing
	}
}

// touch writes: a replica that must not be written, and a server that is out of memory, would answer a question.
func (f *Fleet) touch(ctx context.Context) error {
	return f.link.exec(ctx, func(pipe redis.Pipeliner) {
		for i := range probes {
			pipe.Set(ctx, f.names.probe(i), format, leaseTTL)
		}
	})
}

func (n names) probe(i int) string { return fmt.Sprintf("%s{p%d}:probe", n.prefix, i) }
