package trace_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

// TestTraceTakesAnyBytes: OTLP has no strings but UTF-8, and of a batch with another one nothing arrives. So what a client
// writes in its own way must not cost others their spans.
func TestTraceTakesAnyBytes(t *testing.T) {
	t.Parallel()
	c, o := newCollector(t), origin.Start(t, origin.Config{})
	g := start(t, c.url, "1", passes(o.URL()))
	for _, line := range []string{
		"GET /\xff.bin HTTP/1.1\r\nHost: site", "GET /%ff.bin HTTP/1.1\r\nHost: site", "GET /a.bin HTTP/1.1\r\nHost: \xff",
		"GET /a.bin?\xff HTTP/1.1\r\nHost: site", "GET /\xc3.bin HTTP/1.1\r\nHost: site\xff",
	} {
		say(t, g, line)
	}
	own, trace, _ := traceOf(1, true)
	g.Get(t, "/b.bin", traceparent, own)
	stop(t, g)
	find(t, c.of(trace), "GET", server)
	if n := len(c.named("GET")); n < 6 {
		t.Errorf("%d spans came", n)
	}
}

// TestTraceStateIsTheRules: what a client adds to its traceparent reaches an origin only if the rule passes that, too.
func TestTraceStateIsTheRules(t *testing.T) {
	t.Parallel()
	c, o := newCollector(t), origin.Start(t, origin.Config{})
	const state = "Tracestate"
	f := func(rule, want string) {
		t.Helper()
		g := start(t, c.url, "0", rule)
		own, _, _ := traceOf(1, true)
		g.Get(t, "/"+want+".bin", traceparent, own, state, "client=x")
		sent := o.Records("/" + want + ".bin")[0].Header
		if sent.Get(traceparent) == "" || sent.Get(traceparent) == own || sent.Get(state) != want {
			t.Errorf("%s: the origin was told %q and %q, want %q", rule, sent.Get(traceparent), sent.Get(state), want)
		}
	}
	f(passes(o.URL()), "")
	f(strings.Replace(passes(o.URL()), "[traceparent]", "[traceparent, tracestate]", 1), "client=x")
}

// say sends a request as it stands, and reads its answer to the end.
func say(t *testing.T, g *harness.Gateway, head string) {
	t.Helper()
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "%s\r\nConnection: close\r\n\r\n", head); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || len(got) == 0 {
		t.Fatalf("%q was answered %q, %v", head, got, err)
	}
}
