package gateway

import (
	"context"
	"errors"
	"fmt"
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
	_, err := g.pullMissing(ctx, site, key)
	var final *finalError
	if errors.As(err, &final) {
		g.log.Info("an object that another gateway had pulled and not saved is not pulled again",
			"site", site, "key", key, "why", final.err)
		return nil
	}
	return err
}

// Pull pulls an object that the bucket lacks, before anybody asks for it, and returns when that has ended. It says in
// a word what came of it: present, pulled (it is committed to be saved) or gone at the origin. The error says why the
// object cannot be had or may not be kept. When ctx ends the pull goes on by itself.
func (g *Gateway) Pull(ctx context.Context, site, key string) (outcome string, err error) {
	present, err := g.pullMissing(ctx, site, key)
	var gone *cache.NegativeError
	switch {
	case present:
		return "present", nil
	case errors.As(err, &gone) && gone.Status == http.StatusNotFound:
		return "gone at the origin", nil
	case err != nil:
		return "", err
	}
	return "pulled", nil
}

// finalError is why an object is not pulled that trying again would not change.
type finalError struct{ err error }

func (e *finalError) Error() string { return e.err.Error() }
func (e *finalError) Unwrap() error { return e.err }

// pullMissing pulls an object by the site's rules, unless it is present.
func (g *Gateway) pullMissing(ctx context.Context, site, key string) (present bool, err error) {
	v, err := g.lostVisit(site, key)
	if err != nil {
		return false, err
	}
	obj, err := g.cache.Get(ctx, &v.site.Site, key, cache.ReadOptions{HeadersOnly: true})
	switch {
	case err == nil:
		closeBody(obj.Body)
		return true, nil
	case errors.Is(err, cache.ErrDeleted), errors.Is(err, cache.ErrKeyForm):
		return false, &finalError{err}
	case !errors.Is(err, cache.ErrNotFound):
		return false, err
	}
	plan, err := v.d.Plan(make(http.Header))
	switch {
	case err != nil:
		return false, &finalError{err}
	case plan.Solo:
		return false, &finalError{errNotKept}
	}
	err = g.cache.PullAgain(ctx, &v.site.Site, key, v.fillOptions(plan), v.loader(plan))
	var gone *cache.NegativeError
	var refused *cache.RefusedError
	if errors.As(err, &gone) || errors.As(err, &refused) && refused.Reason != "spool" {
		err = &finalError{err}
	}
	return false, err
}

// errNotKept means that the rules do not want it, or do not any more.
var errNotKept = errors.New("no rule keeps a copy of this key")

// lostVisit decides for a key as if a client asked for it.
func (g *Gateway) lostVisit(site, key string) (*visit, error) {
	s := g.Site(site)
	if s == nil {
		return nil, fmt.Errorf("there is no site %q at this gateway", site)
	}
	v := &visit{g: g, site: s, r: &request{method: http.MethodGet}, d: decideStored(s, key)}
	switch {
	case !isKey(key):
		return nil, &finalError{rules.ErrNoKey}
	case v.d.Err != nil:
		return nil, &finalError{v.d.Err}
	case v.d.Always:
		return nil, &finalError{errNotKept}
	}
	err := v.keeps()
	var unasked *unaskedError
	if err != nil && !errors.As(err, &unasked) { // a rule may be active again
		err = &finalError{err}
	}
	return v, err
}

// keeps tells why no copy of the key may be pulled and kept, whatever the origin answers, or nil.
func (v *visit) keeps() error {
	switch {
	case v.d.Rule != nil && v.d.State != rules.StateActive:
		return &unaskedError{v.d.State}
	case v.d.Rule == nil || !v.d.Keep || !v.site.Save:
		return errNotKept
	}
	return nil
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
