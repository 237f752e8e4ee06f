package telemetry_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"mirrorgate/gateway/admin"
	"mirrorgate/test/harness"
)

// patience is how long anything may take that is expected to happen.
const patience = 20 * time.Second

// rig is a gateway with a directory as bucket, and with an admin listener.
type rig struct {
	*harness.Gateway
	bucket, admin string
}

// serve runs a gateway. ${BUCKET}, ${ADMIN} and what env says stand for their values in the configuration.
func serve(t *testing.T, config string, env ...string) *rig {
	t.Helper()
	r := &rig{bucket: filepath.Join(t.TempDir(), "bucket"), admin: harness.FreeAddr(t)}
	if err := os.Mkdir(r.bucket, 0o755); err != nil {
		t.Fatal(err)
	}
	env = append(env, "BUCKET="+r.bucket, "ADMIN="+r.admin)
	r.Gateway = harness.StartGateway(t, config, harness.WithEnv(env...))
	return r
}

// scrape fetches the metrics as Prometheus does, and reads them with its own parser.
func (r *rig) scrape(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	response, err := http.Get("http://" + r.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", response.Status, err)
	}
	return families
}

// overview fetches what the dashboard draws, and adds its requests up as the metrics are: by outcome and class.
func (r *rig) overview(t *testing.T) map[string]int64 {
	t.Helper()
	response, err := http.Get("http://" + r.admin + "/api/v1/overview")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var shown admin.Overview
	if err := json.NewDecoder(response.Body).Decode(&shown); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", response.Status, err)
	}
	all := make(map[string]int64)
	for _, c := range shown.Requests {
		all[c.Outcome+" "+c.Class] += c.Requests
	}
	return all
}

// sums adds up a counter, or the counts of a histogram, by the values of some labels.
func sums(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) map[string]int64 {
	t.Helper()
	family := families[name]
	if family == nil {
		t.Fatalf("there is no metric %s", name)
	}
	all := make(map[string]int64)
	for _, m := range family.Metric {
		values := make(map[string]string)
		for _, l := range m.Label {
			values[l.GetName()] = l.GetValue()
		}
		key := ""
		for _, l := range labels {
			key += values[l] + " "
		}
		all[key[:len(key)-1]] += int64(m.GetCounter().GetValue()) + int64(m.GetHistogram().GetSampleCount())
	}
	return all
}

// differ says where two counts differ; "": nowhere.
func differ(got, want map[string]int64) string {
	s := ""
	for key, n := range want {
		if got[key] != n {
			s += fmt.Sprintf("%s: %d, want %d\n", key, got[key], n)
		}
	}
	for key, n := range got {
		if _, ok := want[key]; !ok {
			s += fmt.Sprintf("%s: %d, want none\n", key, n)
		}
	}
	return s
}
