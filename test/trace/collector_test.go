package trace_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	v1 "go.opentelemetry.io/proto/otlp/common/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector takes traces and metrics over OTLP/HTTP.
type collector struct {
	url string

	mu      sync.Mutex
	spans   []span
	metrics map[string]bool // names
}

// span is what it has taken.
type span struct {
	name, trace, id, parent string
	kind                    tracev1.Span_SpanKind
	begin, end              time.Time
	about                   map[string]string
	links                   []string // trace ids
	events                  []string
	failed                  bool
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{metrics: make(map[string]bool)}
	s := httptest.NewServer(http.HandlerFunc(c.take))
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

func (c *collector) take(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
	case r.URL.Path == "/v1/metrics":
		err = c.takeMetrics(raw)
	case r.URL.Path == "/v1/traces":
		err = c.takeTraces(raw)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (c *collector) takeMetrics(raw []byte) error {
	var request collectormetrics.ExportMetricsServiceRequest
	if err := proto.Unmarshal(raw, &request); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range request.ResourceMetrics {
		for _, scope := range resource.ScopeMetrics {
			for _, m := range scope.Metrics {
				c.metrics[m.Name] = true
			}
		}
	}
	return nil
}

func (c *collector) takeTraces(raw []byte) error {
	var request collectortrace.ExportTraceServiceRequest
	if err := proto.Unmarshal(raw, &request); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range request.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				c.spans = append(c.spans, newSpan(s))
			}
		}
	}
	return nil
}

func newSpan(s *tracev1.Span) span {
	made := span{
		name: s.Name, trace: hex.EncodeToString(s.TraceId), id: hex.EncodeToString(s.SpanId),
		parent: hex.EncodeToString(s.ParentSpanId), kind: s.Kind, about: make(map[string]string),
		begin: time.Unix(0, int64(s.StartTimeUnixNano)), end: time.Unix(0, int64(s.EndTimeUnixNano)),
		failed: s.Status.GetCode() == tracev1.Status_STATUS_CODE_ERROR,
	}
	for _, a := range s.Attributes {
		made.about[a.Key] = text(a.Value)
	}
	for _, l := range s.Links {
		made.links = append(made.links, hex.EncodeToString(l.TraceId))
	}
	for _, e := range s.Events {
		made.events = append(made.events, e.Name)
		for _, a := range e.Attributes {
			made.about[e.Name+" "+a.Key] = text(a.Value)
		}
	}
	return made
}

func text(v *v1.AnyValue) string {
	switch of := v.Value.(type) {
	case *v1.AnyValue_StringValue:
		return of.StringValue
	case *v1.AnyValue_IntValue:
		return fmt.Sprint(of.IntValue)
	case *v1.AnyValue_BoolValue:
		return fmt.Sprint(of.BoolValue)
	}
	return v.String()
}

// of returns the spans of a trace, the one that began first in front.
func (c *collector) of(trace string) []span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var of []span
	for _, s := range c.spans {
		if s.trace == trace {
			of = append(of, s)
		}
	}
	slices.SortStableFunc(of, func(a, b span) int { return a.begin.Compare(b.begin) })
	return of
}

// named returns all spans of a name.
func (c *collector) named(name string) []span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.spans), func(s span) bool { return s.name != name })
}

// find returns the only span of a name and kind among spans.
func find(t *testing.T, spans []span, name string, kind tracev1.Span_SpanKind) span {
	t.Helper()
	var found []span
	for _, s := range spans {
		if s.name == name && s.kind == kind {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("there are %d spans %q of kind %v among\n%s", len(found), name, kind, list(spans))
	}
	return found[0]
}

func list(spans []span) string {
	lines := make([]string, len(spans))
	for i, s := range spans {
		lines[i] = fmt.Sprintf("%s %v %s in %s, %v to %v, %v failed=%v",
			s.name, s.kind, s.id, s.parent, s.begin, s.end, s.about, s.failed)
	}
	return strings.Join(lines, "\n")
}
