package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"mirrorgate/cache"
	"mirrorgate/configs"
	"mirrorgate/gateway/admin"
)

const (
	liveEvery   = 3 * time.Second       // how often each site's bucket is asked for changes that others have made
	liveSpacing = 10 * time.Millisecond // at least, between two sites
	liveAtOnce  = 8                     // sites that are asked at one time
	liveWithin  = 5 * time.Second       // for one look
	liveStart   = 2 * time.Second       // for the first look at all sites: then the gateway serves
)

// liveStores keeps what the API changes of sites, in the bucket of each: all gateways of a site look there.
type liveStores struct {
	mu     sync.Mutex
	bySite map[string]*liveStore
}

// store is that of a site, nil if there is no such site.
func (p *process) store(site string) *liveStore {
	p.live.mu.Lock()
	defer p.live.mu.Unlock()
	if p.now.Load().buckets[site] == nil {
		delete(p.live.bySite, site)
		return nil
	}
	s := p.live.bySite[site]
	if s == nil {
		s = &liveStore{site: site}
		if p.live.bySite == nil {
			p.live.bySite = make(map[string]*liveStore)
		}
		p.live.bySite[site] = s
	}
	return s
}

// effective is what a file and the API together say. What the file changes of what comes from the API has no effect,
// and is told. An error means that the two do not fit.
func (p *process) effective(file *configs.Config) (*configs.Config, error) {
	now := p.config()
	effective, err := file.With(now.Lives())
	if err != nil {
		return nil, fmt.Errorf("with what the API has changed: %w", err)
	}
	for name, live := range now.Lives() {
		p.warnOverridden(name, live, now.File(), file)
	}
	return effective, nil
}

// steer puts in force what the API has changed, until ctx ends. What was started without a file has no API.
func (p *process) steer(ctx context.Context) {
	if p.file == "" {
		return
	}
	p.loadLives(ctx)
	p.running.Go(func() { p.followLives(ctx) })
}

// loadLives puts in force what the API had changed before this gateway started. What cannot be read by now is when it
// can be; until then the gateway is not ready.
func (p *process) loadLives(ctx context.Context) {
	found := make(map[string]configs.Live)
	var mu sync.Mutex
	var looking sync.WaitGroup
	slots := make(chan struct{}, liveAtOnce)
	limited, cancel := context.WithTimeout(ctx, liveStart)
	defer cancel()
	for name, b := range p.now.Load().buckets {
		s := p.store(name)
		s.awaited.Store(true)
		looking.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			s.mu.Lock()
			defer s.mu.Unlock()
			err := s.read(limited, b)
			if err == nil {
				err = s.unfit
			}
			p.noteLive(s, err)
			if err == nil && !sameLive(s.live, configs.Live{}) {
				mu.Lock()
				defer mu.Unlock()
				found[name] = s.live
			}
		})
	}
	looking.Wait()
	p.enforceEach(ctx, found)
}

// enforceEach puts in force those that can be.
func (p *process) enforceEach(ctx context.Context, found map[string]configs.Live) {
	for len(found) > 0 {
		err := p.enforce(ctx, found)
		var failed configs.LiveError
		if !errors.As(err, &failed) {
			if err != nil {
				p.log.Error("what the API had changed is not in force", "err", err)
			}
			return
		}
		for site := range failed {
			p.noteLive(p.store(site), configs.LiveError{site: failed[site]})
			delete(found, site)
		}
	}
}

// enforce puts lives in force beside those that are. A configs.LiveError: they cannot be, and nothing changes.
func (p *process) enforce(ctx context.Context, lives map[string]configs.Live) error {
	return p.change(ctx, func() (*configs.Config, error) {
		now := p.config()
		all := maps.Clone(now.Lives())
		if all == nil {
			all = make(map[string]configs.Live)
		}
		maps.Copy(all, lives)
		return now.File().With(all)
	})
}

// followLives puts in force what other gateways change, until ctx ends.
func (p *process) followLives(ctx context.Context) {
	var looking sync.WaitGroup
	defer looking.Wait()
	slots := make(chan struct{}, liveAtOnce)
	for {
		sites := p.config().Sites
		pause := max(liveSpacing, liveEvery/time.Duration(len(sites)))
		for _, site := range sites {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause/2 + rand.N(pause)):
			}
			select {
			case <-ctx.Done():
				return
			case slots <- struct{}{}:
			}
			looking.Go(func() {
				defer func() { <-slots }()
				p.lookLive(ctx, site.Name)
			})
		}
	}
}

// lookLive looks for changes of one site, unless it is being changed right now.
func (p *process) lookLive(ctx context.Context, site string) {
	s := p.store(site)
	if s == nil || !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	limited, cancel := context.WithTimeout(ctx, liveWithin)
	defer cancel()
	err := p.followLive(limited, s)
	if ctx.Err() == nil {
		p.noteLive(s, err)
	}
}

// followLive puts in force what the bucket has of a site, if it is not. s.mu is held.
func (p *process) followLive(ctx context.Context, s *liveStore) error {
	b := p.now.Load().buckets[s.site]
	if b == nil {
		return admin.ErrNoSuch
	}
	if err := s.read(ctx, b); err != nil {
		return err
	}
	now := p.config()
	switch {
	case s.unfit != nil:
		return s.unfit
	case sameLive(s.live, now.Lives()[s.site]):
		return nil
	case s.tried == now.File():
		return s.refused
	}
	err := p.enforce(ctx, map[string]configs.Live{s.site: s.live})
	var failed configs.LiveError
	if errors.As(err, &failed) {
		s.tried, s.refused = now.File(), err
	}
	if err == nil {
		p.log.Info("what others have changed of a site is in force", "site", s.site)
	}
	return err
}

// noteLive keeps what is wrong with a site's changes, and says so once.
func (p *process) noteLive(s *liveStore, err error) {
	problem := problemOf(err)
	var failed *cache.BucketError
	if problem == nil || !problem.away || errors.As(err, &failed) && failed.Lasting {
		s.awaited.Store(false)
	}
	last := s.problem.Swap(problem)
	switch {
	case !problem.isNews(last):
	case problem == nil:
		p.log.Info("the changes of a site are in force again", "site", s.site)
	default:
		p.log.Warn("the site goes on as it is", "site", s.site, "why", problem.text)
	}
}

// unread tells whether what the API has changed of a site has not been read since the start.
func (p *process) unread(site string) bool {
	p.live.mu.Lock()
	defer p.live.mu.Unlock()
	s := p.live.bySite[site]
	return s != nil && s.awaited.Load()
}
