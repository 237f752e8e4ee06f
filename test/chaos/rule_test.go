package chaos_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mirrorgate/test/origin"
)

// limits are short, so that what only they end ends soon.
const limits = `timeouts: {connect: 300ms, first_byte: 300ms, stall: 300ms, answer: 1s}`

// rule is one way to reach an origin, for the keys below its name.
type rule struct {
	name    string
	primary *origin.Server
	more    string // of the rule
	breaker string
	backup  bool // there is a second, sound origin
	proxy   bool
	pauses  bool // it takes what makes the gateway leave the origin alone for a time, and no other does
	moves   bool // clients are sent to the origin
}

func ruleKinds() []*rule {
	const off, on = "failures: 0", "failures: 3, window: 2s, open: 300ms"
	return []*rule{
		{name: "plain", breaker: off},
		{name: "busy", breaker: off},
		{name: "fill", breaker: off, more: "range: fill, "},
		{name: "fresh", breaker: off, more: "revalidate: 10s, "},
		{name: "backup", breaker: off, backup: true},
		{name: "breaker", breaker: on},
		{name: "both", breaker: on, backup: true},
		{name: "pausing", breaker: off, pauses: true},
		{name: "proxy", breaker: off, more: "mode: proxy, ", proxy: true},
		{name: "redirect", breaker: off, more: "mode: redirect, ", moves: true},
	}
}

// startRules starts the origins.
func startRules(t *testing.T) (rules []*rule, second *origin.Server) {
	t.Helper()
	second = origin.Start(t, origin.Config{})
	second.Set("", origin.Sound)
	rules = ruleKinds()
	for _, r := range rules {
		r.primary = origin.Start(t, origin.Config{})
	}
	return rules, second
}

// takes tells whether objects with the fault go by the rule: in proxy mode those whose answers are the object, if they
// end.
func (r *rule) takes(f origin.Fault) bool {
	switch {
	case r.proxy:
		return slices.Contains([]string{"sound", "cuts", "chunks", "lengths", "time"}, f.Group)
	case r.pauses:
		return true
	}
	return !slices.Contains(f.Get.Status, 503)
}

// config is a site with the rules. The spool has room for few bodies of unknown length: others are streamed past it.
func config(bucket, admin string, rules []*rule, second *origin.Server) string {
	var b strings.Builder
	fmt.Fprintf(&b, "admin: {listen: %q}\nspool: {max_bytes: 200MiB}\nsites:\n- name: site\n  hosts: [%s]\n  bucket: {dir: %q}\n"+
		"  negative_ttl: 200ms\n  rules:\n", admin, siteHost, bucket)
	for _, r := range rules {
		backup := ""
		if r.backup {
			backup = fmt.Sprintf("backup: %q, failover_on: [connect, timeout, 4xx, 5xx], ", second.URL())
		}
		fmt.Fprintf(&b, "  - {id: %s, %smatch: {prefix: %s/}, origin: {primary: %q, %s%s, breaker: {%s}}}\n",
			r.name, r.more, r.name, r.primary.URL(), backup, limits, r.breaker)
	}
	return b.String()
}
