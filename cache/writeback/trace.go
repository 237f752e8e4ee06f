package writeback

import (
	"context"
	"errors"
	"io"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"mirrorgate/cache"
)

// Trace has each save of an object whose pull was traced make a trace of its own, which is linked to that one: it ends
// long after it, and may be one of several tries. It is called before Run.
func (w *Writeback) Trace(t trace.Tracer) { w.tracer = t }

// put writes an object into its bucket.
func (w *Writeback) put(
	ctx context.Context, bucket cache.Bucket, id cache.ID, body io.ReaderAt, meta cache.Meta, o cache.PutOptions,
) error {
	defer w.wrote(id)
	ctx, span := w.span(ctx, id, meta.Size, o.Trace)
	defer span.End()
	err := bucket.Put(ctx, id.Key, body, meta, o)
	switch {
	case err == nil || !span.IsRecording():
	case errors.Is(err, cache.ErrPrecondition): // somebody newer has won: as good as saved
		span.SetAttributes(attribute.String("mirrorgate.result", "present"))
	default:
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

// span begins the span of a save, if cause is the traceparent of a request; else what it returns does nothing.
func (w *Writeback) span(ctx context.Context, id cache.ID, size int64, cause string) (context.Context, trace.Span) {
	link := trace.LinkFromContext(propagation.TraceContext{}.Extract(
		context.Background(), propagation.MapCarrier{"traceparent": cause}))
	if w.tracer == nil || !link.SpanContext.IsSampled() {
		return ctx, trace.SpanFromContext(context.Background())
	}
	return w.tracer.Start(ctx, "save", trace.WithNewRoot(), trace.WithLinks(link), trace.WithAttributes(
		attribute.String("mirrorgate.site", id.Site),
		attribute.String("mirrorgate.key", id.Key),
		attribute.Int64("mirrorgate.size", size),
	))
}
