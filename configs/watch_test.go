package configs

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// metricTable is the README's: the labels of each metric. A test of test/telemetry holds it against a running gateway.
func metricTable(t *testing.T) map[string][]string {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	table := make(map[string][]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|([a-z_, ]*)\\|").FindAllStringSubmatch(string(readme), -1) {
		labels := []string{"job", "instance"}
		for label := range strings.SplitSeq(strings.TrimSpace(row[2]), ", ") {
			labels = append(labels, label, "mirrorgate_"+label)
		}
		table[row[1]] = labels
	}
	if len(table) < 30 {
		t.Fatalf("the README lists %d metrics", len(table))
	}
	return table
}

var (
	quoted    = regexp.MustCompile(`"[^"]*"`)
	grouping  = regexp.MustCompile(`\b(?:by|without|on|ignoring)\s*\(([^)]*)\)`)
	selector  = regexp.MustCompile(`([a-zA-Z_]\w*)\s*(\{[^}]*\})?\s*(\(|\[[^\]]*\])?`)
	labelName = regexp.MustCompile(`[a-zA-Z_]\w*`)
)

// metricsIn returns the metrics that an expression of PromQL names, each with all labels that the expression does.
func metricsIn(expr string) map[string][]string {
	expr = quoted.ReplaceAllString(expr, "")
	var labels []string
	for _, group := range grouping.FindAllStringSubmatch(expr, -1) {
		labels = append(labels, labelName.FindAllString(group[1], -1)...)
	}
	found := make(map[string][]string)
	for _, m := range selector.FindAllStringSubmatch(grouping.ReplaceAllString(expr, ""), -1) {
		if m[3] == "(" || slices.Contains([]string{"and", "or", "unless", "sum", "count", "min", "max", "e"}, m[1]) {
			continue
		}
		found[m[1]] = slices.Concat(found[m[1]], labelName.FindAllString(m[2], -1), labels)
	}
	return found
}

// wantKnown fails unless a gateway has all metrics and labels of an expression.
func wantKnown(t *testing.T, table map[string][]string, where, expr string) {
	t.Helper()
	found := metricsIn(expr)
	if len(found) == 0 {
		t.Errorf("%s names no metric: %s", where, expr)
	}
	for name, labels := range found {
		known, ok := table[name]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if histogram, is := strings.CutSuffix(name, suffix); !ok && is {
				known, ok = append(table[histogram], "le"), table[histogram] != nil
			}
		}
		switch {
		case name == "up", strings.HasPrefix(name, "process_"):
			known, ok = []string{"job", "instance"}, true
		case !ok:
			t.Errorf("%s: there is no metric %s", where, name)
			continue
		}
		for _, label := range labels {
			if !slices.Contains(known, label) {
				t.Errorf("%s: %s has no label %s", where, name, label)
			}
		}
	}
}

// TestAlerts: each rule names what there is, and says what to do.
func TestAlerts(t *testing.T) {
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For string
				Labels           struct{ Severity string }
				Annotations      struct{ Summary string }
			}
		}
	}
	readStrictly(t, "prometheus/alerts.yaml", &file)
	table, seen := metricTable(t), make(map[string]bool)
	for _, group := range file.Groups {
		for _, r := range group.Rules {
			wantKnown(t, table, r.Alert, r.Expr)
			if seen[r.Alert] || r.For == "" || !slices.Contains([]string{"page", "ticket"}, r.Labels.Severity) {
				t.Errorf("%+v", r)
			}
			if seen[r.Alert] = true; strings.Count(r.Annotations.Summary, ". ")+strings.Count(r.Annotations.Summary, ": ") == 0 {
				t.Errorf("%s does not say what to do: %s", r.Alert, r.Annotations.Summary)
			}
		}
	}
	if len(seen) < 10 {
		t.Errorf("%d alerts", len(seen))
	}
}

// TestScrapeExample: the rules are the ones beside it, and the job is the one that they name.
func TestScrapeExample(t *testing.T) {
	var file struct {
		RuleFiles     []string `yaml:"rule_files"`
		ScrapeConfigs []struct {
			JobName        string                       `yaml:"job_name"`
			ScrapeInterval string                       `yaml:"scrape_interval"`
			StaticConfigs  []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	readStrictly(t, "prometheus/prometheus.yaml", &file)
	if !slices.Equal(file.RuleFiles, []string{"alerts.yaml"}) || len(file.ScrapeConfigs) != 1 || file.ScrapeConfigs[0].JobName != "mirrorgate" ||
		!slices.Equal(file.ScrapeConfigs[0].StaticConfigs[0].Targets, []string{DefaultConfig().Admin.Listen}) {
		t.Errorf("%+v", file)
	}
}

func readStrictly(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = yaml.UnmarshalWithOptions(data, into, yaml.Strict())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestDashboard: each panel asks the data source that one chooses, for what there is.
func TestDashboard(t *testing.T) {
	type source struct{ Type, UID string }
	var d struct {
		SchemaVersion int
		Templating    struct {
			List []struct {
				Name, Type, Definition string
				Datasource             source
			}
		}
		Panels []struct {
			ID          int
			Type, Title string
			Datasource  source
			Targets     []struct {
				Expr       string
				Datasource source
			}
		}
	}
	data, err := os.ReadFile("grafana/mirrorgate.json")
	if err == nil {
		err = json.Unmarshal(data, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	table, ids := metricTable(t), make(map[int]bool)
	chosen := source{"prometheus", "${datasource}"}
	for _, p := range d.Panels {
		if ids[p.ID] || p.Type != "row" && (len(p.Targets) == 0 || p.Datasource != chosen) {
			t.Errorf("panel %d, %s: %+v", p.ID, p.Title, p)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			wantKnown(t, table, p.Title, target.Expr)
			if target.Datasource != chosen {
				t.Errorf("%s asks %+v", p.Title, target.Datasource)
			}
		}
	}
	var names []string
	for _, v := range d.Templating.List {
		if v.Type == "query" && v.Datasource != chosen {
			t.Errorf("%s asks %+v", v.Name, v.Datasource)
		}
		names = append(names, v.Name+" "+v.Type+" "+v.Definition)
	}
	want := []string{"datasource datasource ", "site query label_values(mirrorgate_requests_total, mirrorgate_site)"}
	if d.SchemaVersion < 38 || !slices.Equal(names, want) || len(ids) < 20 {
		t.Errorf("schema %d, variables %q, %d panels", d.SchemaVersion, names, len(ids))
	}
}
