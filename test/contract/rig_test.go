package contract_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// siteHost is the host of the one site that most tests have.
const siteHost = "site.test"

// patience is how long anything may take that is expected to happen.
const patience = 20 * time.Second

// rig is a running gateway with a directory as bucket, or with a bucket on a server.
type rig struct {
	*harness.Gateway
	bucket string
	server *harness.S3Server // nil: a directory
}

// serve runs a gateway with a whole configuration, in which ${BUCKET} is a new directory, and every name of env
// ("NAME=value") stands for its value.
func serve(t *testing.T, config string, env ...string) *rig {
	t.Helper()
	r := &rig{bucket: filepath.Join(t.TempDir(), "bucket")}
	if err := os.Mkdir(r.bucket, 0o755); err != nil {
		t.Fatal(err)
	}
	r.Gateway = harness.StartGateway(t, config, harness.WithEnv(append(env, "BUCKET="+r.bucket)...))
	return r
}

// serveRules runs a gateway with one site and these rules, each a YAML mapping. ${ORIGIN} is the origin's URL.
func serveRules(t *testing.T, o *origin, rules ...string) *rig {
	t.Helper()
	return serve(t, site("", rules...), "ORIGIN="+o.url)
}

// site is the configuration of one site. settings are more of its fields, one per line.
func site(settings string, rules ...string) string {
	var b strings.Builder
	b.WriteString("sites:\n- name: site\n  hosts: [" + siteHost + "]\n  bucket: {dir: \"${BUCKET}\"}\n")
	for line := range strings.Lines(settings) {
		b.WriteString("  " + strings.TrimRight(line, "\n") + "\n")
	}
	b.WriteString("  rules:\n")
	for _, rule := range rules {
		b.WriteString("  - " + rule + "\n")
	}
	return b.String()
}

// onBothBuckets runs f before a directory and before a bucket of a server: what is answered is the same. serve runs a
// gateway with one rule.
func onBothBuckets(t *testing.T, f func(t *testing.T, serve func(o *origin, rule string) *rig)) {
	t.Parallel()
	t.Run("dir", func(t *testing.T) {
		f(t, func(o *origin, rule string) *rig { return serveRules(t, o, rule) })
	})
	t.Run("minio", func(t *testing.T) {
		s := harness.StartMinIO(t)
		s.CreateBucket(t, serverBucket)
		f(t, func(o *origin, rule string) *rig { return serveS3(t, o, s, rule) })
	})
}

// serverBucket is the name of a bucket on a server.
const serverBucket = "assets"

// serveS3 is serveRules with a bucket on a server.
func serveS3(t *testing.T, o *origin, s *harness.S3Server, rules ...string) *rig {
	t.Helper()
	bucket := fmt.Sprintf("{s3: {endpoint: %q, name: %s, access_key: %q, secret_key: %q}}",
		s.Endpoint, serverBucket, s.AccessKey, s.SecretKey)
	config := strings.Replace(site("", rules...), `{dir: "${BUCKET}"}`, bucket, 1)
	r := serve(t, config, "ORIGIN="+o.url)
	r.bucket, r.server = serverBucket, s
	return r
}

// ruleEach gives each folder a rule of its own, named r-N, with these further fields: what one origin answer brings
// about must not change how the next one is taken.
func ruleEach(folders []string, fields string) []string {
	rules := make([]string, len(folders))
	for n, folder := range folders {
		rules[n] = fmt.Sprintf(`{id: r-%d, match: {prefix: "%s/"}, %s}`, n, folder, fields)
	}
	return rules
}

// put lays an object into the bucket, as a person would.
func (r *rig) put(t *testing.T, key, body string) {
	t.Helper()
	name := filepath.Join(r.bucket, key)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}

// waitSaved waits until the bucket has the object, whole.
func (r *rig) waitSaved(t *testing.T, key, body string) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		got, err := r.stored(t, key)
		if err == nil && string(got) != body {
			t.Fatalf("the bucket has %d bytes as %s, not the %d bytes of the object: %.80q", len(got), key, len(body), got)
		}
		return err
	})
}

// stored is what the bucket has.
func (r *rig) stored(t *testing.T, key string) ([]byte, error) {
	t.Helper()
	if r.server == nil {
		return os.ReadFile(filepath.Join(r.bucket, key))
	}
	if _, ok := r.server.Head(t, r.bucket, key); !ok {
		return nil, fs.ErrNotExist
	}
	body, _ := r.server.Get(t, r.bucket, key)
	return body, nil
}

// wantBucket stops the gateway, which saves what it has to save first, and fails the test unless exactly these objects
// are in the bucket, and nothing waits to be.
func (r *rig) wantBucket(t *testing.T, keys ...string) {
	t.Helper()
	if code := r.Stop(t); code != 0 {
		t.Errorf("mirrorgate ended with exit code %d", code)
	}
	if !strings.Contains(r.Log(t), "waiting_in_spool=0") {
		t.Errorf("objects wait in the spool")
	}
	slices.Sort(keys)
	if got := r.keys(t); !slices.Equal(got, keys) {
		t.Errorf("the bucket has %q, want %q", got, keys)
	}
}

// keys are the objects in the bucket that are plain files, in order. Those that cannot be, are named as the bucket
// names their files.
func (r *rig) keys(t *testing.T) []string {
	t.Helper()
	if r.server != nil {
		return r.server.Keys(t, r.bucket, "")
	}
	var keys []string
	err := filepath.WalkDir(r.bucket, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		key, err := filepath.Rel(r.bucket, name)
		if !strings.HasPrefix(key, ".mirrorgate/meta/") {
			keys = append(keys, key)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

// within fails the test if f takes longer.
func within(t *testing.T, limit time.Duration, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took > limit {
		t.Errorf("took %v, at most %v were due", took.Round(time.Millisecond), limit)
	}
}

// wait waits for a signal of a handler.
func wait(t *testing.T, what string, signal <-chan struct{}) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-signal:
	case <-timer.C:
		t.Fatalf("waited %v for %s", patience, what)
	}
}

// equal fails the test unless got is what is wanted.
func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %s, want %s", what, shown(got), shown(want))
	}
}

func shown(v any) string {
	text := fmt.Sprintf("%#v", v)
	if len(text) > 300 {
		return text[:300] + "…"
	}
	return text
}
