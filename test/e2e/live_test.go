package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"mirrorgate/gateway/admin"
	"mirrorgate/test/harness"
)

// Rules that are put over the API are in force when it answers, are kept in the bucket over a restart, and can be taken
// back. A dry run, and whatever is refused, changes nothing.
func TestLiveRules(t *testing.T) {
	onBothKinds(t, func(t *testing.T, s *store) {
		old := startOrigin(t, echo)
		g := steer(t, s)(mirrorAll(old.url))
		first := g.site(t)
		put := "[" + ruleFor("img", "img/", old.url) + ",\n" + ruleFor("doc", "doc/", old.url) + "]"

		r := g.api(t, http.MethodPut, "/site/rules?dry_run=true", first.ETag, put)
		const changes = `"changes":[{"rule":"all","what":"removed","diff":[]},{"rule":"img","what":"added","diff":[]},` +
			`{"rule":"doc","what":"added","diff":[]}]`
		if r.status != http.StatusOK || r.etag != first.ETag || !strings.Contains(r.body, `"applied":false`) || !strings.Contains(r.body, changes) {
			t.Errorf("dry run: %d, %s", r.status, r.body)
		}
		g.wantRefused(t, http.MethodPut, "/site/rules", "", put, 428, "If-Match is missing")
		g.wantRefused(t, http.MethodPut, "/site/rules", "stale", put, 412, "changed meanwhile")
		g.wantRefused(t, http.MethodPut, "/site/rules?dry=true", first.ETag, put, 400, "dry_run")
		g.wantRefused(t, http.MethodPut, "/none/rules", first.ETag, put, 404, "no such thing")
		g.wantRefused(t, http.MethodPut, "/site/rules", first.ETag, strings.Repeat(" ", 1<<20)+put, 413, "more than")
		g.wantRefused(t, http.MethodPut, "/site/rules", first.ETag, "[\n{\"id\": \"a b\",\n\"mod\": 1}]", 422,
			`"mistakes":[{"path":"rules[0].id","line":2,`)
		g.wantRefused(t, http.MethodPut, "/site/rules", first.ETag, strings.Replace(put, `"doc/"`, `"img/x"`, 1), 422,
			`"path":"rules[1].match","line":2,`)
		g.wantRefused(t, http.MethodPatch, "/site", first.ETag, `{"serve": "nowhere"}`, 422, `"path":"serve"`)
		g.wantRefused(t, http.MethodPatch, "/site", first.ETag, `{"sav": true}`, 400, "sav")
		g.wantRefused(t, http.MethodPatch, "/site/rules/none", first.ETag, `{"enabled": false}`, 404, "no such thing")
		s.wantAbsent(t, liveKey)
		g.wantObject(t, "/other", asked("other"))

		if r := g.change(t, http.MethodPut, "/rules", put); !strings.Contains(r.body, `"applied":true`) || !strings.Contains(r.body, changes) {
			t.Errorf("put: %s", r.body)
		}
		g.wantPut(t, old)
		g.Restart(t)
		g.wantPut(t, old)

		g.change(t, http.MethodPatch, "/rules/doc", `{"enabled": false}`)
		g.wantError(t, "/doc/2", http.StatusNotFound, "NoSuchKey")
		equal(t, "from the API", strings.Join(g.site(t).FromAPI, " "), "rules rules.doc.enabled")
		g.wantRefused(t, http.MethodDelete, "/site/rules", first.ETag, "", 412, "changed meanwhile")
		g.change(t, http.MethodDelete, "/rules", "")
		g.wantObject(t, "/doc/2", asked("doc/2"))
		s.want(t, liveKey, []byte("{\n  \"version\": 1\n}"))
		last := g.site(t)
		if last.ETag != first.ETag || len(last.FromAPI) != 0 {
			t.Errorf("taken back: %+v, first %+v", last, first)
		}
	})
}

// wantPut fails the test unless the rules of TestLiveRules are in force, and no client reads where they are kept.
func (g *steered) wantPut(t *testing.T, old *origin) {
	t.Helper()
	g.wantObject(t, "/img/1", asked("img/1"))
	g.wantError(t, "/else", http.StatusNotFound, "NoSuchKey")
	g.wantError(t, "/"+liveKey, http.StatusNotFound, "NoSuchKey")
	g.wantError(t, "/.mirrorgate%2Flive.json", http.StatusNotFound, "NoSuchKey")
	if slices.ContainsFunc(old.requests(), func(r string) bool { return strings.Contains(r, "live.json") }) {
		t.Error("the origin was asked for what is kept")
	}
	var set admin.RuleSet
	g.api(t, http.MethodGet, "/site/rules", "", "").into(t, &set)
	if set.Source != "api" || !bytes.HasPrefix(set.Rules, []byte(`[{"id":"img","match":{"prefix":"img/"}`)) {
		t.Errorf("rules: %s, %s", set.Source, set.Rules)
	}
}

// Two gateways on one bucket: of two changes that were made from one state exactly one is made, and each gateway follows
// the other within seconds.
func TestLiveTwoGateways(t *testing.T) {
	onBothKinds(t, func(t *testing.T, s *store) {
		start := steer(t, s)
		all := mirrorAll("http://127.0.0.1:1")
		one, two := start(all), start(all)
		stale := two.site(t).ETag
		equal(t, "ETag at the other gateway", one.site(t).ETag, stale)
		one.change(t, http.MethodPatch, "", `{"save": false}`)
		r := two.api(t, http.MethodPatch, "/site", stale, `{"serve": "origin"}`)
		equal(t, "status of a change made from another state", r.status, http.StatusPreconditionFailed)
		took := two.waitSite(t, followed, func(site admin.Site) error {
			if site.Save || site.Serve != "bucket" {
				return fmt.Errorf("%+v", site)
			}
			return nil
		})
		t.Logf("the one that was refused knew at once, after %v", took)

		two.change(t, http.MethodPatch, "/rules/all", `{"enabled": false}`)
		took = one.waitSite(t, followed, func(site admin.Site) error {
			if site.Rules[0].Enabled {
				return fmt.Errorf("%+v", site)
			}
			return nil
		})
		t.Logf("followed after %v", took)
		equal(t, "ETag at the other gateway", one.site(t).ETag, two.site(t).ETag)
		one.change(t, http.MethodDelete, "/switches", "")
		equal(t, "save", one.site(t).Save, true)
	})
}

// When two gateways change one state at the same moment, one of the two changes is made, and both end with it.
func TestLiveLostUpdate(t *testing.T) {
	t.Parallel()
	s := newMinIO(t)
	meet := make(chan struct{})
	s.via = startFront(t, s.server.Endpoint, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, liveKey) {
			select { // neither is written before the other is
			case meet <- struct{}{}:
			case <-meet:
			case <-time.After(3 * time.Second): // the other is not coming
			}
		}
		pass.ServeHTTP(w, r)
	})
	start := steer(t, s)
	all := mirrorAll("http://127.0.0.1:1")
	gateways := []*steered{start(all), start(all)}
	for round := range 2 { // there is nothing yet; there is something
		var want string
		gateways[1].waitSite(t, followed, func(site admin.Site) error {
			if want = gateways[0].site(t).ETag; site.ETag != want {
				return fmt.Errorf("ETag %s, and %s at the other", site.ETag, want)
			}
			return nil
		})
		answers := make(chan reply, len(gateways))
		for i, g := range gateways {
			go func() {
				answers <- g.api(t, http.MethodPut, "/site/rules", want, "["+ruleFor(fmt.Sprintf("r%d-%d", round, i), "x/", "http://127.0.0.1:1")+"]")
			}()
		}
		won := 0
		for range gateways {
			switch r := <-answers; r.status {
			case http.StatusOK:
				won++
			case http.StatusPreconditionFailed:
			default:
				t.Errorf("%d: %s", r.status, r.body)
			}
		}
		equal(t, "changes that were made", won, 1)
	}
}

// A secret is put as ${NAME} only, and what it stands for is in no answer, in no log and not in the bucket.
func TestLiveSecret(t *testing.T) {
	onBothKinds(t, func(t *testing.T, s *store) {
		const secret = "s3cr3t-of-the-origin"
		sent := make(chan string, 10)
		old := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
			sent <- r.Header.Get("Authorization")
			echo(w, r)
		})
		g := steer(t, s, harness.WithEnv("MIRRORGATE_RULE_SECRET="+secret))(
			fmt.Sprintf("{id: all, origin: {primary: %q}, forward: {headers: {set: {Authorization: %q}}}}", old.url, secret))
		rule := func(value string) string {
			return fmt.Sprintf(`[{"id": "all", "origin": {"primary": %q}, "forward": {"headers": {"set": {"Authorization": %q}}}}]`, old.url, value)
		}
		etag := g.site(t).ETag
		if r := g.api(t, http.MethodGet, "/site/rules", "", ""); !strings.Contains(r.body, `"Authorization":"***"`) {
			t.Errorf("rules of the file: %s", r.body)
		}
		const path = `"path":"rules[0].forward.headers.set.Authorization"`
		g.wantRefused(t, http.MethodPut, "/site/rules", etag, rule(secret), 422, path)
		g.wantRefused(t, http.MethodPut, "/site/rules", etag, rule("***"), 422, path)
		g.wantRefused(t, http.MethodPut, "/site/rules", etag, rule("${HOME}"), 422, path)
		g.wantRefused(t, http.MethodPut, "/site/rules", etag, rule("${MIRRORGATE_RULE_NONE}"), 422, "MIRRORGATE_RULE_NONE is not set")
		r := g.change(t, http.MethodPut, "/rules", rule("Bearer ${MIRRORGATE_RULE_SECRET}"))
		if !strings.Contains(r.body, "*** → Bearer ${MIRRORGATE_RULE_SECRET}") {
			t.Errorf("put: %s", r.body)
		}
		g.wantObject(t, "/a", asked("a"))
		equal(t, "Authorization", receive(t, "a pull", sent), "Bearer "+secret)
		kept, err := s.get(t.Context(), liveKey)
		if err != nil || !bytes.Contains(kept, []byte("Bearer ${MIRRORGATE_RULE_SECRET}")) {
			t.Errorf("kept: %s, %v", kept, err)
		}
		for what, text := range map[string]string{"the bucket": string(kept), "an answer": g.seen.String(), "the log": g.Log(t)} {
			if strings.Contains(text, secret) {
				t.Errorf("the secret is in %s:\n%s", what, text)
			}
		}
	})
}
