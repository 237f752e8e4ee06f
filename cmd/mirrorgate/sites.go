package main

import (
	"fmt"
	"io"
	"log/slog"
	"reflect"

	"mirrorgate/cache"
	"mirrorgate/cache/shared"
	"mirrorgate/configs"
	"mirrorgate/gateway"
	"mirrorgate/origin"
	"mirrorgate/rules"
)

var _ origin.Budget = (*shared.Budget)(nil)

// ruleName names a rule of all sites.
type ruleName struct{ site, rule string }

// openedOrigin is where a rule pulls from, with the configuration that it was made of.
type openedOrigin struct {
	gateway.Origin
	config origin.Config
}

// sites makes the sites of next, which has its buckets. Origins of was whose configuration is the same are kept, with
// all that they have learnt.
func (p *process) sites(next *inForce, was map[ruleName]openedOrigin) error {
	next.origins = make(map[ruleName]openedOrigin)
	for i := range next.cfg.Sites {
		c := &next.cfg.Sites[i]
		site := &gateway.Site{
			Site:  cache.Site{Name: c.Name, Bucket: next.buckets[c.Name].Bucket, Save: c.Save},
			Hosts: c.Hosts, Key: c.SetConfig, Rules: rules.NewSet(c.SetConfig, c.RuleConfigs(), p.identity),
			Origins:          make(map[string]gateway.Origin),
			BucketValidators: c.Validators == configs.ValidatorsBucket, ETagSuffixes: c.ETagSuffixes,
			NegativeTTL: c.NegativeTTL, FailureStatus: c.OriginFailureStatus,
		}
		for k := range c.Rules {
			if len(c.Rules[k].Targets) == 0 {
				continue
			}
			name := ruleName{c.Name, c.Rules[k].ID}
			o, err := p.origin(name, c.Rules[k].Origin, was[name])
			if err != nil {
				return fmt.Errorf("site %s, rule %s: %w", name.site, name.rule, err)
			}
			next.origins[name], site.Origins[name.rule] = o, o.Origin
		}
		next.sites = append(next.sites, site)
	}
	return nil
}

// origin makes a rule's origin, unless was is the same.
func (p *process) origin(name ruleName, c origin.Config, was openedOrigin) (openedOrigin, error) {
	if was.Origin.Origin != nil && reflect.DeepEqual(was.config, c) {
		return was, nil
	}
	o, err := origin.New(c, origin.Options{
		Log: p.log.With("site", name.site), Rule: name.rule, Budget: p.budget(name.site, name.rule),
		Tally: p.pulls.Of(name.site, name.rule), Tracer: p.telemetry.Tracer(),
		Served: func(host string) bool { return p.gateway.Serves(host) }, // by the sites of that moment
	})
	return openedOrigin{gateway.Origin{Origin: o, Answer: c.Timeouts.Answer, Stall: c.Timeouts.Stall}, c}, err
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

// newLogger logs as the configuration says, from a level on that may change.
func newLogger(c configs.Log, w io.Writer) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	level.Set(levelOf(c))
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o)), level
	}
	return slog.New(slog.NewTextHandler(w, o)), level
}

func levelOf(c configs.Log) (level slog.Level) {
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // the configuration has been validated: not reached
	}
	return level
}
