package main

import (
	"fmt"
	"io"
	"log/slog"

	"mirrorgate/cache"
	"mirrorgate/cache/shared"
	"mirrorgate/configs"
	"mirrorgate/gateway"
	"mirrorgate/origin"
	"mirrorgate/rules"
)

var _ origin.Budget = (*shared.Budget)(nil)

// sites makes the gateway's sites from the configuration's.
func (p *process) sites(id rules.Identity) ([]*gateway.Site, error) {
	list := make([]*gateway.Site, 0, len(p.cfg.Sites))
	for i := range p.cfg.Sites {
		c := &p.cfg.Sites[i]
		list = append(list, &gateway.Site{
			Site:  cache.Site{Name: c.Name, Bucket: p.buckets[c.Name], Save: c.Save},
			Hosts: c.Hosts, Key: c.SetConfig, Rules: rules.NewSet(c.SetConfig, c.RuleConfigs(), id),
			Origins:          make(map[string]gateway.Origin),
			BucketValidators: c.Validators == configs.ValidatorsBucket, ETagSuffixes: c.ETagSuffixes,
			NegativeTTL: c.NegativeTTL, FailureStatus: c.OriginFailureStatus,
		})
	}
	served := func(host string) bool { return p.gateway.Serves(host) }
	for i, site := range list {
		for _, rule := range p.cfg.Sites[i].Rules {
			if len(rule.Targets) == 0 {
				continue
			}
			o, err := origin.New(rule.Origin, origin.Options{
				Log: p.log.With("site", site.Name), Served: served, Rule: rule.ID, Budget: p.budget(site.Name, rule.ID),
				Tracer: p.telemetry.Tracer(),
			})
			if err != nil {
				return nil, fmt.Errorf("site %s, rule %s: %w", site.Name, rule.ID, err)
			}
			limits := rule.Origin.Timeouts
			site.Origins[rule.ID] = gateway.Origin{Origin: o, Answer: limits.Answer, Stall: limits.Stall}
		}
	}
	return list, nil
}

// budget is what all gateways share of a rule's limits; nil if this is one on its own.
func (p *process) budget(site, rule string) origin.Budget {
	if p.fleet == nil {
		return nil
	}
	return p.fleet.Budget(site, rule)
}

// identity is what origins are told of this gateway.
func identity(loopID string) rules.Identity {
	return rules.Identity{
		UserAgent: "mirrorgate/" + programVersion(), Via: "mirrorgate", LoopToken: "mirrorgate-" + loopID,
	}
}

// newLogger logs as the configuration says.
func newLogger(c configs.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // the configuration has been validated: not reached
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
