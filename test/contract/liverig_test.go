package contract_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"mirrorgate/gateway/admin"
	"mirrorgate/test/harness"
)

// switches are those of a cutover, of a site with one rule. The zero value is a gateway that does all it can.
type switches struct {
	originOnly, saveNothing, disabled, uploadsPaused bool
	state                                            string // of the rule; "": active
}

// live is a gateway that is switched while it runs.
type live struct {
	*rig
	o     *origin
	admin string
	put   func(t *testing.T, s switches) // returns once they are in force
}

// startLive runs a gateway with one rule, r, that is switched by way. Given a bucket it shares that.
func startLive(t *testing.T, o *origin, way func(*live, *testing.T, switches), bucket string) *live {
	t.Helper()
	l := &live{o: o, admin: harness.FreeAddr(t)}
	l.put = func(t *testing.T, s switches) { t.Helper(); way(l, t, s) }
	if config := l.config(switches{}); bucket == "" {
		l.rig = serve(t, config, "ORIGIN="+o.url)
	} else {
		l.rig = &rig{harness.StartGateway(t, config, harness.WithEnv("ORIGIN="+o.url, "BUCKET="+bucket)), bucket, nil}
	}
	return l
}

// onLive runs f with gateways that are switched by their file, and with such that are over their API.
func onLive(t *testing.T, f func(t *testing.T, start func(http.HandlerFunc) *live)) {
	t.Helper()
	t.Parallel()
	for name, way := range map[string]func(*live, *testing.T, switches){"file": (*live).byFile, "api": (*live).byAPI} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, func(handler http.HandlerFunc) *live { return startLive(t, startOrigin(t, handler), way, "") })
		})
	}
}

// config is the file with these switches.
func (l *live) config(s switches) string {
	serve := "bucket"
	if s.originOnly {
		serve = "origin"
	}
	return fmt.Sprintf("admin: {listen: %q, token: %s}\nwriteback: {paused: %t}\n", l.admin, adminToken, s.uploadsPaused) +
		site(fmt.Sprintf("negative_ttl: 1h\nserve: %s\nsave: %t", serve, !s.saveNothing),
			fmt.Sprintf(`{id: r, state: %s, enabled: %t, origin: {primary: "${ORIGIN}"}}`, cmp.Or(s.state, "active"), !s.disabled))
}

// byFile changes the file and has it read again.
func (l *live) byFile(t *testing.T, s switches) {
	t.Helper()
	l.WriteConfig(t, l.config(s))
	l.Signal(syscall.SIGHUP)
	harness.Eventually(t, patience, func() error {
		if got := l.inForce(t); got != s {
			return fmt.Errorf("in force is %+v, want %+v: %s", got, s, l.Log(t))
		}
		return nil
	})
}

// byAPI changes what comes from the file. What the API has taken is in force.
func (l *live) byAPI(t *testing.T, s switches) {
	t.Helper()
	serve, uploads := "bucket", "resume"
	if s.originOnly {
		serve = "origin"
	}
	if s.uploadsPaused {
		uploads = "pause"
	}
	l.ask(t, "PATCH", "sites/site", fmt.Sprintf(`{"serve": %q, "save": %t}`, serve, !s.saveNothing), new(any))
	l.ask(t, "PATCH", "sites/site/rules/r", fmt.Sprintf(`{"state": %q, "enabled": %t}`, cmp.Or(s.state, "active"), !s.disabled), new(any))
	l.ask(t, "POST", "queue/"+uploads, "", new(any))
	equal(t, "in force", l.inForce(t), s)
}

// inForce is what the API says.
func (l *live) inForce(t *testing.T) switches {
	t.Helper()
	var site admin.Site
	var queue struct{ Summary admin.QueueSummary }
	l.ask(t, "GET", "sites/site", "", &site)
	l.ask(t, "GET", "queue", "", &queue)
	rule := site.Rules[0]
	s := switches{site.Serve == "origin", !site.Save, !rule.Enabled, queue.Summary.Paused, rule.State}
	if s.state == "active" {
		s.state = ""
	}
	return s
}

// ask asks the API, with whatever tag the site has now.
func (l *live) ask(t *testing.T, method, path, body string, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+l.admin+"/api/v1/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	if method == http.MethodPatch {
		var site admin.Site
		l.ask(t, "GET", "sites/site", "", &site)
		r.Header.Set("If-Match", `"`+site.ETag+`"`)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s, %v: %s", method, path, answer.Status, err, raw)
	}
}
