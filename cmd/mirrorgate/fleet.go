package main

import (
	"context"

	"mirrorgate/cache"
	"mirrorgate/cache/shared"
	"mirrorgate/gateway"
	"mirrorgate/gateway/admin"
)

// join makes this gateway one of a fleet, if the configuration says so. It does not wait for Redis.
func (p *process) join() error {
	if !p.config().Shared.On() {
		return nil
	}
	member, err := memberID(p.config().DataDir)
	if err != nil {
		return err
	}
	fleet, err := shared.New(shared.Options{
		Config: p.config().Shared, Member: member, Version: programVersion(), Setup: p.config().Setup(),
		Saved: p.cache.Saved, Doubt: p.cache.Doubt,
		Purge:   func(site, prefix string) { p.cache.Purge(site, nil, &prefix) },
		Waiting: p.spool.Has, Each: p.spool.Each,
		Pull: func(ctx context.Context, id cache.ID) error { return p.gateway.PullAgain(ctx, id.Site, id.Key) },
		Log:  p.log,
	})
	if err != nil {
		return err
	}
	p.warnOfDirectories()
	p.fleet = fleet
	p.cache.Join(fleet)
	p.spool.OnLeft(fleet.Left)
	return nil
}

// beInFleet keeps this gateway in its fleet until leave is called, which returns when the last news are out.
func (p *process) beInFleet(ctx context.Context) (leave func()) {
	if p.fleet == nil {
		return func() {}
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = p.fleet.Run(background) // it only ends with its context
	}()
	return func() {
		stop()
		<-done
	}
}

// warnOfDirectories says which buckets may be another one at each gateway. Answers are right all the same; but each
// gateway pulls what its own bucket lacks, and a machine that is lost takes along what it had saved, too.
func (p *process) warnOfDirectories() {
	for _, site := range p.config().Sites {
		if dir := site.Bucket.Dir; dir != "" {
			p.log.Warn("the gateways of a fleet have one bucket: this directory must be the same for all of them",
				"site", site.Name, "dir", dir)
		}
	}
}

// purge drops what is known of a site's objects, here and at all gateways of the fleet: of the keys, and if prefix is
// not nil of all that begin with it. It returns how many entries this gateway had.
func (p *process) purge(site string, keys []string, prefix *string) (dropped int) {
	dropped = p.cache.Purge(site, keys, prefix)
	if p.fleet != nil {
		p.fleet.Purge(site, keys, prefix)
	}
	return dropped
}

// peers is the fleet for the gateway's part of it; nil: there is none.
func (p *process) peers() gateway.Fleet {
	if p.fleet == nil {
		return nil
	}
	return p.fleet
}

// queue is what admin shows of what waits.
func (p *process) queue() admin.Queue {
	if p.fleet == nil {
		return spoolQueue{p.spool}
	}
	return fleetQueue{spoolQueue{p.spool}, p.fleet}
}
