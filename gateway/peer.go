package gateway

import (
	"context"
	"errors"
	"net/http"

	"github.com/valyala/fasthttp"

	"mirrorgate/cache"
)

// Fleet knows the gateways that share this one's buckets.
type Fleet interface {
	// Admit reads what another gateway asks out of a request's fields. It fails when the request is not proven to be one
	// of the fleet's.
	Admit(field func(name string) string) (cache.PeerAsk, error)
	// Seal returns the fields that prove an answer to who asked. It may have to make another answer of it.
	Seal(ask cache.PeerAsk, a *cache.PeerAnswer) []cache.Field
}

// isPeers tells whether another gateway asks, rather than a client. Sites and rules are not looked at then, nor is the
// loop guard: what is asked for is a body that this gateway has or pulls already, and no origin is asked for it.
func (g *Gateway) isPeers(r *request) bool {
	return g.fleet != nil && r.path == cache.PeerPath && r.method == http.MethodGet
}

// answerPeer gives another gateway a body that is pulled here.
//
// It counts under limits.max_inflight and is not refused by it: a gateway that gets nothing here asks the origin, which
// has less to give than we do. Clients are refused in its place, and may come again.
func (g *Gateway) answerPeer(ctx *fasthttp.RequestCtx, r *request) {
	h := &ctx.Request.Header
	ask, err := g.fleet.Admit(func(name string) string { return string(h.Peek(name)) })
	if err != nil {
		g.fail(ctx, g.begin(ctx, r, ctx.Time()), errForged)
		return
	}
	g.inflight.Add(1)
	a := g.shared(g.life, ask)
	fields := g.fleet.Seal(ask, &a)
	out := &ctx.Response.Header
	g.setCommon(out, r)
	out.SetContentType(defaultType)
	out.Set("Cache-Control", "no-store")
	for _, f := range fields {
		out.Set(f.Name, f.Value)
	}
	if a.Body == nil {
		g.exit()
		return
	}
	ctx.Response.SetBodyStream(&stream{body: a.Body, length: a.Length, done: func(_ int64, err error) {
		g.exit()
		if err != nil {
			g.brokeOff(r.id, ask.Site, ask.Key, err)
		}
	}}, int(a.Length))
}

// shared is what the cache has for another gateway.
func (g *Gateway) shared(ctx context.Context, ask cache.PeerAsk) cache.PeerAnswer {
	if g.hosts.Load().named(ask.Site) == nil {
		return cache.PeerAnswer{Outcome: cache.PeerLacks}
	}
	a, err := g.share(ctx, ask)
	var elsewhere *redirectedError
	switch {
	case errors.As(err, &elsewhere): // no failure, but for each client its own
		return cache.PeerAnswer{Outcome: cache.PeerAlone}
	case err != nil:
		a.Fault = peerFault(err)
	}
	return a
}

// peerFault is a failure as another gateway tells it to its clients. What it makes of 502 and 504 is its site's.
func peerFault(err error) *cache.PeerError {
	var negative *cache.NegativeError
	f := faultOf(err, 0)
	return &cache.PeerError{
		Status: f.status, Code: f.code, Message: f.message, RetryAfter: f.retryAfter, Negative: errors.As(err, &negative),
	}
}

// peerFaultOf is the part of the table for failures of another gateway's pulls. What is no failure is an origin's "no".
func peerFaultOf(e *cache.PeerError, failureStatus int) fault {
	f := fault{status: e.Status, code: e.Code, message: e.Message, retryAfter: e.RetryAfter, outcome: OutcomeNegative}
	if f.status == http.StatusBadGateway || f.status == http.StatusGatewayTimeout {
		f.status = orStatus(failureStatus, f.status)
	}
	if f.own = e.Status >= http.StatusInternalServerError; f.own {
		f.outcome = OutcomeError
	}
	return f
}
