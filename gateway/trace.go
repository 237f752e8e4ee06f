package gateway

import (
	"context"
	"io"
	"sync"

	"github.com/valyala/fasthttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"mirrorgate/cache"
	"mirrorgate/origin"
)

// maxForeign is how many traces a second clients may have gone on with: what they bring is sampled whatever
// telemetry.sample says.
const maxForeign = 100

// traces begins the traces of requests. A nil one begins none.
type traces struct {
	tracer  trace.Tracer
	foreign *rate.Limiter
}

func newTraces(t trace.Tracer) *traces {
	if t == nil {
		return nil
	}
	return &traces{tracer: t, foreign: rate.NewLimiter(maxForeign, maxForeign)}
}

// begin begins the trace of a request, or goes on with the one that its client brings (W3C Trace Context), if it is one
// of those that are sampled; else it returns nil. A client's tracestate is a header like any other: the rule passes it
// or not.
func (t *traces) begin(ctx *fasthttp.RequestCtx) trace.Span {
	if t == nil {
		return nil
	}
	h := &ctx.Request.Header
	from := context.Background() // a request has no context that could be passed on
	if parent := h.Peek("Traceparent"); len(parent) > 0 && t.foreign.Allow() {
		from = propagation.TraceContext{}.Extract(from, propagation.MapCarrier{"traceparent": string(parent)})
	}
	_, span := t.tracer.Start(from, methodOf(h), trace.WithSpanKind(trace.SpanKindServer),
		trace.WithTimestamp(ctx.Time()))
	if !span.IsRecording() {
		return nil
	}
	return span
}

// trace makes span that of the request; nil: it is not traced.
func (v *visit) trace(span trace.Span) {
	if span != nil {
		v.span, v.answered.Trace = span, span.SpanContext().TraceID().String()
	}
}

// context is that of what is done for a request's answer: it ends with Serve, and carries the request's trace.
func (v *visit) context() context.Context {
	if v.span == nil {
		return v.g.life
	}
	return trace.ContextWithSpan(v.g.life, v.span)
}

// step begins a span within the request's trace, if it has one. Its end is told of what came of it.
func (v *visit) step(name string) (ctx context.Context, end func(error)) {
	ctx = v.context()
	if v.span == nil {
		return ctx, func(error) {}
	}
	ctx, span := v.g.traces.tracer.Start(ctx, name)
	return ctx, func(err error) { endSpan(span, err) }
}

// endSpan ends a span. That an object is not there is an answer, no failure.
func endSpan(span trace.Span, err error) {
	if err != nil && faultOf(err, 0).own {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

// traced tells the request's trace what the rules have decided.
func (v *visit) traced() {
	if v.span == nil {
		return
	}
	v.span.AddEvent("decided", trace.WithAttributes(
		attribute.String("mirrorgate.key", v.d.ObjectKey), attribute.String("mirrorgate.mode", string(v.d.Mode)),
	))
}

// endTrace ends the request's trace, at the true end of its answer.
func (v *visit) endTrace() {
	if v.span == nil {
		return
	}
	a := &v.answered
	v.span.SetAttributes(
		attribute.String("http.request.method", v.r.method),
		attribute.String("url.path", v.r.path),
		attribute.String("server.address", NormalHost(v.r.host)),
		attribute.Int("http.response.status_code", a.Status),
		attribute.Int64("http.response.body.size", a.Bytes),
		attribute.String("mirrorgate.site", a.Site),
		attribute.String("mirrorgate.rule", a.Rule),
		attribute.String("mirrorgate.outcome", a.Outcome.String()),
		attribute.String("mirrorgate.request_id", a.ID),
	)
	if a.Err != nil {
		v.span.SetStatus(codes.Error, a.Err.Error())
	}
	v.span.End()
}

// pulls is a rule's origin as it is asked for one request. Its pulls are spans of that request's trace, if it has one.
// It uses nothing of the connection.
type pulls struct {
	Origin
	tracer trace.Tracer
	cause  trace.SpanContext
}

// Fetch is that of origin.Origin. The span ends with the body.
func (p pulls) Fetch(ctx context.Context, r origin.Request) (*origin.Response, error) {
	if !p.cause.IsSampled() {
		return p.Origin.Fetch(ctx, r)
	}
	ctx, span := p.tracer.Start(trace.ContextWithSpanContext(ctx, p.cause), "pull")
	resp, err := p.Origin.Fetch(ctx, r)
	if err != nil {
		endSpan(span, negative(err))
		return nil, err
	}
	span.SetAttributes(attribute.String("mirrorgate.target", resp.Target))
	if resp.Body == nil {
		span.End()
	} else {
		resp.Body = &tracedBody{ReadCloser: resp.Body, span: span}
	}
	return resp, nil
}

// traceparent names the trace for what happens later because of the request; "": it has none.
func (p pulls) traceparent() string {
	carrier := propagation.MapCarrier{}
	if p.cause.IsSampled() {
		propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), p.cause), carrier)
	}
	return carrier.Get("traceparent")
}

// tracedBody ends a span with the body that it is about.
type tracedBody struct {
	io.ReadCloser
	span trace.Span

	mu   sync.Mutex // it is closed by another goroutine than it is read by
	size int64
	err  error
}

func (b *tracedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.size += int64(n)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

func (b *tracedBody) Close() error {
	err := b.ReadCloser.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.span.SetAttributes(attribute.Int64("http.response.body.size", b.size))
	endSpan(b.span, b.err) // a second time it does nothing
	return err
}

// joined links the request's trace to that of the request that began the pull which it has joined.
func (v *visit) joined(info cache.PullInfo) {
	if v.span == nil || !info.Collapsed || info.Trace == "" {
		return
	}
	v.span.AddLink(trace.LinkFromContext(propagation.TraceContext{}.Extract(
		context.Background(), propagation.MapCarrier{"traceparent": info.Trace})))
}
