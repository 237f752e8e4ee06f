package telemetry_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const metricsConfig = `
admin: {listen: "${ADMIN}"}
sites:
- name: site
  hosts: [site.test]
  bucket: {dir: "${BUCKET}"}
  rules:
  - {id: deny, mode: deny, match: {prefix: deny/}}
`

// ask is a GET; the answer's body is what is returned.
func (r *rig) ask(t *testing.T, host, path string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestMetrics asks for some objects, and for keys and a host that have no business in a label.
func TestMetrics(t *testing.T) {
	r := serve(t, metricsConfig)
	if err := os.WriteFile(filepath.Join(r.bucket, "a.txt"), []byte("object"), 0o644); err != nil {
		t.Fatal(err)
	}
	const hostile = "%22%7Dhostile%0A"
	sent := map[string]int64{}
	for range 3 {
		sent["site bucket"] += int64(len(r.ask(t, "site.test", "/a.txt")))
	}
	sent["site missing"] = int64(len(r.ask(t, "site.test", "/"+hostile)))
	sent["site denied"] = int64(len(r.ask(t, "site.test", "/deny/"+hostile)))
	sent["none refused"] = int64(len(r.ask(t, "hostile.test", "/a.txt")))
	families := r.scrape(t)
	f := func(want map[string]int64, name string, labels ...string) {
		t.Helper()
		if diff := differ(sums(t, families, name, labels...), want); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	f(map[string]int64{"site none bucket 2xx": 3, "site none missing 4xx": 1, "site deny denied 4xx": 1, "none none refused 4xx": 1},
		"mirrorgate_requests_total", "mirrorgate_site", "mirrorgate_rule", "mirrorgate_outcome", "http_response_status_class")
	f(sent, "mirrorgate_response_body_size_bytes_total", "mirrorgate_site", "mirrorgate_outcome")
	byOutcome := map[string]int64{"bucket": 3, "missing": 1, "denied": 1, "refused": 1}
	f(byOutcome, "http_server_request_duration_seconds", "mirrorgate_outcome")
	f(byOutcome, "mirrorgate_first_byte_duration_seconds", "mirrorgate_outcome")
	for name, family := range families {
		if s := family.String(); strings.Contains(s, "hostile") || strings.Contains(s, "a.txt") {
			t.Errorf("%s holds what a client has sent:\n%s", name, s)
		}
	}
	if n := families["http_server_active_requests"].GetMetric()[0].GetGauge().GetValue(); n != 0 {
		t.Errorf("%v requests are being answered, want none", n)
	}
}
