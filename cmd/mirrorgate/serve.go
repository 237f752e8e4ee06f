package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"mirrorgate/cache"
	"mirrorgate/cache/bucket"
	"mirrorgate/cache/shared"
	"mirrorgate/cache/writeback"
	"mirrorgate/configs"
	"mirrorgate/gateway"
	"mirrorgate/gateway/admin"
	"mirrorgate/gateway/telemetry"
	"mirrorgate/origin"
	"mirrorgate/rules"
)

type serveCmd struct {
	Config string `help:"Configuration file." placeholder:"FILE" xor:"source"`

	Origin   string `help:"Without a file: where missing objects come from." placeholder:"URL" xor:"source"`
	Bucket   string `help:"A directory, or s3://NAME/PREFIX with keys from the environment." placeholder:"DIR"`
	Endpoint string `help:"The S3 endpoint of --bucket s3://…" placeholder:"URL" env:"AWS_ENDPOINT_URL"`
	Region   string `help:"The region of --bucket s3://…" default:"us-east-1" env:"AWS_REGION"`
	Listen   string `help:"Without a file: the address to listen on (127.0.0.1:8080)." placeholder:"ADDR"`
	DataDir  string `help:"Without a file: where pulled objects wait to be saved (./data)." placeholder:"DIR"`

	Watch bool `help:"Read the file again whenever it changes." default:"true" negatable:""`
}

// Run serves until the process is told to stop.
func (c *serveCmd) Run(s *streams) error {
	hangups := make(chan os.Signal, 1) // from now on none of them ends the process
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	seen := digestOf(configs.Read(c.Config)) // before it is read for good: what comes between is a change
	cfg, err := c.configuration()
	if err != nil {
		return err
	}
	log, level := newLogger(cfg.Log, s.stderr)
	p, err := start(cfg, log)
	if err != nil {
		return err
	}
	p.level, p.hangups = level, hangups
	p.file, p.seen, p.watched = c.Config, seen, c.Watch && c.Config != ""
	return p.run(s.ctx)
}

// process is a gateway with all that it stands on.
type process struct {
	log       *slog.Logger
	level     *slog.LevelVar // of log
	ln        net.Listener
	adminLn   net.Listener // nil: none
	identity  rules.Identity
	uploads   *bucket.Uploads
	spool     *writeback.Spool
	cache     *cache.Cache
	writeback *writeback.Writeback
	fleet     *shared.Fleet // nil: this gateway is on its own
	gateway   *gateway.Gateway
	access    *gateway.AccessLog // nil: none
	admin     *admin.Server
	telemetry *telemetry.Telemetry
	migration *migrationView
	pulls     *origin.Tallies
	started   time.Time

	life    context.Context // of buckets and uploads
	endLife context.CancelFunc
	running sync.WaitGroup

	now      atomic.Pointer[inForce]
	file     string // "": it was started without one
	watched  bool   // whether file is read again when it changes
	hangups  <-chan os.Signal
	stopping atomic.Bool

	live     liveStores
	changing sync.Mutex        // around each change of now
	seen     [sha256.Size]byte // of what file held when it was read last

	mu    sync.Mutex
	state admin.ReloadState
}

// start opens everything, and listens. Nothing runs yet.
func start(cfg *configs.Config, log *slog.Logger) (*process, error) {
	p := &process{log: log, level: new(slog.LevelVar), uploads: newUploads(cfg)}
	// Buckets and uploads outlive whatever tells the process to stop: what is answered last is saved, too.
	p.life, p.endLife = context.WithCancel(context.Background())
	p.state.Loaded = time.Now()
	first := &inForce{cfg: cfg}
	p.now.Store(first)
	var err error
	if first.buckets, _, err = p.buckets(cfg, nil); err != nil {
		return nil, err
	}
	spool, err := writeback.OpenSpool(cfg.DataDir, cfg.Spool, log)
	if err != nil {
		return nil, err
	}
	p.spool = spool
	if err := p.build(first); err != nil {
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

// build makes what stands between the buckets and the listeners.
func (p *process) build(first *inForce) error {
	cfg := first.cfg
	id, err := loopID(cfg.Shared, cfg.DataDir)
	if err != nil {
		return err
	}
	p.identity = identity(id)
	if err := p.openTelemetry(); err != nil {
		return err
	}
	p.cache = cache.New(cfg.Limits.Limits, cfg.Memory, p.spool, p.log)
	p.writeback = writeback.New(cfg.Writeback, p.spool, p.bucket, p.cache.Written, p.log)
	p.writeback.Trace(p.telemetry.Tracer())
	if err := p.openMigration(); err != nil {
		return err
	}
	if err := p.join(); err != nil {
		return err
	}
	if err := p.measure(); err != nil {
		return err
	}
	if err := p.sites(first, nil); err != nil {
		return err
	}
	access, err := p.openAccessLog()
	if err != nil {
		return err
	}
	p.gateway = gateway.New(gateway.Options{
		Config: cfg.Server, MaxInflight: cfg.Limits.MaxInflight, MinRate: cfg.Limits.MinRate,
		Sites: first.sites, Cache: p.cache, Fleet: p.peers(), Ready: p.ready, Access: access, Watch: p.note,
		Tracer: p.telemetry.Tracer(), Log: p.log,
	})
	if err := p.instrument(); err != nil {
		return err
	}
	p.admin = admin.New(admin.Options{
		Config: cfg.Admin, Ready: p.ready, Refresh: p.gateway.Refresh, Queue: p.queue(), Fleet: p.fleetState(),
		Explain: p.explain, Trial: p.trial, Origins: origins{p}, Control: control{p}, Sites: siteControl{p},
		Metrics: p.telemetry.Handler(), Overview: p.overview, Migration: p.migration, Log: p.log,
	})
	return p.listen(cfg)
}

// listen takes the addresses.
func (p *process) listen(cfg *configs.Config) (err error) {
	if p.ln, err = net.Listen("tcp", cfg.Server.Listen); err != nil {
		return fmt.Errorf("server.listen: %w", err)
	}
	if cfg.Admin.Listen == "" {
		return nil
	}
	if p.adminLn, err = net.Listen("tcp", cfg.Admin.Listen); err != nil {
		return errors.Join(fmt.Errorf("admin.listen: %w", err), p.ln.Close())
	}
	return nil
}

// run serves until ctx ends, then stops in order: health says so for server.drain, no more requests, the answers under
// way, the pulls under way, the uploads under way. The last three share server.grace. What is not saved then stays in
// the spool for the next start.
func (p *process) run(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	p.log.Info("mirrorgate serves", "version", programVersion(), "listen", p.ln.Addr().String(),
		"sites", len(p.config().Sites))
	for _, o := range p.now.Load().buckets {
		p.attend(o)
	}
	p.running.Go(func() { _ = p.writeback.Run(p.life) }) // it only ends with its context
	p.running.Go(func() { p.follow(ctx) })
	p.steer(ctx)
	p.running.Go(func() { p.migration.ledger.Run(p.life) })
	p.runAccessLog()
	leave := p.beInFleet(ctx)
	if p.adminLn != nil {
		p.running.Go(func() {
			if err := p.admin.Serve(p.life, p.adminLn); err != nil {
				p.log.Error("the admin listener has stopped", "err", err)
			}
		})
	}
	serving, grace, stop := p.shutdown(ctx)
	defer stop()
	err := p.gateway.Serve(serving, grace, p.ln)
	end() // if the listener broke, nobody else has told the rest to stop
	if p.fleet != nil {
		p.fleet.Retire() // no pulls for others any more: the cache takes none after Drain
	}
	if drained := p.cache.Drain(grace); drained != nil {
		p.log.Warn("pulls were cut off", "err", drained)
	}
	if idle := p.writeback.WaitIdle(grace); idle != nil {
		p.log.Info("uploads are left for the next start", "objects", p.spool.Waiting())
	}
	p.quit()
	p.migration.ledger.Save()
	leave() // the others hear of what was saved last
	p.closeTelemetry()
	p.log.Info("mirrorgate has stopped", "waiting_in_spool", p.spool.Waiting())
	return errors.Join(err, p.spool.Close())
}

// shutdown returns two contexts for what follows the end of ctx, by the settings of that moment: serving ends
// server.drain after it, and grace server.grace after that. From the end of ctx on the gateway is not ready.
func (p *process) shutdown(ctx context.Context) (serving, grace context.Context, stop context.CancelFunc) {
	serving, drained := context.WithCancel(context.WithoutCancel(ctx))
	grace, over := context.WithCancel(context.WithoutCancel(ctx))
	told := context.AfterFunc(ctx, func() {
		p.stopping.Store(true)
		server := p.config().Server
		p.log.Info("mirrorgate stops", "drain", server.Drain, "grace", server.Grace)
		time.AfterFunc(server.Drain, func() {
			drained()
			time.AfterFunc(server.Grace, over)
		})
	})
	return serving, grace, func() {
		told()
		drained()
		over()
	}
}

// quit ends all that runs beside the answers, and waits for it.
func (p *process) quit() {
	p.endLife()
	p.changing.Lock() // a change that is being made opens buckets, which count as running
	p.stopping.Store(true)
	p.changing.Unlock()
	p.running.Wait()
}
