package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"mirrorgate/configs"
	"mirrorgate/gateway/admin"
)

// changeWithin is how long the bucket may take for a change.
const changeWithin = 15 * time.Second

// liveChange is a change of one site: what was in force before it, and what is, or would be, behind it.
type liveChange struct {
	was, now *configs.Config
}

// changeLive changes what the API has changed of a site: edit is given what that is, and the site as it is in force.
// etag names the state that the change was made from. What is changed is in the bucket first, and in force here when it
// returns. dry: nothing is changed, and the bucket not asked.
func (p *process) changeLive(
	ctx context.Context, name, etag string, dry bool, edit func(site *configs.Site, live *configs.Live) error,
) (c liveChange, err error) {
	s := p.store(name)
	if s == nil {
		return c, admin.ErrNoSuch
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, changeWithin)
	defer cancel()
	if !dry {
		if err := p.lookBefore(ctx, s); err != nil {
			return c, err
		}
	}
	c.was = p.config()
	next, err := p.edited(c.was, name, etag, edit)
	if err != nil {
		return c, err
	}
	lives := maps.Clone(c.was.Lives())
	if lives == nil {
		lives = make(map[string]configs.Live)
	}
	lives[name] = next
	if c.now, err = c.was.File().With(lives); err != nil {
		return c, invalidLive(name, err)
	}
	if dry || sameLive(next, c.was.Lives()[name]) && s.problem.Load() == nil {
		return c, nil
	}
	for _, id := range next.Gone(siteOf(c.now, name)) {
		delete(next.Switches, id)
	}
	if err := s.write(ctx, next); err != nil {
		return c, err
	}
	if err := p.enforce(ctx, map[string]configs.Live{name: next}); err != nil {
		return c, fmt.Errorf("the change is kept in the bucket, but not in force here: %w", err)
	}
	p.noteLive(s, nil)
	p.log.Info("a site was changed over the admin listener", "site", name)
	c.now = p.config()
	return c, nil
}

// lookBefore makes sure that a change is made from what is in the bucket. What is there and cannot be used does not
// hinder it.
func (p *process) lookBefore(ctx context.Context, s *liveStore) error {
	err := p.followLive(ctx, s)
	p.noteLive(s, err)
	if problem := problemOf(err); problem != nil && problem.away {
		return fmt.Errorf("%w: %w", admin.ErrNotKept, err)
	}
	return nil
}

// edited is what edit makes of what is in force, if that is what etag names.
func (p *process) edited(
	cfg *configs.Config, name, etag string, edit func(site *configs.Site, live *configs.Live) error,
) (next configs.Live, err error) {
	site := siteOf(cfg, name)
	switch {
	case site == nil:
		return next, admin.ErrNoSuch
	case siteETag(cfg, site) != etag:
		return next, admin.ErrChanged
	}
	next = cfg.Lives()[name]
	next.Switches = maps.Clone(next.Switches)
	return next, edit(site, &next)
}

func siteOf(cfg *configs.Config, name string) *configs.Site {
	for i := range cfg.Sites {
		if cfg.Sites[i].Name == name {
			return &cfg.Sites[i]
		}
	}
	return nil
}

// invalidLive tells of the mistakes in what was put for a site.
func invalidLive(site string, err error) error {
	var failed configs.LiveError
	if errors.As(err, &failed) && len(failed[site]) > 0 {
		err = failed[site]
	}
	return invalid(err)
}

// warnOverridden says what of a new file has no effect, since it comes from the API.
func (p *process) warnOverridden(name string, live configs.Live, was, file *configs.Config) {
	before, site := siteOf(was, name), siteOf(file, name)
	if site == nil {
		p.log.Warn("what the API has changed of a site counts for nothing any more: the site is gone", "site", name)
		return
	}
	if before == nil {
		return
	}
	warn := func(field string) {
		p.log.Warn("the file has changed what comes from the API: that stays in force", "site", name, "field", field)
	}
	if live.Serve != nil && before.Serve != site.Serve {
		warn("serve")
	}
	if live.Save != nil && before.Save != site.Save {
		warn("save")
	}
	if !live.Rules.IsZero() {
		if len(was.Written(name).Changes(file.Written(name))) > 0 {
			warn("rules")
		}
		return
	}
	for id, s := range live.Switches {
		p.warnSwitched(warn, id, s, ruleOf(before, id), ruleOf(site, id))
	}
	if gone := live.Gone(site); len(gone) > 0 {
		p.log.Warn("what the API has switched counts for nothing: there are no such rules", "site", name,
			"rules", strings.Join(gone, " "))
	}
}

func (p *process) warnSwitched(warn func(string), id string, s configs.RuleSwitch, before, rule *configs.Rule) {
	if before == nil || rule == nil {
		return
	}
	if s.Enabled != nil && before.Enabled != rule.Enabled {
		warn("rules." + id + ".enabled")
	}
	if s.State != nil && before.State != rule.State {
		warn("rules." + id + ".state")
	}
}

func ruleOf(site *configs.Site, id string) *configs.Rule {
	for i := range site.Rules {
		if site.Rules[i].ID == id {
			return &site.Rules[i]
		}
	}
	return nil
}
