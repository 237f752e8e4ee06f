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

// head answers a HEAD of a missing object with the headers that a GET would have. Nothing is pulled.
func (v *visit) head() (*answer, error) {
	if v.headOff() {
		return nil, errHeadOff
	}
	plan, err := v.plan()
	if err != nil {
		return nil, err
	}
	obj, err := v.g.cache.Head(&v.site.Site, v.d.ObjectKey, v.fillOptions(plan), v.headLoader(plan))
	if err != nil {
		return nil, err
	}
	if status := v.r.cond.status(v.validators(&obj.Meta), v.site.ETagSuffixes); status != 0 {
		return v.unmet(obj, status)
	}
	return v.object(obj), nil
}

// headOff tells whether a HEAD of a missing object is answered without the origin.
func (v *visit) headOff() bool {
	return v.d.Mode == rules.ModeMirror && v.r.method == http.MethodHead && v.d.Rule.Config().Head == rules.HeadOff
}

// headLoader asks HEAD, and where the origin refuses that, one byte.
func (v *visit) headLoader(plan rules.Plan) cache.HeadLoader {
	ask := originRequest(http.MethodHead, plan)
	return func(ctx context.Context) (*cache.Object, error) {
		resp, err := v.origin().Fetch(ctx, ask)
		if refusesHead(err) {
			resp, err = v.firstByte(ctx, ask)
		}
		if err != nil {
			return nil, negative(err)
		}
		closeBody(resp.Body)
		if resp.Status != http.StatusOK {
			return nil, redirected(resp)
		}
		meta, _ := metaOf(resp, v.d.Rule.Config(), plan).Trimmed()
		info := cache.PullInfo{Target: resp.Target}
		return &cache.Object{Meta: meta, Tier: cache.TierPull, Pull: info}, nil
	}
}

// refusesHead tells whether an origin that answered HEAD so may still answer GET.
func refusesHead(err error) bool {
	var failed *origin.Error
	if !errors.As(err, &failed) {
		return false
	}
	return failed.Status == http.StatusForbidden || failed.Status == http.StatusMethodNotAllowed ||
		failed.Status == http.StatusNotImplemented
}

// firstByte asks an origin that refuses HEAD for one byte, and gives its answer the status and length of the whole.
func (v *visit) firstByte(ctx context.Context, req origin.Request) (*origin.Response, error) {
	req.Method = http.MethodGet
	req.Proxy = true // 206 and 416 are answers here
	req.Header = req.Header.Clone()
	req.Header.Set("Range", "bytes=0-0")
	resp, err := v.origin().Fetch(ctx, req)
	if err != nil {
		return nil, err
	}
	if resp.Status == http.StatusPartialContent || resp.Status == http.StatusRequestedRangeNotSatisfiable {
		resp.Length = -1
		_, size, _ := strings.Cut(resp.Header.Get("Content-Range"), "/")
		if n, err := strconv.ParseUint(size, 10, 63); err == nil {
			resp.Length = int64(n)
		}
		if resp.Status == http.StatusRequestedRangeNotSatisfiable && resp.Length == 0 {
			resp.Status = http.StatusOK
			for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Disposition"} {
				resp.Header.Del(name) // those are of an error page
			}
		}
		if resp.Status == http.StatusPartialContent {
			resp.Status = http.StatusOK
		}
	}
	if resp.Status != http.StatusOK && resp.Status/100 != 3 {
		closeBody(resp.Body)
		return nil, &origin.Error{
			Kind: origin.KindFailed, Target: resp.Target, Op: "get one byte", Status: resp.Status,
			Err: errors.New("the origin refuses HEAD, and a GET of bytes 0-0"),
		}
	}
	return resp, nil
}
