package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"time"

	"mirrorgate/configs"
	"mirrorgate/gateway"
	"mirrorgate/gateway/admin"
	"mirrorgate/rules"
)

// inForce is a configuration, and what was made of it to serve it. It does not change: a reload puts another one in its
// place.
type inForce struct {
	cfg     *configs.Config
	buckets map[string]*opened // by site
	origins map[ruleName]openedOrigin
	sites   []*gateway.Site
}

// config is the configuration in force.
func (p *process) config() *configs.Config { return p.now.Load().cfg }

var (
	errNoFile   = errors.New("the gateway was started without a file: there is nothing to read again")
	errStopping = errors.New("the gateway is shutting down")
)

// reload reads the file again and puts it in force, with what the API has changed. All or nothing: with an error, which
// is logged, what was in force stays. A configs.Mistakes lists all that is wrong with the file.
func (p *process) reload(ctx context.Context) (admin.ReloadState, error) {
	if p.file == "" {
		return p.reloadState(), errNoFile
	}
	err := p.change(ctx, func() (*configs.Config, error) {
		data, err := configs.Read(p.file)
		p.seen = digestOf(data, err)
		if err != nil {
			return nil, err
		}
		file, err := configs.Parse(data, os.LookupEnv)
		if err != nil {
			return nil, err
		}
		return p.effective(file)
	})
	if errors.Is(err, errStopping) {
		return p.reloadState(), err
	}
	if err == nil {
		p.level.Set(levelOf(p.config().Log)) // here alone: what the API has set outlives all other changes
	}
	p.logReload(err)
	return p.noteReload(err), err
}

// digestOf tells what was read, or why nothing was, from anything else.
func digestOf(data []byte, err error) [sha256.Size]byte {
	if err != nil {
		data = append([]byte("not read: "), err.Error()...)
	}
	return sha256.Sum256(data)
}

// isNew tells whether the file is another than the one that was read last.
func (p *process) isNew() bool {
	now := digestOf(configs.Read(p.file))
	p.changing.Lock()
	defer p.changing.Unlock()
	return now != p.seen
}

// change puts in force what wanted returns, which is not changed afterwards. All or nothing. One change follows the
// other: wanted sees what the one before has left.
func (p *process) change(ctx context.Context, wanted func() (*configs.Config, error)) error {
	p.changing.Lock()
	defer p.changing.Unlock()
	if p.stopping.Load() {
		return errStopping
	}
	cfg, err := wanted()
	if err != nil {
		return err
	}
	was := p.now.Load()
	cfg, restart := cfg.Over(was.cfg)
	if err := cfg.Validate(); err != nil {
		return err
	}
	next, err := p.open(ctx, cfg, was)
	if err != nil {
		return err
	}
	p.swap(next, was)
	p.noteRestart(restart)
	return nil
}

// open makes what serves a configuration, with all of was that is the same in both. It leaves nothing behind when it
// fails.
func (p *process) open(ctx context.Context, cfg *configs.Config, was *inForce) (next *inForce, err error) {
	next = &inForce{cfg: cfg}
	var fresh []*opened
	defer func() {
		if err != nil {
			err = errors.Join(err, abandon(fresh))
		}
	}()
	if next.buckets, fresh, err = p.buckets(cfg, was.buckets); err != nil {
		return nil, err
	}
	if err := p.sites(next, was.origins); err != nil {
		return nil, err
	}
	for _, o := range fresh {
		p.attend(o)
	}
	return next, waitReady(ctx, next.begun(was))
}

// begun are the buckets from which sites answer that did not answer from them before. Those that did so may be away:
// that is no reason to refuse a change.
func (next *inForce) begun(was *inForce) (list []*opened) {
	for _, site := range next.cfg.Sites {
		o := next.buckets[site.Name]
		i := slices.IndexFunc(was.cfg.Sites, func(s configs.Site) bool { return s.Name == site.Name })
		answered := i >= 0 && was.cfg.Sites[i].Serve != rules.ServeOrigin && was.buckets[site.Name] == o
		if site.Serve != rules.ServeOrigin && !answered {
			list = append(list, o)
		}
	}
	return list
}

// swap puts next in the place of was. It cannot fail.
//
// What is under way goes on with what it has of was: buckets and origins that are not in next are only looked after no
// more, and keep no connections and files once nobody uses them. Uploads that begin from now on go to the new buckets.
func (p *process) swap(next, was *inForce) {
	p.now.Store(next)
	p.gateway.Swap(next.sites)
	for _, site := range changed(was.cfg, next.cfg) {
		p.cache.Purge(site, nil, new(string))
	}
	for name, o := range was.buckets {
		if next.buckets[name] != o {
			o.end()
		}
	}
	for name, o := range was.origins {
		if next.origins[name].Origin.Origin != o.Origin.Origin {
			o.Close()
		}
	}
	p.spool.PauseByConfig(next.cfg.Writeback.Paused)
	if p.fleet != nil {
		p.fleet.Reconfigured(next.cfg.Setup())
	}
}

// changed lists the sites that are gone, or whose keys or headers now stand for something else than what memory holds.
func changed(was, now *configs.Config) (names []string) {
	for _, before := range was.Sites {
		i := slices.IndexFunc(now.Sites, func(s configs.Site) bool { return s.Name == before.Name })
		if i < 0 || !reflect.DeepEqual(before.Bucket, now.Sites[i].Bucket) ||
			before.SetConfig != now.Sites[i].SetConfig || before.Validators != now.Sites[i].Validators {
			names = append(names, before.Name)
		}
	}
	return names
}

// noteRestart keeps, and says once, which settings of the file hold only after a restart.
func (p *process) noteRestart(paths []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(paths) > 0 && !slices.Equal(paths, p.state.Restart) {
		p.log.Warn("some settings of the configuration hold only after a restart", "settings", paths)
	}
	p.state.Restart = paths
}

// noteReload keeps what came of a reload.
func (p *process) noteReload(err error) admin.ReloadState {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.At, p.state.Error = time.Now(), ""
	if err != nil {
		p.state.Error = err.Error()
	} else {
		p.state.Loaded = p.state.At
	}
	return p.state
}

// reloadState is what came of the last reload.
func (p *process) reloadState() admin.ReloadState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

func (p *process) logReload(err error) {
	var mistakes configs.Mistakes
	switch {
	case err == nil:
		p.log.Info("the configuration was read again", "file", p.file, "sites", len(p.config().Sites))
	case errors.As(err, &mistakes):
		for _, m := range mistakes {
			p.log.Error("the configuration stays as it was: the file has a mistake", "file", p.file, "mistake", m.String())
		}
	default:
		p.log.Error("the configuration stays as it was", "file", p.file, "err", err)
	}
}

// ready is nil when every site's bucket may be used from which it answers, and the gateway is not about to stop.
func (p *process) ready() error {
	if p.stopping.Load() {
		return errStopping
	}
	now := p.now.Load()
	for _, site := range now.cfg.Sites {
		if site.Serve == rules.ServeOrigin {
			continue
		}
		if err := now.buckets[site.Name].Ready(); err != nil {
			return fmt.Errorf("site %s: %w", site.Name, err)
		}
		if p.unread(site.Name) {
			return fmt.Errorf("site %s: what the API has changed has not been read from the bucket yet", site.Name)
		}
	}
	return nil
}
