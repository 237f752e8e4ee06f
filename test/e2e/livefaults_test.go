package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"mirrorgate/gateway/admin"
	"mirrorgate/test/harness"
)

// Whatever somebody puts into the bucket in the place of what the API has changed: what can be used is in force, and
// else the last state stays, with one warning. A change over the API goes on from there.
func TestLiveHostileDocuments(t *testing.T) {
	t.Parallel()
	s := newDir(t)
	old, thief := startOrigin(t, echo), startOrigin(t, echo)
	rules := func(rule string) string { return `{"version": 1, "rules": [` + rule + `]}` }
	first := rules(ruleFor("img", "img/", old.url))
	documents := []struct{ text, says string }{
		{"garbage", "looking for beginning of value"},
		{"", "unexpected end of JSON"},
		{`{"version": 2}`, "understands 1, not 2"},
		{rules(ruleFor("no good id", "", old.url)), "rules[0].id"},
		{rules(ruleFor("a", "", "${MIRRORGATE_RULE_NONE}")), "environment variable MIRRORGATE_RULE_NONE is not set"},
		{rules(`{"id": "a", "origin": {"primary": "` + thief.url + `"}, "forward": {"headers": {"set": {"X": "${ADMIN_TOKEN}"}}}}`),
			"rules[0].forward.headers.set.X: environment variable ADMIN_TOKEN cannot be used"},
		{rules(ruleFor("a", "", thief.url+"/${ADMIN_TOKEN}")), "environment variable ADMIN_TOKEN cannot be used"},
		{rules(`{"id": "a", "origin": {"primary": "http://u:literal@h"}}`), "can only be ${NAME}"},
		{rules(ruleFor("a", "", "http://s1")), "this gateway's own address"},
		{`{"version": 1, "serve": "\u001b[31m"}`, `serve: unknown value "\x1b[31m"`},
		{rules(strings.Repeat("[", 100) + strings.Repeat("]", 100)), "over 48 deep"},
		{`{"version": 1}` + strings.Repeat(" ", 1<<20), "larger than"},
	}
	g := steerSites(t, s, len(documents), old, first)
	state := g.siteOf(t, "s0").ETag
	for i, f := range documents {
		s.put(t, fmt.Sprintf("s%d/%s", i, liveKey), []byte(f.text), nil)
	}
	for i, f := range documents {
		name := fmt.Sprintf("s%d", i)
		harness.Eventually(t, followed, func() error {
			if got := g.siteOf(t, name).StoreError; !strings.Contains(got, f.says) {
				return fmt.Errorf("%.60s: store_error %q, want %q", f.text, got, f.says)
			}
			return nil
		})
		equal(t, "ETag of "+name, g.siteOf(t, name).ETag, state)
		equal(t, "warnings of "+name, strings.Count(g.Log(t), "site="+name+" why="), 1)
		g.wantObject(t, "/img/1", asked("img/1"), "Host", name)
		equal(t, "status", g.Get(t, "/else", "Host", name).Status, http.StatusNotFound)
	}
	thief.wantUnasked(t)
	if r := g.api(t, http.MethodPatch, "/s0", state, `{"save": false}`); r.status != http.StatusOK {
		t.Errorf("a change: %d, %s", r.status, r.body)
	}
	equal(t, "store_error", g.siteOf(t, "s0").StoreError, "")
	s.put(t, "s1/"+liveKey, []byte(rules(ruleFor("hand", "", old.url))), nil)
	harness.Eventually(t, followed, func() error {
		if site := g.siteOf(t, "s1"); site.StoreError != "" || site.Rules[0].ID != "hand" {
			return fmt.Errorf("%+v", site)
		}
		return nil
	})
	g.wantObject(t, "/else", asked("else"), "Host", "s1")
}

// steerSites runs a gateway with so many sites, each with a part of the bucket in which a document lies at the start.
func steerSites(t *testing.T, s *store, n int, old *origin, document string) *steered {
	t.Helper()
	addr := harness.FreeAddr(t)
	config := fmt.Sprintf("admin: {listen: %q, token: \"${ADMIN_TOKEN}\"}\nsites:\n", addr)
	for i := range n {
		s.put(t, fmt.Sprintf("s%d/%s", i, liveKey), []byte(document), nil)
		bucket := strings.Replace(s.config(), "{", fmt.Sprintf("{prefix: s%d/, ", i), 1)
		config += fmt.Sprintf("- {name: s%d, hosts: [s%d], bucket: %s, rules: [%s]}\n", i, i, bucket, mirrorAll(old.url))
	}
	g := &steered{&rig{nil, s}, addr, new(bytes.Buffer)}
	g.Gateway = harness.StartGateway(t, config, harness.WithEnv("ADMIN_TOKEN="+adminToken))
	return g
}

// siteOf is a site of several.
func (g *steered) siteOf(t *testing.T, name string) (site admin.Site) {
	t.Helper()
	g.api(t, http.MethodGet, "/"+name, "", "").into(t, &site)
	return site
}

// A change that the bucket does not take is no change: 503, here and at a gateway that starts meanwhile, which is not
// ready before it has read what was changed. A dry run needs no bucket.
func TestLiveBucketAway(t *testing.T) {
	t.Parallel()
	s := newMinIO(t)
	s.limit = "1s"
	start := steer(t, s)
	all := mirrorAll("http://127.0.0.1:1")
	g := start(all)
	g.change(t, http.MethodPatch, "/rules/all", `{"enabled": false}`)
	before := g.site(t)
	freeze(t, s)
	began := time.Now()
	g.wantRefused(t, http.MethodPatch, "/site", before.ETag, `{"save": false}`, http.StatusServiceUnavailable, "nothing was changed")
	t.Logf("refused after %v", time.Since(began))
	if r := g.api(t, http.MethodPut, "/site/rules?dry_run=true", before.ETag, "[]"); r.status != http.StatusOK {
		t.Errorf("dry run: %d, %s", r.status, r.body)
	}
	next := steer(t, s, harness.NotReady())(all)
	waitUnready(t, next.rig)
	if !next.site(t).Rules[0].Enabled {
		t.Error("the gateway that started meanwhile knows of the change")
	}
	thaw(t, s)
	next.WaitReady(t)
	if next.site(t).Rules[0].Enabled {
		t.Error("ready, and the change is not in force")
	}
	equal(t, "ETag", next.site(t).ETag, before.ETag)
	g.waitSite(t, patience, func(site admin.Site) error {
		if site.StoreError != "" {
			return fmt.Errorf("store_error %q", site.StoreError)
		}
		return nil
	})
	g.change(t, http.MethodPatch, "", `{"save": false}`)
}

// A file that changes what comes from the API is in force in all else, and a warning says which part is not. When the
// two do not fit the file is refused.
func TestLiveReload(t *testing.T) {
	t.Parallel()
	old := startOrigin(t, echo)
	g := steer(t, newDir(t))(mirrorAll(old.url))
	g.change(t, http.MethodPut, "/rules", "["+ruleFor("img", "img/", old.url)+"]")
	g.change(t, http.MethodPatch, "", `{"save": true}`)
	reload := func(config, says string) {
		t.Helper()
		g.WriteConfig(t, config)
		g.Signal(syscall.SIGHUP)
		harness.Eventually(t, patience, func() error {
			if !strings.Contains(g.Log(t), says) {
				return fmt.Errorf("the log does not say %q", says)
			}
			return nil
		})
	}
	reload(strings.Replace(g.config(strings.Replace(mirrorAll(old.url), "all", "every", 1)), "  rules:", "  save: false\n  negative_ttl: 1s\n  rules:", 1),
		"field=rules")
	if !strings.Contains(g.Log(t), "field=save") || strings.Contains(g.Log(t), "field=serve") {
		t.Error("the log does not say what stays")
	}
	site := g.site(t)
	if len(site.Rules) != 1 || site.Rules[0].ID != "img" || !site.Save {
		t.Errorf("after the reload: %+v", site)
	}
	reload(strings.Replace(g.config(mirrorAll(old.url)), "  rules:", "  rule_order: exclusive\n  rules:", 1), "match.prefix: must not end in")
	if got := g.site(t).ETag; got != site.ETag {
		t.Errorf("a file that does not fit has changed the site: %+v", g.site(t))
	}
	g.change(t, http.MethodDelete, "/rules", "")
	equal(t, "rule of the file", g.site(t).Rules[0].ID, "every")
}
