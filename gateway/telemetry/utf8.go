package telemetry

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// utf8Exporter makes UTF-8 of what spans say: some of it is as a client wrote it, OTLP has no other strings, and of a
// batch with one nothing would arrive.
type utf8Exporter struct{ sdktrace.SpanExporter }

// ExportSpans implements sdktrace.SpanExporter.
func (e utf8Exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	valid := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		valid[i] = utf8Span{s}
	}
	return e.SpanExporter.ExportSpans(ctx, valid)
}

// utf8Span is a span with valid strings. Names and links are our own.
type utf8Span struct{ sdktrace.ReadOnlySpan }

func (s utf8Span) Attributes() []attribute.KeyValue {
	return validAttributes(s.ReadOnlySpan.Attributes())
}

func (s utf8Span) Events() []sdktrace.Event {
	events := slices.Clone(s.ReadOnlySpan.Events())
	for i := range events {
		events[i].Attributes = validAttributes(events[i].Attributes)
	}
	return events
}

func (s utf8Span) Status() sdktrace.Status {
	status := s.ReadOnlySpan.Status()
	status.Description = valid(status.Description)
	return status
}

func validAttributes(list []attribute.KeyValue) []attribute.KeyValue {
	list = slices.Clone(list)
	for i, a := range list {
		if a.Value.Type() == attribute.STRING {
			list[i].Value = attribute.StringValue(valid(a.Value.AsString()))
		}
	}
	return list
}

func valid(s string) string { return strings.ToValidUTF8(s, string(utf8.RuneError)) }
