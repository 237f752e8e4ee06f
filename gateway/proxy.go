package gateway

import (
	"context"
	"io"
	"net/http"
	"strings"
)

// proxy passes a request through to the origin: ranges and conditions are the origin's to answer, nothing is kept, and
// a client that leaves ends it.
func (v *visit) proxy() (*answer, error) {
	plan, err := v.plan()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(v.context())
	req := originRequest(v.r.method, plan)
	req.Proxy = true
	resp, err := v.origin().Fetch(ctx, req)
	if err != nil {
		cancel()
		return nil, negative(err)
	}
	if resp.Status/100 == 3 && resp.Status != http.StatusNotModified {
		cancel()
		closeBody(resp.Body)
		return nil, redirected(resp)
	}
	a := &answer{
		fresh: v.r.method != http.MethodHead, status: resp.Status, length: resp.Length,
		cacheStatus: status("fwd=bypass", ruleParam(v.d.Rule.ID())),
		source:      source{outcome: OutcomeProxied, origin: resp.Target},
		body:        &cancelBody{newPaced(resp.Body, v.g.minRate), cancel},
	}
	for name, values := range resp.Header {
		if !proxied(name) {
			continue
		}
		for _, value := range safeValues(values) {
			a.set(name, value)
		}
	}
	return a, nil
}

// proxied tells whether a response header passes: not what concerns the connection (origin has removed the names that
// Connection lists), nor what the gateway says itself, nor what a bucket says of its inner workings or of provenance.
func proxied(name string) bool {
	switch name = strings.ToLower(name); name {
	case "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
		"transfer-encoding", "upgrade", "content-length", "cache-status", "via", "x-request-id", "server", "date":
		return false
	}
	if user, ok := strings.CutPrefix(name, "x-amz-meta-"); ok {
		return !strings.HasPrefix(user, "mg-")
	}
	return !strings.HasPrefix(name, "mg-") && !strings.HasPrefix(name, "x-amz-")
}

type cancelBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *cancelBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
