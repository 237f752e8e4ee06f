package gateway

import (
	"errors"
	"time"

	"github.com/valyala/fasthttp"

	"mirrorgate/cache"
)

// begin is the visit of a request that is about to be answered. began is when it had been read.
func (g *Gateway) begin(ctx *fasthttp.RequestCtx, r *request, began time.Time) *visit {
	v := &visit{g: g, r: r}
	v.answered.ID, v.answered.Began = r.id, began
	if g.access != nil {
		g.introduce(ctx, &v.answered)
	}
	return v
}

// beginUnread is the visit of a request of which nothing is known but that it came.
func (g *Gateway) beginUnread(ctx *fasthttp.RequestCtx) *visit {
	v := &visit{g: g, r: &request{id: g.ids.next()}}
	v.answered.ID, v.answered.Began = v.r.id, time.Now()
	if g.access != nil {
		v.answered.Client = g.clientOf(ctx)
	}
	return v
}

// introduce notes who asks for what. It copies.
func (g *Gateway) introduce(ctx *fasthttp.RequestCtx, a *Answered) {
	h := &ctx.Request.Header
	a.Client = g.clientOf(ctx)
	a.Method, a.Host, a.Target = methodOf(h), string(h.Host()), string(h.RequestURI())
	a.Proto, a.Agent, a.Refer = string(h.Protocol()), string(h.UserAgent()), string(h.Referer())
}

// from notes an answer that is handed to the connection now.
func (a *Answered) from(s source, status int, now time.Time) {
	a.Outcome, a.Origin, a.NotKept = s.outcome, s.origin, s.notKept
	a.Status, a.FirstByte = status, now.Sub(a.Began)
}

// failed notes a row of the table.
func (a *Answered) failed(f fault, err error) {
	a.Outcome, a.Status = f.outcome, f.status
	if f.own {
		a.Err = err
	}
	var negative *cache.NegativeError
	if !errors.As(err, &negative) || !negative.Remembered {
		a.Origin = targetOf(err)
	}
}

// end is the true end of an answer: of its body, which the connection has taken so many bytes of, or of its header
// where it has no body.
func (v *visit) end(sent int64, err error) {
	if v.entered {
		v.g.exit()
	}
	a := &v.answered
	a.Bytes = sent
	if err != nil {
		a.Err = err
		v.g.brokeOff(a.ID, a.Site, a.Key, err)
	}
	v.endTrace()
	v.g.tell(v.tally(), a)
}

// tally is that of the rule that the key matches.
func (v *visit) tally() *tally {
	if v.site == nil {
		return v.g.tallies.nowhere
	}
	return v.site.tally(&v.d)
}

// tell counts what has been answered, to its end, and hands it out. It is called once for every request.
func (g *Gateway) tell(of *tally, a *Answered) {
	a.Total = time.Since(a.Began)
	if a.FirstByte == 0 { // all of it left at once
		a.FirstByte = a.Total
	}
	g.tallies.add(of, a)
	if g.access != nil {
		g.access(a)
	}
	if g.watch != nil && a.watched() {
		g.watch(a)
	}
}

// watched tells whether Options.Watch is told of an answer: an origin had a part in it, or would have had.
func (a *Answered) watched() bool {
	switch a.Outcome {
	case OutcomeNegative, OutcomeRetired, OutcomePaused, OutcomeError:
		return true
	}
	return a.Needed()
}
