package trace_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

const (
	server   = tracev1.Span_SPAN_KIND_SERVER
	client   = tracev1.Span_SPAN_KIND_CLIENT
	internal = tracev1.Span_SPAN_KIND_INTERNAL
)

// start runs a gateway with a directory bucket and one rule, a YAML mapping, that sends its traces to a collector.
func start(t *testing.T, otlp, sample, rule string) *harness.Gateway {
	t.Helper()
	return harness.StartGateway(t, fmt.Sprintf("telemetry: {otlp: %q, sample: %s}\n", otlp, sample)+
		"memory: {max_bytes: 64MiB}\n"+
		"sites:\n- name: site\n  hosts: [\"*\"]\n  bucket: {dir: "+t.TempDir()+"}\n  rules:\n  - "+rule+"\n")
}

// passes is the rule that tells an origin of traces.
func passes(url string) string {
	return fmt.Sprintf("{id: all, forward: {headers: {pass: [traceparent]}}, origin: {primary: %q}}", url)
}

const traceparent = "Traceparent"

// traceOf is the traceparent of a client's own trace, and the ids in it.
func traceOf(n int, sampled bool) (value, trace, parent string) {
	trace, parent = fmt.Sprintf("%032x", n+1), fmt.Sprintf("%016x", n+1)
	flags := map[bool]string{true: "01", false: "00"}[sampled]
	return "00-" + trace + "-" + parent + "-" + flags, trace, parent
}

// stop ends the gateway: its last spans are with the collector then.
func stop(t *testing.T, g *harness.Gateway) {
	t.Helper()
	if code := g.Stop(t); code != 0 {
		t.Errorf("mirrorgate ended with exit code %d", code)
	}
}

// TestTraceOfAMiss: one trace covers the request from its begin to its last byte, what was done for it and when; the
// origin is told of it; and the save, which ends later, is linked to it.
func TestTraceOfAMiss(t *testing.T) {
	t.Parallel()
	c, o := newCollector(t), origin.Start(t, origin.Config{})
	g := start(t, c.url, "0", passes(o.URL()))
	gate := o.Hold("/a.bin", 96<<10)
	own, trace, parent := traceOf(1, true)
	began := time.Now()
	resp := g.Open(t, http.MethodGet, "/a.bin", traceparent, own)
	first := time.Now()
	gate.Release()
	body, err := io.ReadAll(resp.Body)
	ended := time.Now()
	if err = errors.Join(err, resp.Body.Close()); err != nil || int64(len(body)) != o.Truth("/a.bin").Size {
		t.Fatalf("%d bytes, %v", len(body), err)
	}
	stop(t, g)

	spans := c.of(trace)
	root := find(t, spans, "GET", server)
	get, pull, ask := find(t, spans, "get", internal), find(t, spans, "pull", internal), find(t, spans, "GET", client)
	if root.parent != parent || get.parent != root.id || pull.parent != root.id || ask.parent != pull.id ||
		len(spans) != 4 {
		t.Errorf("the spans do not hang together:\n%s", list(spans))
	}
	for _, s := range []span{get, pull, ask} {
		if s.begin.Before(root.begin) || s.end.After(root.end) || s.failed {
			t.Errorf("%s is not within its request, or failed:\n%s", s.name, list(spans))
		}
	}
	if root.begin.Before(began) || root.begin.After(first) || root.end.Before(first) ||
		root.end.After(ended.Add(time.Second)) || ask.end.After(first) || pull.end.Before(first) {
		t.Errorf("asked at %v, the first byte at %v, the last at %v:\n%s", began, first, ended, list(spans))
	}
	for name, want := range map[string]string{
		"http.request.method": "GET", "http.response.status_code": "200", "url.path": "/a.bin",
		"mirrorgate.site": "site", "mirrorgate.rule": "all", "mirrorgate.outcome": "mirrored", "http.response.body.size": fmt.Sprint(len(body)),
		"decided mirrorgate.mode": "mirror",
	} {
		if root.about[name] != want {
			t.Errorf("the request's %s is %q, want %q", name, root.about[name], want)
		}
	}
	sent := o.Records("/a.bin")[0].Header.Get(traceparent)
	if want := "00-" + trace + "-" + ask.id + "-01"; sent != want {
		t.Errorf("the origin was told %q, want %q", sent, want)
	}
	for _, name := range []string{"mirrorgate.requests", "http.server.request.duration", "mirrorgate.origin.pulls"} {
		if !c.metrics[name] {
			t.Errorf("the collector has got no metric %s", name)
		}
	}
	saves := c.named("save")
	if len(saves) != 1 || saves[0].trace == trace || !slices.Equal(saves[0].links, []string{trace}) || saves[0].failed ||
		saves[0].about["mirrorgate.key"] != "a.bin" {
		t.Errorf("saves: %s", list(saves))
	}
}

// TestTraceJoins: a request that joins the pull of another has a trace of its own, which leads to the other's.
func TestTraceJoins(t *testing.T) {
	t.Parallel()
	c, o := newCollector(t), origin.Start(t, origin.Config{})
	g := start(t, c.url, "0", fmt.Sprintf("{id: all, origin: {primary: %q}}", o.URL()))
	gate := o.Hold("/a.bin", 96<<10)
	one, first, _ := traceOf(1, true)
	two, second, _ := traceOf(2, true)
	a, b := g.Open(t, http.MethodGet, "/a.bin", traceparent, one), g.Open(t, http.MethodGet, "/a.bin", traceparent, two)
	gate.Release()
	for _, resp := range []*http.Response{a, b} {
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Error(err)
		}
		_ = resp.Body.Close()
	}
	stop(t, g)
	root := find(t, c.of(second), "GET", server)
	if !slices.Equal(root.links, []string{first}) || root.about["mirrorgate.outcome"] != "joined" {
		t.Errorf("joined: %s, links %q", list([]span{root}), root.links)
	}
	if sent := o.Records("/a.bin")[0].Header.Get(traceparent); sent != "" {
		t.Errorf("the origin was told of the trace %q, which the rule does not pass on", sent)
	}
}

// TestTraceFailsOver: each request to an origin is a span, and what failed is seen to have.
func TestTraceFailsOver(t *testing.T) {
	t.Parallel()
	c, bad, good := newCollector(t), origin.Start(t, origin.Config{}), origin.Start(t, origin.Config{})
	g := start(t, c.url, "0", fmt.Sprintf("{id: all, origin: {primary: %q, backup: %q}}",
		bad.URL()+"/~status,status=503", good.URL()))
	own, trace, _ := traceOf(1, true)
	if a := g.Get(t, "/a.bin", traceparent, own); a.Status != http.StatusOK {
		t.Fatalf("status %d", a.Status)
	}
	gone, lost, _ := traceOf(2, true)
	if a := g.Get(t, "/~status,status=404/b.bin", traceparent, gone); a.Status != http.StatusNotFound && a.Status != http.StatusBadGateway {
		t.Fatalf("status %d", a.Status)
	}
	stop(t, g)
	var targets []string
	for _, s := range c.of(trace) {
		if s.kind == client {
			status := s.about["http.response.status_code"]
			targets = append(targets, fmt.Sprint(s.about["mirrorgate.target"], " ", status, " ", s.failed))
		}
	}
	if want := []string{"primary 503 true", "backup 200 false"}; !slices.Equal(targets, want) {
		t.Errorf("asked: %q, want %q\n%s", targets, want, list(c.of(trace)))
	}
	if root := find(t, c.of(lost), "GET", server); root.failed != (root.about["http.response.status_code"] == "502") {
		t.Errorf("the request that failed: %s", list([]span{root}))
	}
}

// TestTraceSamples: a client that wants no trace has none, one without a wish by telemetry.sample, and hits are traced,
// too.
func TestTraceSamples(t *testing.T) {
	t.Parallel()
	c, o := newCollector(t), origin.Start(t, origin.Config{})
	never, always := start(t, c.url, "0", passes(o.URL())), start(t, c.url, "1", passes(o.URL()))
	unwanted, trace, _ := traceOf(1, false)
	for _, g := range []*harness.Gateway{never, always} {
		g.Get(t, "/a.bin", traceparent, unwanted)
		g.Get(t, "/b.bin")
	}
	hit, again, _ := traceOf(2, true)
	harness.Eventually(t, 10*time.Second, func() error {
		if a := always.Get(t, "/b.bin", traceparent, hit); a.Header.Get("Cache-Status") != "mirrorgate; hit; detail=memory" {
			return fmt.Errorf("answered %s", a.Header.Get("Cache-Status"))
		}
		return nil
	})
	stop(t, never)
	stop(t, always)
	if got := c.of(trace); len(got) != 0 {
		t.Errorf("traced against the client's wish:\n%s", list(got))
	}
	if sent := o.Records("/a.bin")[0].Header.Get(traceparent); !strings.Contains(sent, trace) {
		t.Errorf("a trace that is not sampled was not passed on: %q", sent)
	}
	var own, memory int
	for _, s := range c.named("GET") {
		if s.kind == server && s.about["url.path"] == "/b.bin" && s.about["mirrorgate.outcome"] == "mirrored" {
			own++
		}
		if s.trace == again && s.about["mirrorgate.outcome"] == "memory" {
			memory++
		}
	}
	if own != 1 || memory == 0 {
		t.Errorf("%d misses were traced, want that of one of two gateways; %d hits from memory were, want some", own, memory)
	}
	told := 0
	for _, r := range o.Records("/b.bin") {
		if r.Header.Get(traceparent) != "" {
			told++
		}
	}
	if told != 1 {
		t.Errorf("of two gateways one traces on its own and says so to the origin: %d do", told)
	}
}

// TestTraceWithoutCollector: a collector that is not there, or takes nothing, costs no request anything.
func TestTraceWithoutCollector(t *testing.T) {
	t.Parallel()
	o := origin.Start(t, origin.Config{})
	hangs := origin.Start(t, origin.Config{})
	hangs.Hold("/v1/traces", origin.BeforeHead)
	for _, otlp := range []string{"http://" + harness.FreeAddr(t), hangs.URL()} {
		g := start(t, otlp, "1", fmt.Sprintf("{id: all, origin: {primary: %q}}", o.URL()))
		for i := range 300 { // more than one batch of spans
			path := fmt.Sprintf("/a%d.bin", i%20)
			a := g.Get(t, path)
			if a.Status != http.StatusOK || a.Err != nil || !bytes.Equal(a.Body, o.Truth(path).Bytes()) {
				t.Fatalf("%s: %d, %v", path, a.Status, a.Err)
			}
		}
		began := time.Now()
		stop(t, g)
		if ending := time.Since(began); ending > 10*time.Second {
			t.Errorf("the gateway took %v to end", ending)
		}
	}
}

// TestTraceIsBounded: clients cannot have more traced than a bound, whatever they ask for.
func TestTraceIsBounded(t *testing.T) {
	t.Parallel()
	const most, asked = 100, 400 // a second, and in all
	c, o := newCollector(t), origin.Start(t, origin.Config{})
	g := start(t, c.url, "0", fmt.Sprintf("{id: all, origin: {primary: %q}}", o.URL()))
	began := time.Now()
	for i := range asked {
		own, _, _ := traceOf(i, true)
		g.Do(t, http.MethodHead, "/a.bin", traceparent, own)
	}
	bound := most + int(most*time.Since(began).Seconds()) + 1
	stop(t, g)
	if traced := len(c.named("HEAD")); traced < most || traced > bound*2 { // a server's and a client's span
		t.Errorf("%d spans of %d requests, want %d to %d", traced, asked, most, bound*2)
	}
}
