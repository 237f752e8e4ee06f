package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/gateway/admin"
	"mirrorgate/test/harness"
)

const (
	liveKey    = ".mirrorgate/live.json"
	adminToken = "a-token-of-the-tests"
	// followed is within how long one gateway sees what another has changed.
	followed = 10 * time.Second
)

// steered is a gateway whose sites are changed over its API.
type steered struct {
	*rig
	admin string
	seen  *bytes.Buffer // all that the API has answered
}

// steer runs a gateway with an API.
func steer(t *testing.T, s *store, o ...harness.GatewayOption) func(rules ...string) *steered {
	return func(rules ...string) *steered {
		t.Helper()
		addr := harness.FreeAddr(t)
		g := &steered{&rig{nil, s}, addr, new(bytes.Buffer)}
		g.Gateway = harness.StartGateway(t, g.config(rules...), o...)
		return g
	}
}

// config is the configuration with these rules.
func (g *steered) config(rules ...string) string {
	return fmt.Sprintf("admin: {listen: %q, token: %s}\n", g.admin, adminToken) + config(g.store, rules...)
}

// reply is what the API answers.
type reply struct {
	status int
	etag   string
	body   string
}

// into reads the body.
func (r reply) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		t.Fatalf("%d: %v: %s", r.status, err, r.body)
	}
}

// api asks the gateway's API about the site.
func (g *steered) api(t *testing.T, method, path, etag, body string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+g.admin+"/api/v1/sites"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+adminToken)
	if etag != "" {
		request.Header.Set("If-Match", `"`+etag+`"`)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	g.seen.Write(raw)
	return reply{response.StatusCode, strings.Trim(response.Header.Get("ETag"), `"`), string(raw)}
}

// site is the site as the API shows it.
func (g *steered) site(t *testing.T) (site admin.Site) {
	t.Helper()
	r := g.api(t, http.MethodGet, "/site", "", "")
	r.into(t, &site)
	equal(t, "ETag", r.etag, site.ETag)
	return site
}

// change makes a change of the site from its present state, which must succeed.
func (g *steered) change(t *testing.T, method, path, body string) reply {
	t.Helper()
	r := g.api(t, method, "/site"+path, g.site(t).ETag, body)
	if r.status != http.StatusOK {
		t.Fatalf("%s %s: %d, %s", method, path, r.status, r.body)
	}
	return r
}

// wantRefused makes a request that changes nothing, whatever it says.
func (g *steered) wantRefused(t *testing.T, method, path, etag, body string, status int, says string) {
	t.Helper()
	before := g.site(t)
	r := g.api(t, method, path, etag, body)
	if r.status != status || !strings.Contains(r.body, says) {
		t.Errorf("%s %s %.80s: %d, %s; want %d and %q", method, path, body, r.status, r.body, status, says)
	}
	equal(t, "ETag", g.site(t).ETag, before.ETag)
}

// waitSite waits until the site is as check wants it, and returns how long that took.
func (g *steered) waitSite(t *testing.T, limit time.Duration, check func(admin.Site) error) time.Duration {
	t.Helper()
	began := time.Now()
	harness.Eventually(t, limit, func() error { return check(g.site(t)) })
	return time.Since(began)
}

// onBothKinds runs f with a bucket in a directory, and with one on a server.
func onBothKinds(t *testing.T, f func(t *testing.T, s *store)) {
	t.Helper()
	t.Parallel()
	t.Run("dir", func(t *testing.T) { t.Parallel(); f(t, newDir(t)) })
	t.Run("minio", func(t *testing.T) { t.Parallel(); f(t, newMinIO(t)) })
}

// ruleFor is a rule in JSON that mirrors what is under a prefix.
func ruleFor(id, prefix, url string) string {
	return fmt.Sprintf(`{"id": %q, "match": {"prefix": %q}, "origin": {"primary": %q}}`, id, prefix, url)
}
