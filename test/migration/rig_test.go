package migration_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"mirrorgate/gateway/admin"
	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

// patience is how long anything may take that is expected to happen.
const patience = 20 * time.Second

const token = "a-token-of-the-tests"

// stage is an origin and a gateway before it, with two rules: images and video.
type stage struct {
	*harness.Gateway
	old      *origin.Server
	adminURL string
	bucket   string

	serve   string            // what is configured
	counted map[string]counts // by rule, as the clients have counted
}

// counts is what a rule has done, as far as clients can tell.
type counts struct {
	Requests, Bytes, Needed, NeededB, Vain, Failed, Retired int64
	Saved, SavedB                                           int64
}

func setUp(t *testing.T) *stage {
	t.Helper()
	s := &stage{
		old: origin.Start(t, origin.Config{}), bucket: t.TempDir(), serve: "origin", counted: make(map[string]counts),
	}
	listen := harness.FreeAddr(t)
	s.adminURL = "http://" + listen
	s.Gateway = harness.StartGateway(t, s.config(), harness.WithEnv("ADMIN="+listen, "BUCKET="+s.bucket, "ORIGIN="+s.old.URL()))
	return s
}

func (s *stage) config() string {
	return fmt.Sprintf(`
admin: {listen: "${ADMIN}", token: %s}
sites:
- name: site
  hosts: ["*"]
  bucket: {dir: "${BUCKET}"}
  serve: %s
  negative_ttl: 1s
  rules:
  - {id: images, match: {prefix: images/}, origin: {primary: "${ORIGIN}"}}
  - {id: video, match: {prefix: video/}, origin: {primary: "${ORIGIN}"}}
`, token, s.serve)
}

// reload has the file read again, with another serve.
func (s *stage) reload(t *testing.T, serve string) {
	t.Helper()
	s.serve = serve
	s.WriteConfig(t, s.config())
	s.Signal(syscall.SIGHUP)
	harness.Eventually(t, patience, func() error {
		if got := s.site(t).Serve; got != serve {
			return fmt.Errorf("in force is serve: %s, want %s: %s", got, serve, s.Log(t))
		}
		return nil
	})
}

// set changes the state of a rule over the API.
func (s *stage) set(t *testing.T, rule, state string) {
	t.Helper()
	s.ask(t, http.MethodPatch, "/api/v1/sites/site/rules/"+rule, fmt.Sprintf(`{"state": %q}`, state), new(any),
		"If-Match", `"`+s.site(t).ETag+`"`)
}

// site is the site as the API shows it.
func (s *stage) site(t *testing.T) (site admin.Site) {
	t.Helper()
	s.ask(t, http.MethodGet, "/api/v1/sites/site", "", &site)
	return site
}

// how is where an answer is expected to come from.
type how int

const (
	fromBucket how = iota
	fromOrigin     // and saved, unless the site stores nothing
	nowhere        // the origin does not have it
	retired
	failed
)

// get asks for an object of a rule and counts what comes. The body of an object must be right.
func (s *stage) get(t *testing.T, path string, how how) {
	t.Helper()
	a := s.Get(t, path)
	want := map[string]int{"found": 200, "missing": 404, "failed": 502}
	status := want["found"]
	rule, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	c := s.counted[rule]
	c.Requests++
	c.Bytes += int64(len(a.Body))
	switch how {
	case fromOrigin:
		c.Needed++
		c.NeededB += int64(len(a.Body))
		if s.serve == "bucket" {
			c.Saved++
			c.SavedB += int64(len(a.Body))
		}
	case nowhere:
		status = want["missing"]
		c.Vain++
	case retired:
		status = want["missing"]
		c.Retired++
	case failed:
		status = want["failed"]
		c.Failed++
	}
	if a.Status != status || a.Err != nil {
		t.Errorf("GET %s: %d, %v, want %d", path, a.Status, a.Err, status)
	}
	if truth := s.old.Truth(path); status == 200 && string(a.Body) != string(truth.Bytes()) {
		t.Errorf("GET %s: another body than the origin's", path)
	}
	s.counted[rule] = c
}

// all asks for so many objects of a rule, from the first on. The last one is the last to end: that of an answer is seen
// by the gateway after the client has got its last byte.
func (s *stage) all(t *testing.T, rule string, first, last int, how how) {
	t.Helper()
	for i := first; i <= last; i++ {
		if i == last && how != fromBucket {
			s.want(t)
		}
		s.get(t, fmt.Sprintf("/%s/%d.bin", rule, i), how)
	}
}

// ask asks the admin listener. The header is pairs of names and values.
func (s *stage) ask(t *testing.T, method, path, body string, into any, header ...string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.adminURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode == http.StatusOK {
		err = json.Unmarshal(raw, into)
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s, %v: %s", method, path, resp.Status, err, raw)
	}
}

func (s *stage) view(t *testing.T) (m admin.Migration) {
	t.Helper()
	s.ask(t, http.MethodGet, "/api/v1/migration", "", &m)
	return m
}

// rule is a rule's part of a view of the one site.
func rule(m *admin.Migration, id string) *admin.MigrationRule {
	rules := m.Sites[0].Rules
	for i := range rules {
		if rules[i].Rule == id {
			return &rules[i]
		}
	}
	return &admin.MigrationRule{}
}

// want waits until the view says exactly what the clients have counted, in every span of time, and a sentence with
// these parts, for the site and altogether. It returns that view.
func (s *stage) want(t *testing.T, parts ...string) (m admin.Migration) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		m = s.view(t)
		for id, c := range s.counted {
			for _, span := range rule(&m, id).Spans {
				if got := countsOf(span); !reflect.DeepEqual(got, c) {
					return fmt.Errorf("rule %s, %s: the view says %+v, the clients counted %+v", id, span.Span, got, c)
				}
			}
		}
		for _, part := range parts {
			for _, sentence := range []string{m.Sentence, m.Sites[0].Sentence} {
				if !strings.Contains(sentence, part) {
					return fmt.Errorf("%q does not say %q", sentence, part)
				}
			}
		}
		return nil
	})
	return m
}

// wantKeys waits until the view names these as the keys for which a rule last needed its origin, and would have.
func (s *stage) wantKeys(t *testing.T, id, needed, retired string) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		m := s.view(t)
		if r := rule(&m, id); r.LastNeededKey != needed || r.LastRetiredKey != retired {
			return fmt.Errorf("%s last needed %q, and would have %q; want %q and %q", id, r.LastNeededKey, r.LastRetiredKey, needed,
				retired)
		}
		return nil
	})
}

func countsOf(s admin.MigrationSpan) counts {
	return counts{
		Requests: s.Requests, Bytes: s.Bytes, Needed: s.Needed, NeededB: s.NeededB, Vain: s.Vain, Failed: s.Failed,
		Retired: s.Retired, Saved: s.Saved, SavedB: s.SavedB,
	}
}
