package admin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"mirrorgate/gateway/admin"
)

// someSites has one site, s, with one rule, r. Its ETag is always "now", whatever is changed.
type someSites struct{}

var _ admin.Sites = someSites{}

func (someSites) List(context.Context) []admin.Site { return []admin.Site{oneSite()} }

func oneSite() admin.Site {
	return admin.Site{
		Name: "s", Hosts: []string{"h"}, Bucket: "dir b", Ready: "it is away", Serve: "bucket", Save: true, ETag: "now",
		Rules: []admin.Rule{{
			ID: "r", Enabled: true, State: "active", Mode: "mirror", When: "miss", Prefix: "p/", Targets: []string{"http://h"},
		}},
		FromAPI: []string{"serve", "rules.r.state"}, StoreError: "it is away",
	}
}

func (someSites) Site(_ context.Context, site string) (admin.Site, error) {
	if site != "s" {
		return admin.Site{}, admin.ErrNoSuch
	}
	return oneSite(), nil
}

func (f someSites) Rules(ctx context.Context, site string) (admin.RuleSet, error) {
	_, err := f.Site(ctx, site)
	if site == "broken" {
		err = errors.New("it is broken")
	}
	return admin.RuleSet{Source: "file", ETag: "now", Rules: []byte(`[{"id": "r", "match": {"prefix": "p/"}}]`)}, err
}

// from tells whether a change of a site may be made from a state. Some stand for what can go wrong.
func (f someSites) from(ctx context.Context, site, etag string) error {
	_, err := f.Site(ctx, site)
	switch {
	case err != nil:
		return err
	case etag == "away":
		return fmt.Errorf("%w: %w", admin.ErrNotKept, errors.New("it is away"))
	case etag == "broken":
		return errors.New("it is broken")
	case etag == "odd":
		return admin.Invalid("rules[0].id", "does not fit the file")
	case etag != "now":
		return admin.ErrChanged
	}
	return nil
}

// PutRules takes what has no "wrong" in it for rules.
func (f someSites) PutRules(ctx context.Context, site, etag string, given []byte, dry bool) (admin.RulesChange, error) {
	if bytes.Contains(given, []byte("wrong")) {
		return admin.RulesChange{}, &admin.InvalidError{Mistakes: []admin.Mistake{
			{Path: "rules[0].id", Line: 2, Problem: "is wrong"}, {Path: "rules", Problem: "wrong, too"},
		}}
	}
	return rulesChanged(!dry), f.from(ctx, site, etag)
}

func (f someSites) DropRules(ctx context.Context, site, etag string) (admin.RulesChange, error) {
	return rulesChanged(true), f.from(ctx, site, etag)
}

func rulesChanged(applied bool) admin.RulesChange {
	return admin.RulesChange{Applied: applied, ETag: "now", Changes: []admin.RuleChange{
		{Rule: "r", What: "changed", Diff: []string{"match.prefix: p/ → q/"}}, {Rule: "n", What: "added", Diff: []string{}},
	}}
}

func (f someSites) Switch(ctx context.Context, site, etag string, s admin.Switches) (admin.Site, error) {
	if s.Serve != nil && *s.Serve == "nowhere" {
		return admin.Site{}, admin.Invalid("serve", "must be bucket or origin")
	}
	return oneSite(), f.from(ctx, site, etag)
}

func (f someSites) SwitchRule(ctx context.Context, site, rule, etag string, s admin.RuleSwitches) (admin.Site, error) {
	switch {
	case rule != "r":
		return admin.Site{}, admin.ErrNoSuch
	case s.State != nil && !strings.Contains("active paused retired", *s.State):
		return admin.Site{}, admin.Invalid("rules.r.state", "must be active, paused or retired")
	}
	return oneSite(), f.from(ctx, site, etag)
}

func (f someSites) DropSwitches(ctx context.Context, site, etag string) (admin.Site, error) {
	return oneSite(), f.from(ctx, site, etag)
}
