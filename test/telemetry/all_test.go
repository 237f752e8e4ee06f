package telemetry_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

// allConfig has one of everything that has a metric. The bucket takes no storage class of that name: what rule dead
// pulls is given up.
const allConfig = `
server: {listen: "${LISTEN}"}
admin: {listen: "${ADMIN}"}
log: {access: "${DATA_DIR}/access.log"}
memory: {max_bytes: 1MiB, max_object: 1MiB, ttl: 60s}
shared: {redis: "${REDIS}"}
sites:
- name: site
  hosts: ["*"]
  bucket: {s3: {endpoint: "${S3}", name: bucket, access_key: "${KEY}", secret_key: "${SECRET}"}}
  rules:
  - {id: large, match: {prefix: large/}, origin: {primary: "${ORIGIN}"}, store: {max_object: 1}}
  - {id: dead, match: {prefix: dead/}, origin: {primary: "${ORIGIN}"}, store: {storage_class: NONSENSE}}
  - {id: away, match: {prefix: away/}, origin: {primary: "${AWAY}", backup: "${ORIGIN}"}}
  - {id: bad, match: {prefix: "~"}, origin: {primary: "${ORIGIN}"}}
  - {id: all, origin: {primary: "${ORIGIN}"}, forward: {headers: {set: {Authorization: Bearer hidden-from-all}}}}
`

// serveAll runs a gateway of a fleet with it.
func serveAll(t *testing.T) *rig {
	t.Helper()
	s3, redis := harness.StartMinIO(t), harness.StartRedis(t)
	s3.CreateBucket(t, "bucket")
	o := origin.Start(t, origin.Config{})
	return serve(t, allConfig, "S3="+s3.Endpoint, "KEY="+s3.AccessKey, "SECRET="+s3.SecretKey, "REDIS="+redis.URL,
		"ORIGIN="+o.URL(), "AWAY=http://"+harness.FreeAddr(t))
}

const perRound = 6 // more than open a breaker

// load asks for objects of every kind, each under a key and a host that are in no other round.
func (r *rig) load(t *testing.T, round int) {
	t.Helper()
	for i := range perRound {
		host := fmt.Sprintf("host-%d-%d.hostile.test", round, i)
		for _, path := range []string{
			"/", "/large/", "/dead/", "/away/", "/~status-404/", "/~status-500/", "/~cut-close,size=1KiB/", "/.mirrorgate/",
		} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
				r.URL+path+fmt.Sprintf("hostile-%d-%d.bin", round, i), nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host
			if response, err := http.DefaultClient.Do(request); err == nil { // else it was cut
				_, _ = io.Copy(io.Discard, response.Body) // as may be its body
				response.Body.Close()
			}
		}
	}
	harness.Eventually(t, patience, func() error {
		saves := sums(t, r.scrape(t), "mirrorgate_saves_total", "mirrorgate_result")
		if want := int64(perRound * (round + 1)); saves["dead"] != want || saves["saved"] < 2*want {
			return fmt.Errorf("saves: %v", saves)
		}
		return nil
	})
}

// closed are the values that labels may have, as a pattern of each.
func closed() map[string]string {
	return map[string]string{
		"mirrorgate_site": "site|none", "mirrorgate_rule": "large|dead|away|bad|all|none", "mirrorgate_target": "primary|backup",
		"mirrorgate_outcome": "error|memory|bucket|spool|mirrored|joined|passed|proxied|redirected|negative|denied|" +
			"retired|paused|missing|refused",
		"http_response_status_class": "[1-5]xx",
		"mirrorgate_result": "ok|canceled|not_found|passed|timeout|failed|busy|" +
			"saved|present|obsolete|retried|dead|dropped|evicted|damaged",
		"mirrorgate_state": "up|open|waiting|draining|paused",
		"error_type":       "limit|passed_over|credentials|connect|answer|redirect|status|body",
		"mirrorgate_reason": "no-store|private|set-cookie|cookie|vary|type|empty|unproven|max_object|spool|" +
			"unchanged",
		"mirrorgate_version": `[a-z0-9.+-]+`, "mirrorgate_go": `go[a-zA-Z0-9.:+ -]+`, "mirrorgate_config_hash": "[0-9a-f]{16}",
	}
}

// ours are the metrics that are not those of the Go runtime, the process, or the exporter.
func ours(families map[string]*dto.MetricFamily) map[string]*dto.MetricFamily {
	only := maps.Clone(families)
	maps.DeleteFunc(only, func(name string, _ *dto.MetricFamily) bool {
		return !strings.HasPrefix(name, "mirrorgate_") && !strings.HasPrefix(name, "http_server_")
	})
	return only
}

func series(families map[string]*dto.MetricFamily) (n int) {
	for _, f := range families {
		n += len(f.Metric)
	}
	return n
}

// TestLabels: whatever is asked for, labels have values of closed sets, and so there is a bound to how many there are.
// The README's table lists all metrics with all their labels.
func TestLabels(t *testing.T) {
	r := serveAll(t)
	r.load(t, 0)
	before := series(ours(r.scrape(t)))
	r.load(t, 1)
	families := r.scrape(t)
	now := series(ours(families))
	t.Logf("%d series after one round, %d after as many for other keys and hosts", before, now)
	if now > 250 || now > before+30 {
		t.Errorf("series: %d, then %d", before, now)
	}
	patterns, got := closed(), make(map[string][]string)
	for name, family := range ours(families) {
		got[name] = nil
		for _, m := range family.Metric {
			for _, l := range m.Label {
				if !regexp.MustCompile("^(" + patterns[l.GetName()] + ")$").MatchString(l.GetValue()) {
					t.Errorf("%s: %s=%q", name, l.GetName(), l.GetValue())
				}
				got[name] = append(got[name], strings.TrimPrefix(l.GetName(), "mirrorgate_"))
			}
		}
		got[name] = slices.Compact(slices.Sorted(slices.Values(got[name])))
	}
	for name, family := range families {
		if text := family.String(); strings.Contains(text, "hostile") || strings.Contains(text, "127.0.0.1") || strings.Contains(text, "hidden") {
			t.Errorf("%s holds what has no business there:\n%s", name, text)
		}
	}
	wantTable(t, got)
}

// wantTable fails unless the README's table lists these metrics with these labels.
func wantTable(t *testing.T, got map[string][]string) {
	t.Helper()
	root, err := harness.Root()
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|([a-z_, ]*)\\|").FindAllStringSubmatch(string(readme), -1) {
		listed[row[1]] = strings.TrimSpace(row[2])
	}
	for name, labels := range got {
		want, ok := listed[name]
		if sorted := strings.Join(slices.Sorted(slices.Values(strings.Split(want, ", "))), ", "); !ok || sorted != strings.Join(labels, ", ") {
			t.Errorf("%s{%s}: the README has %q", name, strings.Join(labels, ", "), want)
		}
	}
	for name := range listed {
		if _, ok := got[name]; !ok {
			t.Errorf("the README lists %s, which the gateway does not have", name)
		}
	}
}
