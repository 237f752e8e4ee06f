package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"mirrorgate/cache"
	"mirrorgate/origin"
	"mirrorgate/rules"
)

// nearPull is how far, in bytes, a range may begin behind what has arrived and still wait for the pull to get there:
// that takes less time than another request to the origin.
const nearPull = 4 << 20

// part answers a range of a missing object that lies far behind what has arrived: it is asked of the origin by itself,
// while one whole pull runs behind it. nil means that the range does better to follow the whole pull.
func (v *visit) part(plan rules.Plan) (*answer, error) {
	if v.r.ranged == nil || v.d.Rule.Config().Range == rules.RangeFill {
		return nil, nil
	}
	arrived, whole, flies := v.g.cache.Progress(&v.site.Site, v.d.ObjectKey)
	if flies && !v.r.cond.rangeHolds(v.validators(&whole)) || near(*v.r.ranged, arrived, whole.Size, flies) {
		return nil, nil
	}
	o := v.fillOptions(plan)
	if !o.Solo {
		v.g.cache.Behind(&v.site.Site, v.d.ObjectKey, o, v.logged(v.loader(plan)))
	}
	o.Part = v.r.ranged
	obj, err := v.g.cache.Fill(&v.site.Site, v.d.ObjectKey, o, v.partLoader(plan, v.ifRange(whole, flies)))
	var busy *cache.BusyError
	if errors.Is(err, errWhole) || errors.As(err, &busy) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	shown := v.validators(&obj.Meta)
	if !v.r.cond.rangeHolds(shown) { // equal parts are shared, whatever each client's If-Range is
		closeBody(obj.Body)
		return nil, nil
	}
	if status := v.r.cond.status(shown, v.site.ETagSuffixes); status != 0 {
		return v.unmet(obj, status)
	}
	return v.object(obj), nil
}

// near tells whether r begins where the pull is, or will be soon.
func near(r cache.Range, arrived, size int64, flies bool) bool {
	start := r.First
	if start < 0 { // a suffix: its start is known once the size is
		if !flies || size < 0 {
			return false
		}
		start, _, _ = r.Resolve(size)
	}
	if flies && size >= 0 && start >= size {
		return true // the pull knows that there is no such byte
	}
	return start <= arrived+nearPull
}

// ifRange is the validator that a part must have: the pull's, if that is strong, else the client's own.
func (v *visit) ifRange(whole cache.Meta, flies bool) string {
	if tag := whole.Origin.ETag; flies && strings.HasPrefix(tag, `"`) {
		return tag
	}
	return v.r.cond.ifRange
}

// errWhole means that the origin answered a range with the whole object, which is being pulled already.
var errWhole = errors.New("the origin answers ranges with the whole object")

// partLoader asks the origin for a range.
func (v *visit) partLoader(plan rules.Plan, ifRange string) cache.Loader {
	d, from, ranged, rate := v.d, v.origin(), *v.r.ranged, v.g.minRate
	req := originRequest(http.MethodGet, plan)
	req.Proxy = true // 206 and 416 are answers here
	req.Header = req.Header.Clone()
	req.Header.Set("Range", ranged.String())
	if ifRange != "" {
		req.Header.Set("If-Range", ifRange)
	}
	return func(ctx context.Context) (*cache.Pull, error) {
		resp, err := from.Fetch(ctx, req)
		if err != nil {
			return nil, negative(err)
		}
		pull, err := partOf(resp, ranged, ifRange)
		if err != nil {
			closeBody(resp.Body)
			return nil, err
		}
		pull.Body = newPaced(resp.Body, rate)
		size := pull.Meta.Size
		pull.Meta = metaOf(resp, d.Rule.Config(), plan)
		pull.Meta.Size = size
		pull.Reason = d.Refusal(rules.Answer{
			Header: resp.Header, Length: resp.Length, Proven: resp.Proven, Cookie: plan.Cookie,
		})
		pull.SetCookie = safeValues(resp.Header.Values("Set-Cookie"))
		return pull, nil
	}
}

// partOf checks an answer to a range: a 206 must be the very part that was asked for, of the object that was meant.
func partOf(resp *origin.Response, ranged cache.Range, ifRange string) (*cache.Pull, error) {
	start, length, size, ok := parseContentRange(resp.Header.Get("Content-Range"))
	switch {
	case resp.Status == http.StatusRequestedRangeNotSatisfiable:
		return nil, &cache.RangeError{Size: size}
	case resp.Status == http.StatusOK:
		return nil, errWhole
	case resp.Status != http.StatusPartialContent:
		return nil, redirected(resp)
	case !ok || size < 0 || resp.Length >= 0 && resp.Length != length:
		return nil, badPart(resp, "a part without its place in the object")
	case strings.HasPrefix(ifRange, `"`) && resp.Header.Get("Etag") != "" && resp.Header.Get("Etag") != ifRange:
		return nil, badPart(resp, "a part of another version of the object")
	}
	if wantStart, wantLength, ok := ranged.Resolve(size); !ok || wantStart != start || wantLength != length {
		return nil, badPart(resp, "another part than the one asked for")
	}
	pull := &cache.Pull{Target: resp.Target, Body: resp.Body, Start: start, Length: length}
	pull.Meta.Size = size
	return pull, nil
}

func badPart(resp *origin.Response, what string) error {
	return &origin.Error{
		Kind: origin.KindFailed, Target: resp.Target, Op: "range", Status: resp.Status,
		Err: errors.New("the origin answered a range with " + what),
	}
}

// parseContentRange reads "bytes 0-9/100" and "bytes */100" (RFC 9110 section 14.4). A size of "*" is -1. ok is false
// for everything that names no part.
func parseContentRange(v string) (start, length, size int64, ok bool) {
	v, isBytes := strings.CutPrefix(v, "bytes ")
	part, total, hasSize := strings.Cut(v, "/")
	if size = -1; hasSize {
		if n, err := strconv.ParseUint(total, 10, 63); err == nil {
			size = int64(n)
		}
	}
	first, last, hasLast := strings.Cut(part, "-")
	from, errFrom := strconv.ParseUint(first, 10, 63)
	to, errTo := strconv.ParseUint(last, 10, 62)
	if !isBytes || !hasSize || !hasLast || errFrom != nil || errTo != nil || to < from || size >= 0 && int64(to) >= size {
		return 0, 0, size, false
	}
	return int64(from), int64(to-from) + 1, size, true
}
