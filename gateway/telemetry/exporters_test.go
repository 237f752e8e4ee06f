package telemetry_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/gateway/telemetry"
	"mirrorgate/test/harness"
)

// A collector that refuses is told of once, in the gateway's own log, and so is its return.
func TestOutageIsLoggedOnce(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1") // ms
	var works atomic.Bool
	var asked atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !works.Load() || r.URL.Path != "/v1/traces" {
			w.WriteHeader(http.StatusForbidden)
		}
		asked.Add(1)
	}))
	defer collector.Close()
	var said strings.Builder // read when nobody writes any more
	all, err := telemetry.New(t.Context(), telemetry.Options{
		Config: telemetry.Config{OTLP: collector.URL, Sample: 1}, Log: slog.New(slog.NewTextHandler(&said, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(4) {
		works.Store(n == 3)
		_, span := all.Tracer().Start(t.Context(), "span")
		span.End()
		harness.Eventually(t, 20*time.Second, func() error {
			if asked.Load() <= n {
				return errors.New("the collector was not asked")
			}
			return nil
		})
	}
	counter, err := all.Meter().Int64Counter("counter")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(t.Context(), 1)
	if err := all.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"takes no traces", "takes traces again", "takes no metrics"} {
		if n := strings.Count(said.String(), text); n != 1 {
			t.Errorf("%q is in the log %d times:\n%s", text, n, said.String())
		}
	}
}

// A password in the URL would be shown to nobody, and sent to nobody either.
func TestNoPasswordInURL(t *testing.T) {
	f := func(url string, want int) {
		t.Helper()
		var found []string
		c := telemetry.Config{OTLP: url}
		c.Validate(func(_, problem string) { found = append(found, problem) })
		if len(found) != want {
			t.Errorf("%s: %q", url, found)
		}
	}
	f("https://collector.example.com/otlp", 0)
	f("https://user:password@collector.example.com", 1)
}
