package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"slices"

	"mirrorgate/configs"
	"mirrorgate/gateway/admin"
	"mirrorgate/rules"
)

// siteControl is what admin sees and steers of the sites.
type siteControl struct{ p *process }

var _ admin.Sites = siteControl{}

// List implements admin.Sites.
func (c siteControl) List(context.Context) []admin.Site {
	cfg := c.p.config()
	list := make([]admin.Site, len(cfg.Sites))
	for i := range cfg.Sites {
		list[i] = c.p.siteView(cfg, &cfg.Sites[i])
	}
	return list
}

// Site implements admin.Sites.
func (c siteControl) Site(_ context.Context, name string) (admin.Site, error) {
	cfg := c.p.config()
	site := siteOf(cfg, name)
	if site == nil {
		return admin.Site{}, admin.ErrNoSuch
	}
	return c.p.siteView(cfg, site), nil
}

// Rules implements admin.Sites.
func (c siteControl) Rules(_ context.Context, name string) (admin.RuleSet, error) {
	cfg := c.p.config()
	site := siteOf(cfg, name)
	if site == nil {
		return admin.RuleSet{}, admin.ErrNoSuch
	}
	set := admin.RuleSet{Source: "file", ETag: siteETag(cfg, site)}
	if !cfg.Lives()[name].Rules.IsZero() {
		set.Source = "api"
	}
	var err error
	set.Rules, err = json.Marshal(cfg.Written(name))
	return set, err
}

// PutRules implements admin.Sites.
func (c siteControl) PutRules(
	ctx context.Context, name, etag string, body []byte, dry bool,
) (admin.RulesChange, error) {
	written, err := configs.ParseRules(body)
	if err != nil {
		return admin.RulesChange{}, invalid(err)
	}
	return c.changeRules(ctx, name, etag, dry, func(_ *configs.Site, live *configs.Live) error {
		live.Rules = written
		return nil
	})
}

// DropRules implements admin.Sites.
func (c siteControl) DropRules(ctx context.Context, name, etag string) (admin.RulesChange, error) {
	return c.changeRules(ctx, name, etag, false, func(_ *configs.Site, live *configs.Live) error {
		live.Rules, live.Switches = configs.Written{}, nil
		return nil
	})
}

func (c siteControl) changeRules(
	ctx context.Context, name, etag string, dry bool, edit func(*configs.Site, *configs.Live) error,
) (admin.RulesChange, error) {
	done, err := c.p.changeLive(ctx, name, etag, dry, edit)
	if err != nil {
		return admin.RulesChange{}, err
	}
	inForce := done.now
	if dry {
		inForce = done.was
	}
	return admin.RulesChange{
		Applied: !dry, ETag: siteETag(inForce, siteOf(inForce, name)),
		Changes: done.was.Written(name).Changes(done.now.Written(name)),
	}, nil
}

// Switch implements admin.Sites.
func (c siteControl) Switch(ctx context.Context, name, etag string, s admin.Switches) (admin.Site, error) {
	return c.changeSite(ctx, name, etag, func(_ *configs.Site, live *configs.Live) error {
		if s.Serve != nil {
			live.Serve = s.Serve
		}
		if s.Save != nil {
			live.Save = s.Save
		}
		return nil
	})
}

// SwitchRule implements admin.Sites.
func (c siteControl) SwitchRule(
	ctx context.Context, name, rule, etag string, s admin.RuleSwitches,
) (admin.Site, error) {
	return c.changeSite(ctx, name, etag, func(site *configs.Site, live *configs.Live) error {
		if ruleOf(site, rule) == nil {
			return admin.ErrNoSuch
		}
		now := live.Switches[rule]
		if s.Enabled != nil {
			now.Enabled = s.Enabled
		}
		if s.State != nil {
			now.State = s.State
		}
		if now == (configs.RuleSwitch{}) {
			return nil
		}
		if live.Switches == nil {
			live.Switches = make(map[string]configs.RuleSwitch)
		}
		live.Switches[rule] = now
		return nil
	})
}

// DropSwitches implements admin.Sites.
func (c siteControl) DropSwitches(ctx context.Context, name, etag string) (admin.Site, error) {
	return c.changeSite(ctx, name, etag, func(_ *configs.Site, live *configs.Live) error {
		live.Serve, live.Save = nil, nil
		return nil
	})
}

func (c siteControl) changeSite(
	ctx context.Context, name, etag string, edit func(*configs.Site, *configs.Live) error,
) (admin.Site, error) {
	done, err := c.p.changeLive(ctx, name, etag, false, edit)
	if err != nil {
		return admin.Site{}, err
	}
	return c.p.siteView(done.now, siteOf(done.now, name)), nil
}

// siteView is a site of a configuration in force.
func (p *process) siteView(cfg *configs.Config, site *configs.Site) admin.Site {
	view := admin.Site{
		Name: site.Name, Hosts: site.Hosts, Bucket: placeOf(site), Serve: string(site.Serve), Save: site.Save,
		Rules: make([]admin.Rule, len(site.Rules)), ETag: siteETag(cfg, site), FromAPI: fromAPI(cfg, site),
	}
	for i := range site.Rules {
		view.Rules[i] = ruleView(&site.Rules[i])
	}
	if b := p.now.Load().buckets[site.Name]; b != nil {
		if err := b.Ready(); err != nil {
			view.Ready = err.Error()
		}
	}
	if s := p.store(site.Name); s != nil {
		if problem := s.problem.Load(); problem != nil {
			view.StoreError = problem.text
		}
	}
	return view
}

func ruleView(r *configs.Rule) admin.Rule {
	view := admin.Rule{
		ID: r.ID, Enabled: r.Enabled, State: string(r.State), Mode: string(r.Mode), When: string(r.Timing()),
		Prefix: r.Match.Prefix, Suffix: r.Match.Suffix, Targets: []string{},
	}
	for _, t := range r.Targets {
		view.Targets = append(view.Targets, targetURL(t))
	}
	return view
}

// targetURL is where a target is, without a user and password.
func targetURL(t rules.Target) string {
	u, err := url.Parse(t.Base)
	if err != nil {
		return ""
	}
	u.User = nil
	if t.KeyPrefix != "" {
		u = u.JoinPath(t.KeyPrefix)
	}
	return u.String()
}

// placeOf says where a site's bucket is.
func placeOf(site *configs.Site) string {
	b := site.Bucket
	if b.S3 == nil {
		return "dir " + b.Dir + "/" + b.Prefix
	}
	return "s3 " + b.S3.Endpoint + "/" + b.S3.Name + "/" + b.Prefix
}

// fromAPI lists what of a site does not come from the file.
func fromAPI(cfg *configs.Config, site *configs.Site) []string {
	live, list := cfg.Lives()[site.Name], []string{}
	if live.Serve != nil {
		list = append(list, "serve")
	}
	if live.Save != nil {
		list = append(list, "save")
	}
	if !live.Rules.IsZero() {
		list = append(list, "rules")
	}
	for _, id := range slices.Sorted(maps.Keys(live.Switches)) {
		s := live.Switches[id]
		if s.Enabled != nil {
			list = append(list, "rules."+id+".enabled")
		}
		if s.State != nil {
			list = append(list, "rules."+id+".state")
		}
	}
	return list
}

// siteETag names the state of all that a change over the API replaces. Two gateways that have the same have one tag.
func siteETag(cfg *configs.Config, site *configs.Site) string {
	state := struct {
		Live  configs.Live
		Serve rules.Serve
		Save  bool
		Rules configs.Written
		Each  [][3]string
	}{cfg.Lives()[site.Name], site.Serve, site.Save, cfg.Written(site.Name), make([][3]string, len(site.Rules))}
	for i, r := range site.Rules {
		enabled := "on"
		if !r.Enabled {
			enabled = "off"
		}
		state.Each[i] = [3]string{r.ID, enabled, string(r.State)}
	}
	raw, _ := json.Marshal(state) // texts and truth values: never fails
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:12])
}
