package gateway

import (
	"strconv"
	"strings"

	"mirrorgate/cache"
	"mirrorgate/rules"
)

// status is a Cache-Status value (RFC 9211) of this cache.
func status(params ...string) string {
	return "mirrorgate; " + strings.Join(params, "; ")
}

const hitMemory = "mirrorgate; hit; detail=memory"

// ruleParam names a rule. Ids need no escaping: they hold a-z, 0-9 and "-" only.
func ruleParam(id string) string { return `rule="` + id + `"` }

// cacheStatus says where an object's answer came from.
func (v *visit) cacheStatus(obj *cache.Object) string {
	switch obj.Tier {
	case cache.TierMemory:
		return hitMemory
	case cache.TierBucket:
		return "mirrorgate; hit; detail=bucket"
	case cache.TierSpool:
		return "mirrorgate; hit; detail=spool"
	}
	if obj.Pull.Partial {
		return status("fwd=partial", "detail="+obj.Pull.Target, ruleParam(v.d.Rule.ID()))
	}
	params := append(make([]string, 0, 6), "fwd=uri-miss", "fwd-status=200")
	if obj.Pull.Kept {
		params = append(params, "stored")
	}
	if obj.Pull.Collapsed {
		params = append(params, "collapsed")
	}
	return status(append(params, "detail="+obj.Pull.Target, ruleParam(v.d.Rule.ID()))...)
}

// refusedStatus is the Cache-Status of an origin's answer that there is no object for the client.
func (v *visit) refusedStatus(n *cache.NegativeError) string {
	if n.Remembered {
		return "mirrorgate; hit; detail=negative"
	}
	return v.forwardedStatus(n.Status, targetOf(n))
}

// forwardedStatus is the Cache-Status of a miss that a target answered with something else than the object.
func (v *visit) forwardedStatus(code int, target string) string {
	if v.d.Mode == rules.ModeProxy {
		return status("fwd=bypass", ruleParam(v.d.Rule.ID()))
	}
	params := []string{"fwd=uri-miss", "fwd-status=" + strconv.Itoa(code)}
	if target != "" {
		params = append(params, "detail="+target)
	}
	return status(append(params, ruleParam(v.d.Rule.ID()))...)
}
