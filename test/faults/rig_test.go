package faults_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// siteHost is the host of the one site.
const siteHost = "site.test"

// patience is how long anything may take that is expected to happen.
const patience = 20 * time.Second

// rig is a running gateway with a directory as bucket.
type rig struct {
	*harness.Gateway
	bucket string
}

// serve runs a gateway with one site and these rules, each a YAML mapping.
func serve(t *testing.T, rules ...string) *rig {
	t.Helper()
	return serveWith(t, "", t.TempDir(), rules...)
}

// serveWith is serve with a data folder, and with settings besides the site, one a line.
func serveWith(t *testing.T, settings, dataDir string, rules ...string) *rig {
	t.Helper()
	r := &rig{bucket: filepath.Join(t.TempDir(), "bucket")}
	if err := os.Mkdir(r.bucket, 0o755); err != nil {
		t.Fatal(err)
	}
	var config strings.Builder
	config.WriteString(settings + "\nlog: {level: debug}\n")
	fmt.Fprintf(&config, "sites:\n- name: site\n  hosts: [%s]\n  bucket: {dir: %q}\n  rules:\n", siteHost, r.bucket)
	for _, rule := range rules {
		config.WriteString("  - " + rule + "\n")
	}
	r.Gateway = harness.StartGateway(t, config.String(), harness.WithDataDir(dataDir))
	return r
}

// writes counts the objects that were written to the bucket, as the log has it.
func (r *rig) writes(t *testing.T) int {
	t.Helper()
	return strings.Count(r.Log(t), "msg=saved ")
}

// drain stops the gateway, which saves what it has to save first, and returns the files of the bucket by key.
func (r *rig) drain(t *testing.T) map[string]string {
	t.Helper()
	if code := r.Stop(t); code != 0 {
		t.Errorf("mirrorgate ended with exit code %d", code)
	}
	if !strings.Contains(r.Log(t), "waiting_in_spool=0") {
		t.Error("objects wait in the spool")
	}
	return harness.BucketFiles(t, r.bucket)
}
