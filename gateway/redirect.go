package gateway

import (
	"context"
	"net/http"

	"mirrorgate/cache"
)

// redirect sends the client to the origin, and pulls the object behind its back: the next request finds it in the
// bucket. A fixed name is somebody else's object, so nothing is pulled for it; nor for a rule that holds always, whose
// clients are never answered from the bucket.
func (v *visit) redirect() (*answer, error) {
	plan, err := v.plan()
	if err != nil {
		return nil, err
	}
	a := &answer{status: v.d.Status, cacheStatus: status("fwd=uri-miss", "detail=redirect", ruleParam(v.d.Rule.ID()))}
	a.source = source{outcome: OutcomeRedirected, origin: plan.Asks[0].Role}
	a.set("Location", plan.Location())
	a.set("Cache-Control", "no-store")
	if v.d.Keep && !v.d.Always && !plan.Solo && v.r.method == http.MethodGet {
		o := v.fillOptions(plan)
		o.Wait = 0 // when pulls are scarce, those that a client waits for go first
		v.g.cache.Behind(&v.site.Site, v.d.ObjectKey, o, v.logged(v.loader(plan)))
	}
	return a, nil
}

// logged reports the failure of a pull that no request waits for.
func (v *visit) logged(load cache.Loader) cache.Loader {
	log := v.g.log.With("site", v.site.Name, "key", v.d.ObjectKey, "rule", v.d.Rule.Config().ID)
	return func(ctx context.Context) (*cache.Pull, error) {
		pull, err := load(ctx)
		switch {
		case err != nil:
			log.Warn("a pull behind a redirect failed", "err", err)
		case pull.Reason != "":
			log.Info("a pull behind a redirect is not kept", "reason", pull.Reason)
		}
		return pull, err
	}
}
