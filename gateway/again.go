package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"unicode/utf8"

	"mirrorgate/cache"
	"mirrorgate/rules"
)

// PullAgain pulls an object that a gateway of the fleet had pulled and not saved when it was lost, by this gateway's
// own rules, and returns when that has ended. nil: the object is in the bucket, or committed to be saved, or there is
// nothing left to do, which the log tells. An error passes, or is for a person to mend.
func (g *Gateway) PullAgain(ctx context.Context, site, key string) error {
	log := g.log.With("site", site, "key", key)
	v, err := g.lostVisit(site, key)
	switch {
	case v == nil:
		return err
	case err != nil:
		return leave(log, err)
	}
	obj, err := g.cache.Get(ctx, &v.site.Site, key, cache.ReadOptions{HeadersOnly: true})
	switch {
	case err == nil:
		closeBody(obj.Body)
		return nil
	case errors.Is(err, cache.ErrDeleted), errors.Is(err, cache.ErrKeyForm):
		return leave(log, err)
	case !errors.Is(err, cache.ErrNotFound):
		return err
	}
	plan, err := v.d.Plan(make(http.Header))
	switch {
	case err != nil:
		return leave(log, err)
	case plan.Solo:
		return leave(log, errNotKept)
	}
	err = g.cache.PullAgain(ctx, &v.site.Site, key, v.fillOptions(plan), v.loader(plan))
	var gone *cache.NegativeError
	var refused *cache.RefusedError
	if errors.As(err, &gone) || errors.As(err, &refused) && refused.Reason != "spool" {
		return leave(log, err)
	}
	return err
}

// errNotKept means that the rules have changed, or differ between gateways.
var errNotKept = errors.New("no rule keeps a copy of this key")

// leave says why there is nothing to do about an object.
func leave(log *slog.Logger, why error) error {
	log.Info("an object that another gateway had pulled and not saved is not pulled again", "why", why)
	return nil
}

// lostVisit decides for a key as if a client asked for it. With a visit, an error is final.
func (g *Gateway) lostVisit(site, key string) (*visit, error) {
	s := g.hosts.Load().named(site)
	if s == nil {
		return nil, fmt.Errorf("there is no site %q at this gateway", site)
	}
	v := &visit{g: g, site: s, r: &request{method: http.MethodGet}, d: decideStored(s, key)}
	switch {
	case !isKey(key):
		return v, rules.ErrNoKey
	case v.d.Err != nil:
		return v, v.d.Err
	case v.d.Rule == nil || !v.d.Keep || v.d.Always || !s.Save:
		return v, errNotKept
	}
	return v, nil
}

// isKey tells whether there is a path with this key: rules.Key makes no others.
func isKey(key string) bool {
	return key != "" && len(key) <= cache.MaxKey && !strings.HasPrefix(key, cache.InternalPrefix) &&
		utf8.ValidString(key) && strings.IndexByte(key, 0) < 0
}

// decideStored decides for a key as it is in the bucket, which may hold a query.
func decideStored(s *Site, key string) rules.Decision {
	path, query, hasQuery := strings.Cut(key, "?")
	if d := s.Rules.Decide(rules.Request{Key: path, Query: query, HasQuery: hasQuery}); d.ObjectKey == key {
		return d
	}
	return s.Rules.Decide(rules.Request{Key: key})
}
