package gateway

import (
	"context"
	"net/http"
	"time"

	"mirrorgate/cache"
	"mirrorgate/origin"
	"mirrorgate/rules"
)

// mirror answers a GET of a missing object from the origins, and has it saved.
func (v *visit) mirror() (*answer, error) {
	plan, err := v.plan()
	if err != nil {
		return nil, err
	}
	if a, err := v.part(plan); a != nil || err != nil {
		return a, err
	}
	obj, err := v.g.cache.Fill(&v.site.Site, v.d.ObjectKey, v.fillOptions(plan), v.loader(plan))
	if err != nil {
		return nil, err
	}
	v.joined(obj.Pull)
	shown := v.validators(&obj.Meta)
	if status := v.r.cond.status(shown, v.site.ETagSuffixes); status != 0 {
		return v.unmet(obj, status)
	}
	if v.r.ranged != nil && v.r.cond.rangeHolds(shown) {
		if _, err := obj.Narrow(*v.r.ranged); err != nil {
			closeBody(obj.Body)
			return nil, err
		}
	}
	return v.object(obj), nil
}

func (v *visit) fillOptions(plan rules.Plan) cache.FillOptions {
	return cache.FillOptions{
		Solo:        plan.Solo,
		Wait:        v.origin().Answer,
		Stall:       v.origin().Stall,
		Scope:       scope(plan),
		NegativeTTL: v.site.NegativeTTL,
		Later:       func(ctx context.Context) (*cache.Pull, error) { return v.loader(plan)(ctx) },
	}
}

// scope tells plans apart that ask different URLs: a changed configuration forgets what the old one's origins lacked.
func scope(plan rules.Plan) string {
	s := ""
	for _, ask := range plan.Asks {
		s += ask.Role + " " + ask.URL + "\n"
	}
	return s
}

func redirected(resp *origin.Response) error {
	return &redirectedError{
		Status: resp.Status, Location: resp.Header.Get("Location"), Target: resp.Target, AddsSlash: resp.AddsSlash,
	}
}

func (v *visit) origin() pulls {
	p := pulls{Origin: v.site.Origins[v.d.Rule.ID()]}
	if v.span != nil {
		p.tracer, p.cause = v.g.traces.tracer, v.span.SpanContext()
	}
	return p
}

// loader brings the origin's answer into the form that the cache takes. It runs on the pull's context, after the
// handler may have returned: it uses nothing of the connection.
func (v *visit) loader(plan rules.Plan) cache.Loader {
	return v.pullLoader(plan, originRequest(http.MethodGet, plan))
}

// pullLoader is the loader of a particular request to the origin.
func (v *visit) pullLoader(plan rules.Plan, ask origin.Request) cache.Loader {
	d, from, rate := v.d, v.origin(), v.g.minRate
	return func(ctx context.Context) (*cache.Pull, error) {
		resp, err := from.Fetch(ctx, ask)
		if err != nil {
			return nil, negative(err)
		}
		if unchanged(resp) {
			closeBody(resp.Body)
			return nil, cache.ErrUnchanged
		}
		if resp.Status != http.StatusOK {
			closeBody(resp.Body)
			return nil, redirected(resp)
		}
		rule := d.Rule.Config()
		put := putOptions(rule.Store)
		put.Trace = from.traceparent()
		answered := rules.Answer{Header: resp.Header, Length: resp.Length, Proven: resp.Proven, Cookie: plan.Cookie}
		return &cache.Pull{
			Meta: metaOf(resp, rule, plan), Target: resp.Target, Body: newPaced(resp.Body, rate),
			Reason:    d.Refusal(answered),
			Final:     func(size int64) string { answered.Length = size; return d.Refusal(answered) },
			Digests:   digestsOf(resp),
			Put:       put,
			SetCookie: safeValues(resp.Header.Values("Set-Cookie")),
		}, nil
	}
}

// putOptions is how the rule wants the object saved.
func putOptions(s rules.Store) cache.PutOptions {
	return cache.PutOptions{
		StorageClass: s.StorageClass, Encryption: s.Encryption, KMSKey: s.KMSKey, ACL: s.ACL, Tags: s.Tags,
	}
}

// originRequest is made when a client begins to wait: what it waits for before the origin is asked counts, too.
func originRequest(method string, plan rules.Plan) origin.Request {
	asks := make([]origin.Ask, len(plan.Asks))
	for i, ask := range plan.Asks {
		asks[i] = origin.Ask{Role: ask.Role, URL: ask.URL}
	}
	return origin.Request{
		Method: method, Asks: asks, Header: plan.Header, Secret: plan.Secret, Trace: plan.Trace, Asked: time.Now(),
	}
}
