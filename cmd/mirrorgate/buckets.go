package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"mirrorgate/cache"
	"mirrorgate/cache/bucket"
	"mirrorgate/configs"
)

// opened is a site's bucket, which is looked after while the site has it.
type opened struct {
	bucket.Bucket
	site   string
	config bucket.Config
	end    context.CancelFunc // of looking after it; nil: that has not begun
	ended  chan struct{}
}

// buckets opens the bucket of each site. Those of was whose configuration is the same are kept; fresh are the others.
func (p *process) buckets(cfg *configs.Config, was map[string]*opened) (
	all map[string]*opened, fresh []*opened, err error,
) {
	all = make(map[string]*opened)
	for _, site := range cfg.Sites {
		if kept := was[site.Name]; kept != nil && reflect.DeepEqual(kept.config, site.Bucket) {
			all[site.Name] = kept
			continue
		}
		b, err := bucket.New(site.Bucket, p.uploads, p.log.With("site", site.Name))
		if err != nil {
			return nil, fresh, fmt.Errorf("site %s: open the bucket: %w", site.Name, err)
		}
		o := &opened{Bucket: b, site: site.Name, config: site.Bucket, ended: make(chan struct{})}
		all[site.Name], fresh = o, append(fresh, o)
	}
	return all, fresh, nil
}

// attend looks after a bucket until its end is called, or the process's.
func (p *process) attend(o *opened) {
	var ctx context.Context
	ctx, o.end = context.WithCancel(p.life)
	p.running.Go(func() {
		defer close(o.ended)
		if err := o.Run(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("the bucket is not looked after any more", "site", o.site, "err", err)
		}
	})
}

// readyWithin is how long a reload waits for a bucket from which a site is going to answer.
const readyWithin = 10 * time.Second

// waitReady waits until the buckets may be used.
func waitReady(ctx context.Context, list []*opened) error {
	limited, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for _, o := range list {
		for err := o.Ready(); err != nil; err = o.Ready() {
			select {
			case <-look.C:
			case <-limited.Done():
				return fmt.Errorf("site %s: the bucket was not ready within %v: %w", o.site, readyWithin, err)
			}
		}
	}
	return nil
}

// abandon gives up buckets that were opened for nothing. No trace of them is left.
func abandon(fresh []*opened) error {
	var errs []error
	for _, o := range fresh {
		if o.end != nil {
			o.end()
			<-o.ended
		}
		if dir, ok := o.Bucket.(*bucket.Dir); ok {
			errs = append(errs, dir.Abandon())
		}
	}
	return errors.Join(errs...)
}

// bucket finds the bucket that a site has now.
func (p *process) bucket(site string) (cache.Bucket, bool) {
	o, ok := p.now.Load().buckets[site]
	if !ok {
		return nil, false
	}
	return o.Bucket, true
}
