package outage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

// rig is a gateway before a bucket of a server that may fail.
type rig struct {
	*harness.Gateway
	server *harness.S3Server
	bucket string
	front  *front
	origin *origin.Server
	client *http.Client
}

// serve runs a gateway before an empty bucket. Settings are further lines of its configuration.
func serve(t *testing.T, server *harness.S3Server, bucket, settings string) *rig {
	t.Helper()
	server.CreateBucket(t, bucket)
	r := &rig{
		server: server, bucket: bucket, front: startFront(t, server.Endpoint), origin: origin.Start(t, origin.Config{}),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: patience},
	}
	t.Cleanup(r.client.CloseIdleConnections)
	r.Gateway = harness.StartGateway(t, fmt.Sprintf("sites:\n- name: site\n  hosts: [\"*\"]\n"+
		"  bucket: {s3: {endpoint: %q, name: %s, access_key: %q, secret_key: %q}}\n"+
		"  rules: [{id: all, origin: {primary: %q}}]\n"+
		"admin: {listen: %q, token: of-the-outage-test}\nwriteback: {part_size: 5MiB}\n%s\n",
		r.front.url, bucket, server.AccessKey, server.SecretKey, r.origin.URL(), harness.FreeAddr(t), settings))
	return r
}

// The sizes of objects. A large one goes up in parts, and begins to while it arrives.
const (
	small = "20KiB"
	large = "21MiB"
)

// keyOf is a key of an object of a size, which the origin reads from it.
func keyOf(size, name string) string { return fmt.Sprintf("~sound,size=%s/%s.bin", size, name) }

// answer is what a client got. err tells what is wrong with it.
type answer struct {
	key    string
	status int
	said   string // Cache-Status
	took   time.Duration
	err    error
}

// ask asks for an object, and compares what comes with what is right.
func (r *rig) ask(ctx context.Context, key string) answer {
	a, began := answer{key: key}, time.Now()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL+"/"+key, nil)
	if err == nil {
		var response *http.Response
		if response, err = r.client.Do(request); err == nil {
			defer response.Body.Close()
			a.status, a.said = response.StatusCode, response.Header.Get("Cache-Status")
			if a.status != http.StatusOK {
				err = fmt.Errorf("status %d", a.status)
			} else {
				err = r.origin.Truth("/" + key).Check(response.Body)
			}
		}
	}
	a.took = time.Since(began)
	if err != nil {
		a.err = fmt.Errorf("GET %s: %w", key, err)
	}
	return a
}

// The values of Cache-Status.
const (
	fromBucket = "mirrorgate; hit; detail=bucket"
	fromSpool  = "mirrorgate; hit; detail=spool"
	stored     = `mirrorgate; fwd=uri-miss; fwd-status=200; stored; detail=primary; rule="all"`
	notStored  = `mirrorgate; fwd=uri-miss; fwd-status=200; detail=primary; rule="all"`
)

// queue is what `mirrorgate queue ls --json` prints.
type queue struct {
	Summary struct{ Waiting, Dead int }
	Items   []struct{ Key, State, Error string }
}

// mirrorgate runs a command with the gateway's configuration.
func (r *rig) mirrorgate(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), harness.Mirrorgate(t), append(args, "--config", r.Config)...)
	cmd.Env = append(os.Environ(), "LISTEN="+r.Addr, "DATA_DIR="+r.DataDir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("mirrorgate %v: %v\n%s", args, err, &stderr)
	}
	return out
}

func (r *rig) queue(t *testing.T) (q queue) {
	t.Helper()
	if err := json.Unmarshal(r.mirrorgate(t, "queue", "ls", "--json"), &q); err != nil {
		t.Fatal(err)
	}
	return q
}

// keys are those of the items in one of these states, in order.
func (q queue) keys(states ...string) (keys []string) {
	for _, item := range q.Items {
		if slices.Contains(states, item.State) {
			keys = append(keys, item.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

// waiting are the states of what is tried without anybody's asking.
func waiting() []string { return []string{"waiting", "uploading", "retrying"} }

// records counts the entries of the spool with an ending.
func (r *rig) records(ending string) (n int, err error) {
	err = filepath.WalkDir(filepath.Join(r.DataDir, "spool", "pending"), func(name string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(name, ending) {
			n++
		}
		return err
	})
	return n, err
}

// waitRecords waits until so many entries have the ending, and tells how long that took.
func (r *rig) waitRecords(t *testing.T, limit time.Duration, ending string, want int) time.Duration {
	t.Helper()
	began := time.Now()
	harness.Eventually(t, limit, func() error {
		n, err := r.records(ending)
		if err == nil && n != want {
			err = fmt.Errorf("%d entries are %s, not %d", n, ending, want)
		}
		return err
	})
	return time.Since(began)
}

// wantBucket compares the bucket's objects with what is right.
func (r *rig) wantBucket(t *testing.T, keys []string) {
	t.Helper()
	got := r.server.Keys(t, r.bucket, "~")
	slices.Sort(keys)
	if !slices.Equal(got, keys) {
		t.Errorf("the bucket has %d objects, not the %d that were asked for", len(got), len(keys))
	}
	for _, key := range got {
		body, _ := r.server.Open(t, r.bucket, key)
		if err := r.origin.Truth("/" + key).Check(body); err != nil {
			t.Errorf("the bucket's %s: %v", key, err)
		}
		if err := body.Close(); err != nil {
			t.Error(err)
		}
	}
}
