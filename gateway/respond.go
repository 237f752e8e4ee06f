package gateway

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"mirrorgate/cache"
)

// handle is fasthttp's handler.
func (g *Gateway) handle(ctx *fasthttp.RequestCtx) {
	span := g.traces.begin(ctx)
	if span == nil && g.fromMemory(ctx) {
		return
	}
	r := parse(ctx, g.ids.next())
	if c, ok := ctx.Conn().(*conn); ok && hadBody(&ctx.Request.Header) {
		c.lingers.Store(true)
	}
	if r.path == g.cfg.HealthPath {
		g.health(ctx, r)
		return
	}
	if g.isPeers(r) {
		g.answerPeer(ctx, r)
		return
	}
	v := g.begin(ctx, r, ctx.Time())
	v.trace(span)
	a, err := v.walk()
	if err == nil && a.body != nil {
		err = a.prime()
	}
	if err != nil {
		g.fail(ctx, v, err)
		return
	}
	g.respond(ctx, v, a)
}

// respond writes the answer's head and hands its body to fasthttp, which writes it after the handler has returned.
func (g *Gateway) respond(ctx *fasthttp.RequestCtx, v *visit, a *answer) {
	h, now := &ctx.Response.Header, time.Now()
	v.answered.from(a.source, a.status, now)
	g.setCommon(h, v.r)
	ctx.SetStatusCode(a.status)
	if a.meta != nil {
		setObjectHeaders(h, a.meta, v.site.BucketValidators, now)
	}
	for _, f := range a.fields {
		h.Add(f.Name, f.Value)
	}
	if a.cacheStatus != "" {
		h.Set("Cache-Status", a.cacheStatus)
	}
	switch {
	case v.r.method == http.MethodHead || a.status == http.StatusNotModified || a.body == nil:
		closeBody(a.body)
		v.end(0, nil)
		if v.r.method == http.MethodHead && a.status != http.StatusNotModified {
			ctx.Response.SkipBody = true
			setHeadLength(ctx, v.r.has10, a)
		}
	default:
		body := &stream{body: a.body, length: a.length, done: v.end}
		body.client, _ = ctx.Conn().(*conn)
		if a.length < 0 && v.r.has10 {
			g.closeDelimited(ctx, body)
			return
		}
		ctx.Response.SetBodyStream(body, int(a.length))
	}
}

// setHeadLength gives a HEAD the Content-Length that a GET would have. Without one it shows the framing that a GET
// would have: chunks, or for HTTP/1.0 the end of the connection.
func setHeadLength(ctx *fasthttp.RequestCtx, has10 bool, a *answer) {
	length := a.length
	if a.meta != nil && a.body == nil {
		length = a.meta.Size
	}
	if length < 0 && has10 {
		length = -2 // neither a length nor chunks
	}
	ctx.Response.Header.SetContentLength(int(length))
}

func (g *Gateway) brokeOff(id, site, key string, err error) {
	g.log.Info("an answer broke off", "request", id, "site", site, "key", key, "err", err)
}

// setCommon sets what every answer has.
func (g *Gateway) setCommon(h *fasthttp.ResponseHeader, r *request) {
	h.DisableNormalizing() // names go out as the standards write them
	h.Set("X-Request-Id", r.id)
	setFixed(h)
}

// setFixed sets what is the same in every answer.
func setFixed(h *fasthttp.ResponseHeader) { h.Set("Via", "1.1 mirrorgate") }

// fail answers with a row of the table.
func (g *Gateway) fail(ctx *fasthttp.RequestCtx, v *visit, err error) {
	h := &ctx.Response.Header
	var redirected *redirectedError
	if errors.As(err, &redirected) {
		g.redirectOn(ctx, v, redirected)
		return
	}
	failureStatus := 0
	if v.site != nil {
		failureStatus = v.site.FailureStatus
	}
	f := faultOf(err, failureStatus)
	v.answered.failed(f, err)
	g.setCommon(h, v.r)
	ctx.SetStatusCode(f.status)
	h.SetContentType("application/xml")
	h.Set("Cache-Control", "no-store")
	v.setFaultHeaders(h, f, err)
	body := errorBody(f, v)
	if v.r.method == http.MethodHead {
		ctx.Response.SkipBody = true
		h.SetContentLength(len(body))
		v.end(0, nil)
	} else {
		rest := io.NopCloser(bytes.NewReader(body))
		ctx.Response.SetBodyStream(&stream{body: rest, length: int64(len(body)), done: v.end}, len(body))
	}
	if f.own {
		g.logFault(v, f, err)
	}
}

func (g *Gateway) logFault(v *visit, f fault, err error) {
	log := g.log.With("request", v.r.id, "status", f.status, "code", f.code)
	if v.site != nil {
		log = log.With("site", v.site.Name, "key", v.d.ObjectKey)
	}
	if v.d.Rule != nil {
		log = log.With("rule", v.d.Rule.ID())
	}
	log.Warn("request failed", "err", err)
}

// setFaultHeaders sets what belongs to a particular failure.
func (v *visit) setFaultHeaders(h *fasthttp.ResponseHeader, f fault, err error) {
	var (
		outside  *cache.RangeError
		negative *cache.NegativeError
		denied   *deniedError
		unasked  *unaskedError
	)
	switch {
	case errors.As(err, &outside):
		if outside.Size >= 0 {
			h.Set("Content-Range", "bytes */"+strconv.FormatInt(outside.Size, 10))
		}
	case errors.As(err, &negative):
		h.Set("Cache-Status", v.refusedStatus(negative))
		if ttl := int(v.site.NegativeTTL / time.Second); ttl > 0 && !v.solo {
			h.Set("Cache-Control", "max-age="+strconv.Itoa(ttl))
		}
	case errors.As(err, &denied):
		h.Set("Cache-Status", status("detail=deny", ruleParam(v.d.Rule.ID())))
	case errors.As(err, &unasked):
		h.Set("Cache-Status", status("detail="+string(unasked.State), ruleParam(v.d.Rule.ID())))
	case errors.Is(err, errMethod):
		h.Set("Allow", "GET, HEAD")
	}
	if f.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((f.retryAfter+time.Second-1)/time.Second)))
	}
}

// redirectOn passes an origin's redirect to the client.
func (g *Gateway) redirectOn(ctx *fasthttp.RequestCtx, v *visit, e *redirectedError) {
	h := &ctx.Response.Header
	g.setCommon(h, v.r)
	ctx.SetStatusCode(e.Status)
	location := e.Location
	if e.AddsSlash {
		location = v.r.withSlash()
	}
	h.Set("Location", location)
	h.Set("Cache-Control", "no-store")
	h.Set("Cache-Status", v.forwardedStatus(e.Status, e.Target))
	ctx.Response.SkipBody = v.r.method == http.MethodHead
	v.answered.from(source{outcome: OutcomeRedirected, origin: e.Target}, e.Status, time.Now())
	v.end(0, nil)
}

// errorBody is the XML that S3 clients expect. It names the rule, as far as one is responsible.
func errorBody(f fault, v *visit) []byte {
	message := f.message
	if v.d.Rule != nil {
		message = fmt.Sprintf("%s (rule %s)", message, v.d.Rule.ID())
	}
	var b bytes.Buffer
	b.WriteString(xml.Header + "<Error>")
	for _, e := range []struct{ name, value string }{
		{"Code", f.code}, {"Message", message}, {"Key", v.d.Key}, {"RequestId", v.r.id},
	} {
		b.WriteString("<" + e.name + ">")
		_ = xml.EscapeText(&b, []byte(e.value)) // a Buffer takes everything
		b.WriteString("</" + e.name + ">")
	}
	b.WriteString("</Error>\n")
	return b.Bytes()
}

// closeBehindBody has the connection closed behind a request with a body: nobody asked for one, and what is taken for
// the next request must not depend on where it ends (RFC 9112 section 6.1). The body is not even read: fasthttp forgets
// the whole request when one turns out to be too long.
func closeBehindBody(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if length := h.ContentLength(); length > 0 || length == -1 {
		h.SetContentLength(0)
		h.SetConnectionClose()
	}
	return fasthttp.RequestConfig{}
}

// hadBody tells whether closeBehindBody may have hidden a body.
func hadBody(h *fasthttp.RequestHeader) bool { return h.ConnectionClose() && h.ContentLength() == 0 }

// handleExpect answers a client that asks whether it may send a body. fasthttp closes the connection then.
func (g *Gateway) handleExpect(ctx *fasthttp.RequestCtx) int {
	g.fail(ctx, g.begin(ctx, parse(ctx, g.ids.next()), time.Now()), errExpect)
	return ctx.Response.StatusCode()
}

// handleUnreadable answers requests that fasthttp could not read.
func (g *Gateway) handleUnreadable(ctx *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	switch {
	case isTimeout(err):
		_ = ctx.Conn().Close() // nothing was asked, so nothing is answered (RFC 9112 section 9.5)
	case errors.As(err, &small):
		g.fail(ctx, g.beginUnread(ctx), errHeaderSize)
	default:
		g.fail(ctx, g.beginUnread(ctx), fmt.Errorf("%w: %w", errMalformed, err))
	}
}

// isTimeout tells whether a connection on which nothing was sent has timed out. One that broke off within a header has
// an error around that.
func isTimeout(err error) bool {
	timeout, ok := err.(net.Error) // not errors.As: only the error itself is meant
	return ok && timeout.Timeout()
}

// health says on the traffic port what readiness says.
func (g *Gateway) health(ctx *fasthttp.RequestCtx, r *request) {
	h := &ctx.Response.Header
	g.setCommon(h, r)
	h.SetContentType("text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	err := g.ready()
	if g.stopping.Load() {
		err = errors.New("shutting down")
	}
	if err != nil { // which names addresses: the log has it
		ctx.SetStatusCode(http.StatusServiceUnavailable)
		ctx.Response.SetBodyString("not ready\n")
		return
	}
	ctx.Response.SetBodyString("ready\n")
}
