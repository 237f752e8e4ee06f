package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"mirrorgate/cache"
	"mirrorgate/origin"
	"mirrorgate/rules"
)

// revalidate has a copy from the bucket checked against its origin, when the rule finds it old enough. The copy is
// answered meanwhile. Only a copy whose provenance is believed is checked, and only against the target that gave it;
// rule and URL are decided anew.
func (v *visit) revalidate(obj *cache.Object) {
	if obj.Tier != cache.TierBucket && obj.Tier != cache.TierMemory || !due(v.site, &v.d, &obj.Meta) ||
		v.r.looped(v.site.Rules.LoopToken()) || v.g.cache.Checked(&v.site.Site, v.d.ObjectKey) {
		return
	}
	v.check(obj.Meta)
}

// check asks the origin that gave m whether it is still its object.
func (v *visit) check(m cache.Meta) {
	plan, err := v.d.Plan(v.r.header())
	if err != nil || plan.Solo {
		return
	}
	if ask, ok := askOf(plan, m.Origin.Target); ok {
		plan.Asks = []rules.Ask{ask}
		after, _ := v.d.Rule.RevalidateAfter(m.Origin.Lifetime, m.Origin.NoCache)
		v.g.cache.Check(&v.site.Site, v.d.ObjectKey, after, v.checkLoader(plan, m))
	}
}

// due tells whether an object of a bucket is a copy that its rule wants to be compared with the origin by now.
func due(site *Site, d *rules.Decision, m *cache.Meta) bool {
	if d.Rule == nil || !d.Keep || !site.Save || !m.Origin.Believed() || m.Bucket.ETag == "" {
		return false
	}
	if m.Origin.ETag == "" && m.Origin.LastModified.IsZero() {
		return false // nothing to ask with
	}
	after, ok := d.Rule.RevalidateAfter(m.Origin.Lifetime, m.Origin.NoCache)
	return ok && time.Since(m.Origin.Time) >= after
}

func askOf(plan rules.Plan, role string) (rules.Ask, bool) {
	for _, ask := range plan.Asks {
		if ask.Role == role {
			return ask, true
		}
	}
	return rules.Ask{}, false
}

// checkLoader asks whether m is still the origin's object.
func (v *visit) checkLoader(plan rules.Plan, m cache.Meta) cache.Loader {
	ask := originRequest(http.MethodGet, plan)
	ask.Proxy = true // 304 is an answer here
	ask.Header = ask.Header.Clone()
	switch {
	case m.Origin.ETag != "":
		ask.Header.Set("If-None-Match", m.Origin.ETag)
	case !m.Origin.LastModified.IsZero():
		ask.Header.Set("If-Modified-Since", m.Origin.LastModified.UTC().Format(http.TimeFormat))
	}
	load := v.pullLoader(plan, ask)
	log := v.g.log.With("site", v.site.Name, "key", v.d.ObjectKey, "rule", v.d.Rule.ID())
	return func(ctx context.Context) (*cache.Pull, error) {
		pull, err := load(ctx)
		if err != nil {
			log.Debug("a copy was checked and stays", "why", err)
			return nil, err
		}
		if strings.HasPrefix(m.Origin.ETag, `"`) && pull.Meta.Origin.ETag == m.Origin.ETag {
			closeBody(pull.Body) // an origin that knows no conditions
			return nil, cache.ErrUnchanged
		}
		pull.Put.IfMatch, pull.SameMD5 = m.Bucket.ETag, m.Origin.MD5
		log.Debug("the origin answers a check with the object", "reason_not_kept", pull.Reason)
		return pull, nil
	}
}

// Refresh compares the copy of a key with its origin at once, whatever its age, and says in a word what came of it:
// unchanged, replaced, gone (the copy stays), or why the origin's object may not be kept.
func (g *Gateway) Refresh(ctx context.Context, site, key string) (outcome string, err error) {
	v, m, err := g.copyOf(ctx, site, key)
	if err != nil {
		return "", err
	}
	plan, err := v.d.Plan(make(http.Header))
	if err != nil {
		return "", err
	}
	ask, ok := askOf(plan, m.Origin.Target)
	if !ok {
		return "", fmt.Errorf("rule %s has no %s target any more, from which the copy came", v.d.Rule.ID(), m.Origin.Target)
	}
	plan.Asks = []rules.Ask{ask}
	err = g.cache.Refresh(ctx, &v.site.Site, key, v.fillOptions(plan), v.checkLoader(plan, m))
	var gone *cache.NegativeError
	var refused *cache.RefusedError
	switch {
	case err == nil:
		return "replaced", nil
	case errors.Is(err, cache.ErrUnchanged), errors.As(err, &refused) && refused.Reason == "unchanged":
		return "unchanged", nil
	case errors.As(err, &gone):
		return "gone at the origin; the copy stays", nil
	case refused != nil:
		return "kept as it is: " + refused.Error(), nil
	default:
		return "", err
	}
}

// copyOf finds a copy in the bucket that can be compared with its origin.
func (g *Gateway) copyOf(ctx context.Context, site, key string) (*visit, cache.Meta, error) {
	s := g.hosts.Load().named(site)
	if s == nil {
		return nil, cache.Meta{}, fmt.Errorf("there is no site %q", site)
	}
	v := &visit{g: g, site: s, r: &request{method: http.MethodGet}, d: decideStored(s, key)}
	if err := v.keeps(); err != nil {
		return nil, cache.Meta{}, err
	}
	obj, err := s.Bucket.Open(ctx, key, cache.ReadOptions{HeadersOnly: true})
	switch {
	case err != nil:
		return nil, cache.Meta{}, err
	case !obj.Meta.Origin.Believed() || obj.Meta.Bucket.ETag == "":
		return nil, cache.Meta{}, errors.New("the object is no copy: nothing proves that a pull brought it")
	}
	return v, obj.Meta, nil
}

// unchanged is the answer to a check that the copy is still good.
func unchanged(resp *origin.Response) bool { return resp.Status == http.StatusNotModified }
