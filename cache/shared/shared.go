package shared

import (
	"context"
	"log/slog"

	"mirrorgate/cache"
)

// Options is what a Fleet needs from the gateway.
type Options struct {
	Config  Config
	Member  string // this gateway's id: stable over restarts, nobody else's
	Version string // of the program
	Setup   string // a hash of the configuration, as far as all gateways should have the same

	// Saved is told of each object that another gateway has written into its bucket, and Doubt when such news may have
	// been missed.
	Saved func(cache.ID)
	Doubt func()

	Log *slog.Logger
}

// Fleet is this gateway's place among the others. All methods may be called concurrently.
type Fleet struct {
	o     Options
	link  *link
	names names
	log   *slog.Logger
}

// New returns a Fleet. It does not wait for Redis, which may be away.
func New(o Options) (*Fleet, error) {
	l, err := newLink(o.Config, o.Log)
	if err != nil {
		return nil, err
	}
	return &Fleet{o: o, link: l, names: newNames(o.Config.Secret), log: o.Log}, nil
}

// Run keeps this gateway's notes, and listens to those of others, until ctx ends.
func (f *Fleet) Run(ctx context.Context) error {
	<-ctx.Done()
	return f.link.close()
}
