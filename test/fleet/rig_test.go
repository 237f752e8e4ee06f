package fleet_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"mirrorgate/test/harness"
)

const (
	adminToken = "a-token-of-the-tests"
	secretText = "a-secret-that-the-fleet-shares-"
)

// fleet is some running gateways before one bucket.
type fleet struct {
	*stage
	members []*member
	client  *http.Client
}

// member is one of them.
type member struct {
	*harness.Gateway
	admin string // URL
}

// settings are what fleets differ in.
type settings struct {
	members  int
	secret   string // what it ends with: fleets on one stage have different ones
	memory   bool
	negative string // the site's negative_ttl

	advertise func(n int) string           // of the n-th; nil: its own address
	change    func(n int, c string) string // of the n-th one's configuration; nil: none
}

// start runs gateways.
func (s *stage) start(t *testing.T, o settings) *fleet {
	t.Helper()
	f := &fleet{stage: s, client: newClient()}
	t.Cleanup(f.client.CloseIdleConnections)
	for n := range o.members {
		config := s.config(o, n)
		if o.change != nil {
			config = o.change(n, config)
		}
		m := &member{admin: harness.FreeAddr(t)}
		m.Gateway = harness.StartGateway(t, config, harness.NotReady(), harness.WithEnv("ADMIN="+m.admin))
		m.admin = "http://" + m.admin
		f.members = append(f.members, m)
	}
	for _, m := range f.members {
		m.WaitReady(t)
	}
	return f
}

func (s *stage) config(o settings, n int) string {
	advertise, memory, negative := `http://${LISTEN}`, "0", "5s"
	if o.advertise != nil {
		advertise = o.advertise(n)
	}
	if o.memory {
		memory = "64MiB"
	}
	if o.negative != "" {
		negative = o.negative
	}
	return fmt.Sprintf(`
shared: {redis: [%s], advertise: %q, secret: %q}
admin: {listen: "${ADMIN}", token: %s}
memory: {max_bytes: %s, ttl: 1h}
sites:
- name: site
  hosts: ["*"]
  negative_ttl: %s
  bucket: {s3: {endpoint: %q, name: %s, access_key: %q, secret_key: %q}}
  rules: [{id: r, origin: {primary: %q}}]
`, quoted(s.redis), advertise, secretText+o.secret, adminToken, memory, negative,
		s.front.url, bucketName, s.server.AccessKey, s.server.SecretKey, s.origin.URL())
}

func quoted(all []string) string { return `"` + strings.Join(all, `", "`) + `"` }

// get asks the n-th gateway for a key.
func (f *fleet) get(t *testing.T, n int, key string, want []byte) answer {
	return get(t.Context(), f.client, f.members[n].URL, key, want)
}

// asks is get in the background, for an answer that is to be right. The function that is returned waits for it.
func (f *fleet) asks(t *testing.T, n int, key string) (wait func()) {
	var asking sync.WaitGroup
	asking.Go(func() { f.wantGot(t, n, key) })
	t.Cleanup(asking.Wait) // if the test ends before
	return asking.Wait
}

// wantGot asks the n-th gateway, and fails the test, unless it has ended, if it does not give the object.
func (f *fleet) wantGot(t *testing.T, n int, key string) {
	want := f.body(key)
	if err := f.get(t, n, key, want).right(want); err != nil && t.Context().Err() == nil {
		t.Errorf("gateway %d, %s: %v", n, key, err)
	}
}

// together is how many clients of each gateway ask for a key at one time.
const together = 2

// wantAllRight asks all gateways for each key, and fails the test unless all give the object at the cost of so many pulls
// of each key at most.
func (f *fleet) wantAllRight(t *testing.T, pulls int, keys ...string) {
	t.Helper()
	for _, key := range keys {
		var asking sync.WaitGroup
		for n := range together * len(f.members) {
			asking.Go(func() { f.wantGot(t, n%len(f.members), key) })
		}
		asking.Wait()
		if asked := f.pulls(key); asked < 1 || asked > pulls {
			t.Errorf("%s cost the origin %d requests, not 1 to %d", key, asked, pulls)
		}
	}
}

// id is by what the others know the gateway.
func (m *member) id(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.DataDir, "member-id"))
	if err != nil || len(bytes.TrimSpace(text)) == 0 {
		t.Fatalf("the gateway's id: %q, %v", text, err)
	}
	return string(bytes.TrimSpace(text))
}

// post sends a change to the gateway's API, and returns what it says.
func (m *member) post(t *testing.T, path, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.admin+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+adminToken)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: %s: %s, %v", path, response.Status, text, err)
	}
	return string(text)
}

// pause keeps a gateway from saving: what it pulls stays in its spool.
func (m *member) pause(t *testing.T) {
	t.Helper()
	m.post(t, "/api/v1/queue/pause", "")
}

// lines are those of the gateway's log that have all of some texts.
func (m *member) lines(t *testing.T, texts ...string) []string {
	t.Helper()
	var found []string
lines:
	for line := range strings.Lines(m.Log(t)) {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue lines
			}
		}
		found = append(found, line)
	}
	return found
}
