package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"mirrorgate/cache"
	"mirrorgate/cache/bucket"
	"mirrorgate/cache/shared"
	"mirrorgate/cache/writeback"
	"mirrorgate/configs"
	"mirrorgate/gateway"
	"mirrorgate/gateway/admin"
	"mirrorgate/gateway/telemetry"
)

type serveCmd struct {
	Config string `help:"Configuration file." placeholder:"FILE" xor:"source"`

	Origin   string `help:"Without a file: where missing objects come from." placeholder:"URL" xor:"source"`
	Bucket   string `help:"A directory, or s3://NAME/PREFIX with keys from the environment." placeholder:"DIR"`
	Endpoint string `help:"The S3 endpoint of --bucket s3://…" placeholder:"URL" env:"AWS_ENDPOINT_URL"`
	Region   string `help:"The region of --bucket s3://…" default:"us-east-1" env:"AWS_REGION"`
	Listen   string `help:"Without a file: the address to listen on (127.0.0.1:8080)." placeholder:"ADDR"`
	DataDir  string `help:"Without a file: where pulled objects wait to be saved (./data)." placeholder:"DIR"`
}

// Run serves until the process is told to stop.
func (c *serveCmd) Run(s *streams) error {
	cfg, err := c.configuration()
	if err != nil {
		return err
	}
	log := newLogger(cfg.Log, s.stderr)
	p, err := start(cfg, log)
	if err != nil {
		return err
	}
	return p.run(s.ctx)
}

// process is a gateway with all that it stands on.
type process struct {
	cfg       *configs.Config
	log       *slog.Logger
	ln        net.Listener
	adminLn   net.Listener // nil: none
	spool     *writeback.Spool
	buckets   map[string]bucket.Bucket // by site
	cache     *cache.Cache
	writeback *writeback.Writeback
	fleet     *shared.Fleet // nil: this gateway is on its own
	gateway   *gateway.Gateway
	admin     *admin.Server
	telemetry *telemetry.Telemetry
}

// start opens everything, and listens. Nothing runs yet.
func start(cfg *configs.Config, log *slog.Logger) (*process, error) {
	p := &process{cfg: cfg, log: log, buckets: make(map[string]bucket.Bucket)}
	uploads := newUploads(cfg)
	for _, site := range cfg.Sites {
		b, err := bucket.New(site.Bucket, uploads, log.With("site", site.Name))
		if err != nil {
			return nil, fmt.Errorf("site %s: open the bucket: %w", site.Name, err)
		}
		p.buckets[site.Name] = b
	}
	spool, err := writeback.OpenSpool(cfg.DataDir, cfg.Spool, log)
	if err != nil {
		return nil, err
	}
	p.spool = spool
	if err := p.build(); err != nil {
		return nil, errors.Join(err, spool.Close())
	}
	return p, nil
}

// newUploads bounds what the uploads of all buckets use together.
func newUploads(cfg *configs.Config) *bucket.Uploads {
	return bucket.NewUploads(bucket.UploadLimits{
		PartSize: cfg.Writeback.PartSize, InflightBytes: cfg.Writeback.InflightBytes,
		MaxBandwidth: cfg.Writeback.MaxBandwidth,
	})
}

func (p *process) build() error {
	id, err := loopID(p.cfg.Shared, p.cfg.DataDir)
	if err != nil {
		return err
	}
	if err := p.openTelemetry(); err != nil {
		return err
	}
	p.cache = cache.New(p.cfg.Limits.Limits, p.cfg.Memory, p.spool, p.log)
	p.writeback = writeback.New(p.cfg.Writeback, p.spool, func(site string) (cache.Bucket, bool) {
		b, ok := p.buckets[site]
		return b, ok
	}, p.cache.Written, p.log)
	p.writeback.Trace(p.telemetry.Tracer())
	if err := p.join(); err != nil {
		return err
	}
	sites, err := p.sites(identity(id))
	if err != nil {
		return err
	}
	p.gateway = gateway.New(gateway.Options{
		Config: p.cfg.Server, MaxInflight: p.cfg.Limits.MaxInflight, MinRate: p.cfg.Limits.MinRate,
		Sites: sites, Cache: p.cache, Fleet: p.peers(), Ready: p.ready,
		Tracer: p.telemetry.Tracer(), Log: p.log,
	})
	p.admin = admin.New(admin.Options{
		Config: p.cfg.Admin, Ready: p.ready, Refresh: p.gateway.Refresh, Queue: p.queue(), Fleet: p.fleetState(),
		Explain: p.explain, Trial: p.trial, Origins: origins{p},
		Metrics: p.telemetry.Handler(), Log: p.log,
	})
	return p.listen()
}

// listen takes the addresses.
func (p *process) listen() (err error) {
	if p.ln, err = net.Listen("tcp", p.cfg.Server.Listen); err != nil {
		return fmt.Errorf("server.listen: %w", err)
	}
	if p.cfg.Admin.Listen == "" {
		return nil
	}
	if p.adminLn, err = net.Listen("tcp", p.cfg.Admin.Listen); err != nil {
		return errors.Join(fmt.Errorf("admin.listen: %w", err), p.ln.Close())
	}
	return nil
}

// ready is nil when every site's bucket may be used.
func (p *process) ready() error {
	for name, b := range p.buckets {
		if err := b.Ready(); err != nil {
			return fmt.Errorf("site %s: %w", name, err)
		}
	}
	return nil
}

// after returns a context that ends so long after ctx has ended.
func after(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return later, func() {
		stop()
		cancel()
	}
}

// run serves until ctx ends, then stops in order: no more requests, the answers under way, the pulls under way, the
// uploads under way. All three share server.grace. What is not saved then stays in the spool for the next start.
func (p *process) run(ctx context.Context) error {
	p.log.Info("mirrorgate serves", "version", programVersion(), "listen", p.ln.Addr().String(), "sites", len(p.cfg.Sites))
	// Buckets and uploads go on after ctx has ended: what is answered last is saved, too.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	for name, b := range p.buckets {
		running.Go(func() {
			if err := b.Run(background); err != nil && background.Err() == nil {
				p.log.Error("the bucket is not looked after any more", "site", name, "err", err)
			}
		})
	}
	running.Go(func() { _ = p.writeback.Run(background) }) // it only ends with its context
	leave := p.beInFleet(ctx)
	if p.adminLn != nil {
		running.Go(func() {
			if err := p.admin.Serve(background, p.adminLn); err != nil {
				p.log.Error("the admin listener has stopped", "err", err)
			}
		})
	}
	grace, cancel := after(ctx, p.cfg.Server.Grace)
	defer cancel()
	err := p.gateway.Serve(ctx, grace, p.ln)
	if p.fleet != nil {
		p.fleet.Retire() // no pulls for others any more: the cache takes none after Drain
	}
	if drained := p.cache.Drain(grace); drained != nil {
		p.log.Warn("pulls were cut off", "err", drained)
	}
	if idle := p.writeback.WaitIdle(grace); idle != nil {
		p.log.Info("uploads are left for the next start", "objects", p.spool.Waiting())
	}
	stop()
	running.Wait()
	leave() // the others hear of what was saved last
	p.closeTelemetry()
	p.log.Info("mirrorgate has stopped", "waiting_in_spool", p.spool.Waiting())
	return errors.Join(err, p.spool.Close())
}
