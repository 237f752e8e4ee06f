package main

import (
	"context"
	"fmt"

	"mirrorgate/gateway"
	"mirrorgate/gateway/admin"
)

// origins is what the admin API sees of the origins in force, and how it steers them.
type origins struct{ p *process }

var _ admin.Origins = origins{}

// List goes through the rules as they are configured.
func (o origins) List() []admin.Origin {
	list := []admin.Origin{}
	for _, site := range o.p.config().Sites {
		for _, rule := range site.Rules {
			from, err := o.of(site.Name, rule.ID)
			if err != nil {
				continue // it has no targets
			}
			for _, s := range from.States() {
				list = append(list, admin.Origin{
					Site: site.Name, Rule: rule.ID, Target: s.Target, URL: withoutUser(s.URL), State: s.State, Until: s.Until,
					Inflight: s.Inflight, Pulls: s.Pulls, LastError: s.LastError, LastAsked: s.LastAsked,
				})
			}
		}
	}
	return list
}

// of finds the origin of a rule.
func (o origins) of(site, rule string) (gateway.Origin, error) {
	s := o.p.gateway.Site(site)
	if s == nil {
		return gateway.Origin{}, fmt.Errorf("%w: site %q", admin.ErrNoSuch, site)
	}
	from, ok := s.Origins[rule]
	if !ok {
		return gateway.Origin{}, fmt.Errorf("%w: rule %q of site %s that asks an origin", admin.ErrNoSuch, rule, site)
	}
	return from, nil
}

func (o origins) Drain(_ context.Context, site, rule, target string) error {
	from, err := o.of(site, rule)
	if err == nil && !from.Drain(target) {
		err = fmt.Errorf("%w: target %q of rule %s", admin.ErrNoSuch, target, rule)
	}
	return err
}

func (o origins) Pause(_ context.Context, site, rule string) error {
	from, err := o.of(site, rule)
	if err == nil {
		from.Pause()
	}
	return err
}

func (o origins) Resume(_ context.Context, site, rule string) error {
	from, err := o.of(site, rule)
	if err == nil {
		from.Resume()
	}
	return err
}
