package origin

import (
	"context"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// span begins the span of one request to an origin, if the pull belongs to a trace that is sampled; else what it
// returns does nothing.
func (p *pull) span(h hop) (context.Context, trace.Span) {
	ctx := p.budget.ctx
	if p.o.tracer == nil || !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, trace.SpanFromContext(context.Background())
	}
	shown := *h.url // a query may hold a signature
	shown.User, shown.RawQuery = nil, ""
	return p.o.tracer.Start(ctx, p.r.Method, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.request.method", p.r.Method),
		attribute.String("url.full", shown.String()),
		attribute.String("server.address", h.url.Hostname()),
		attribute.Int("http.request.resend_count", h.count),
		attribute.String("mirrorgate.target", h.t.role),
	))
}

// endSpan ends it with the header of the answer. A 404 is no failure of the origin's.
func endSpan(span trace.Span, got *answer, err *Error) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	if err != nil {
		span.SetAttributes(attribute.String("error.type", err.Op))
		span.SetStatus(codes.Error, err.Public())
		return
	}
	span.SetAttributes(attribute.Int("http.response.status_code", got.StatusCode))
	if got.StatusCode >= http.StatusInternalServerError {
		span.SetAttributes(attribute.String("error.type", strconv.Itoa(got.StatusCode)))
		span.SetStatus(codes.Error, "")
	}
}

// propagate tells the origin of the trace (W3C Trace Context), if the rule wants that and there is one.
func (p *pull) propagate(ctx context.Context, header http.Header) {
	if p.r.Trace && trace.SpanContextFromContext(ctx).IsSampled() {
		propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(header))
	}
}
