package configs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestChanges(t *testing.T) {
	f := func(old, now string, want ...string) {
		t.Helper()
		a, errA := ParseRules([]byte(old))
		b, errB := ParseRules([]byte(now))
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		var got []string
		for _, c := range a.Changes(b) {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", c.What, c.Rule, strings.Join(c.Diff, "; "))))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\n→ %s:\ngot  %q\nwant %q", old, now, got, want)
		}
	}
	rules := func(ids string) string {
		list := make([]string, len(ids))
		for i, id := range ids {
			list[i] = fmt.Sprintf(`{"id": "%c"}`, id)
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	f(rules("abc"), rules("abc"))
	f("[]", rules("a"), "added a")
	f(rules("abc"), rules("ac"), "removed b")
	f(rules("abc"), rules("bca"), "moved a")
	f(rules("abcde"), rules("eabxcd"), "moved e", "added x")
	f(rules("ab"), rules("ba"), "moved a")
	f(`[{"id": "a", "match": {"prefix": "img/"}}]`, `[{"id": "a", "match": {"prefix": "images/", "suffix": ""}}]`,
		`changed a match.prefix: img/ → images/; match.suffix: (default) → ""`)
	f(`[{"id": "a", "rewrite": null, "origin": {"failover_on": ["5xx", 404]}}]`, `[{"origin": {"failover_on": ["5xx"]}, "id": "a"}]`,
		"changed a origin.failover_on: [5xx, 404] → [5xx]")
	f(`[{"id": "a", "forward": {"headers": {"set": {"X.A": "s3cr3t"}}}}]`, `[{"id": "a", "forward": {"headers": {"set": {"X.A": "${A}"}}}}]`,
		"changed a forward.headers.set.X.A: *** → ${A}")
	f(`[{"id": "a", "origin": {"primary": "http://u:s3cr3t@h"}}]`, `[{"id": "a", "origin": {"primary": {"url": "http://h"}}}]`,
		"changed a origin.primary: http://***@h → (default); origin.primary.url: (default) → http://h")
	f(`[{"id": "a", "x": "`+strings.Repeat("é", 200)+`"}]`, rules("a"), "changed a x: "+strings.Repeat("é", 100)+"… → (default)")
}
