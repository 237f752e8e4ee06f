package admin_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"mirrorgate/gateway/admin"
)

// Whatever is asked is answered with JSON, and is never taken for a failure of the gateway's own.
func FuzzRequests(f *testing.F) {
	for _, c := range calls() {
		if len(c.body) < 1000 {
			f.Add(c.op, c.query, c.body)
		}
	}
	f.Add("GET /api/v1/explain", "url=%zz&&;header", "")
	f.Fuzz(func(t *testing.T, op, query, body string) {
		o := complete()
		o.Ready, o.Log, o.Metrics = func() error { return nil }, slog.New(slog.DiscardHandler), http.NotFoundHandler()
		method, path, _ := strings.Cut(op, " ")
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", strings.NewReader(body))
		r.Method, r.URL = method, &url.URL{Path: path, RawQuery: query}
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		admin.Handler(o).ServeHTTP(w, r)
		down := w.Code == http.StatusBadGateway && path == "/api/v1/trial" // as the test's own listener may say
		if path != "/metrics" && !json.Valid(w.Body.Bytes()) || w.Code >= 500 && !down {
			t.Errorf("%s ?%s %q: %d, %s", op, query, body, w.Code, w.Body)
		}
	})
}
