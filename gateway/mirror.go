package gateway

import (
	"context"
	"net/http"

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
	obj, err := v.g.cache.Fill(&v.site.Site, v.d.ObjectKey, v.fillOptions(plan), v.loader(plan))
	if err != nil {
		return nil, err
	}
	shown := v.validators(obj.Meta)
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
		Scope:       scope(plan),
		NegativeTTL: v.site.NegativeTTL,
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

func (v *visit) origin() Origin { return v.site.Origins[v.d.Rule.ID()] }

// loader brings the origin's answer into the form that the cache takes. It runs on the pull's context, after the
// handler may have returned: it uses nothing of the connection.
func (v *visit) loader(plan rules.Plan) cache.Loader {
	d, from := v.d, v.origin()
	return func(ctx context.Context) (*cache.Pull, error) {
		resp, err := from.Fetch(ctx, originRequest(http.MethodGet, plan))
		if err != nil {
			return nil, negative(err)
		}
		if resp.Status != http.StatusOK {
			closeBody(resp.Body)
			return nil, redirected(resp)
		}
		rule := d.Rule.Config()
		answered := rules.Answer{Header: resp.Header, Length: resp.Length, Proven: resp.Proven, Cookie: plan.Cookie}
		return &cache.Pull{
			Meta: metaOf(resp, rule, plan), Target: resp.Target, Body: resp.Body,
			Reason:    d.Refusal(answered),
			Final:     func(size int64) string { answered.Length = size; return d.Refusal(answered) },
			Digests:   digestsOf(resp),
			Put:       cache.PutOptions{StorageClass: rule.Store.StorageClass},
			SetCookie: safeValues(resp.Header.Values("Set-Cookie")),
		}, nil
	}
}

func originRequest(method string, plan rules.Plan) origin.Request {
	asks := make([]origin.Ask, len(plan.Asks))
	for i, ask := range plan.Asks {
		asks[i] = origin.Ask{Role: ask.Role, URL: ask.URL}
	}
	return origin.Request{Method: method, Asks: asks, Header: plan.Header, Secret: plan.Secret}
}
