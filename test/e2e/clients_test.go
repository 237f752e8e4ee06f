package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mirrorgate/test/harness"
)

// command runs a client program that nobody here wrote, and returns what it prints to stdout.
func command(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, stderr, err := try(t, name, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s\n%.2000s", name, args, err, stderr, out)
	}
	return out
}

// try is command for one that may fail. The program sees no configuration and no credentials of this machine.
func try(t *testing.T, name string, args ...string) (stdout, stderr []byte, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), harness.Binary(t, name), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true", "AWS_DEFAULT_REGION=" + harness.Region,
		"RCLONE_CONFIG=" + os.DevNull}
	var messages bytes.Buffer
	cmd.Stderr = &messages
	stdout, err = cmd.Output()
	return stdout, messages.Bytes(), err
}

// wantFile fails the test unless a file has exactly these bytes.
func wantFile(t *testing.T, what, name string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%s: the file has %s, want %s", what, brief(got), brief(want))
	}
}

// clientRig is a gateway before MinIO, and an nginx with one object of some size under several names.
func clientRig(t *testing.T, size int64, names ...string) (*rig, []byte) {
	t.Helper()
	nginx := harness.StartNginx(t, harness.NginxConfig{})
	body := harness.Truth{Seed: 5, Size: size}.Bytes()
	for _, name := range names {
		nginx.Put(t, name, body)
	}
	return serve(t, newMinIO(t), mirrorAll(nginx.URL)), body
}

// curl downloads in one go, in ranges, and takes up a broken download again: while the bucket does not have the object
// and when it has.
func TestCurl(t *testing.T) {
	g, body := clientRig(t, 3<<20, "whole.bin", "range.bin", "tail.bin", "resumed.bin", "dir/a b é.bin")
	dir := t.TempDir()
	curl := func(args ...string) []byte {
		t.Helper()
		return command(t, "curl", append([]string{"-sS", "--fail", "--max-time", "30"}, args...)...)
	}
	f := func() {
		t.Helper()
		file := filepath.Join(dir, "file")
		curl("-o", file, g.URL+"/whole.bin")
		wantFile(t, "the whole", file, body)
		equal(t, "curl -r 1000-1999", string(curl("-r", "1000-1999", g.URL+"/range.bin")), string(body[1000:2000]))
		equal(t, "curl -r -1000", string(curl("-r", "-1000", g.URL+"/tail.bin")), string(body[len(body)-1000:]))
		equal(t, "curl -r 3000000-", string(curl("-r", "3000000-", g.URL+"/range.bin")), string(body[3000000:]))
		equal(t, "a name with a space", len(curl(g.URL+"/dir/a%20b%20%C3%A9.bin")), len(body))

		if err := os.WriteFile(file, body[:1<<20], 0o644); err != nil {
			t.Fatal(err)
		}
		out := curl("-C", "-", "-o", file, "-w", "%{http_code} %{size_download}", g.URL+"/resumed.bin")
		equal(t, "status and bytes of curl -C -", string(out), fmt.Sprintf("206 %d", 2<<20))
		wantFile(t, "resumed with curl -C -", file, body)
		length := curlHeader(curl("-I", g.URL+"/whole.bin"), "content-length")
		equal(t, "content-length of curl -I", length, fmt.Sprint(len(body)))
	}
	f() // the bucket is empty
	for _, name := range []string{"whole.bin", "range.bin", "tail.bin", "resumed.bin", "dir/a b é.bin"} {
		g.store.wait(t, name, body)
	}
	f() // the bucket has everything
	out := curl("-o", os.DevNull, "-D", "-", g.URL+"/resumed.bin")
	equal(t, "cache-status", curlHeader(out, "cache-status"), hitBucket)

	// An answer that curl has kept is asked for again with its ETag, and with its time.
	tag := filepath.Join(dir, "etag")
	kept := filepath.Join(dir, "kept")
	curl("--etag-save", tag, "-R", "-o", kept, g.URL+"/whole.bin")
	again := curl("--etag-compare", tag, "-o", os.DevNull, "-w", "%{http_code}", g.URL+"/whole.bin")
	equal(t, "status of curl --etag-compare", string(again), "304")
	again = curl("-z", kept, "-o", os.DevNull, "-w", "%{http_code}", g.URL+"/whole.bin")
	equal(t, "status of curl -z", string(again), "304")
}

// curlHeader finds a header among those that curl has printed.
func curlHeader(out []byte, name string) string {
	for line := range strings.Lines(string(out)) {
		if got, value, _ := strings.Cut(line, ":"); strings.EqualFold(got, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// rclone's http backend copies single objects and reads parts of them, from an empty bucket and from a filled one.
func TestRclone(t *testing.T) {
	g, body := clientRig(t, 3<<20, "dir/one.bin", "dir/two.bin")
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte("dir/one.bin\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	f := func() {
		t.Helper()
		rclone := func(args ...string) []byte {
			t.Helper()
			return command(t, "rclone", append([]string{"--http-url", g.URL + "/", "--retries", "1"}, args...)...)
		}
		// Immutable: the second time it is an error if size or time are not those of the copy.
		rclone("copy", "--immutable", ":http:dir/one.bin", to)
		wantFile(t, "rclone copy", filepath.Join(to, "one.bin"), body)
		rclone("copyto", ":http:dir/two.bin", filepath.Join(to, "renamed.bin"))
		wantFile(t, "rclone copyto", filepath.Join(to, "renamed.bin"), body)
		// Named in a list, the object is asked for without a listing of its folder, which a bucket's GET has not.
		cat := func(args ...string) []byte {
			return rclone(append([]string{"cat", "--no-traverse", "--files-from-raw", list, ":http:"}, args...)...)
		}
		if out := cat(); !bytes.Equal(out, body) {
			t.Errorf("rclone cat: %s", brief(out))
		}
		out := cat("--offset", "100000", "--count", "1000")
		equal(t, "rclone cat --offset --count", string(out), string(body[100000:101000]))
	}
	f()
	g.store.wait(t, "dir/one.bin", body)
	g.store.wait(t, "dir/two.bin", body)
	f()
}

// The aws command line reads through the gateway without credentials. It asks in path style, /BUCKET/KEY, since no DNS
// knows a name below 127.0.0.1: to the gateway what it calls its bucket is the first segment of the key. So the rule is
// for the prefix "media/", which it crops for the old server, and the objects are in the folder media/ of the bucket:
// s3://media/a/b.bin of this client is the key media/a/b.bin in the bucket "assets". Behind a host name that carries
// the bucket's, media.example.com, none of that is needed: then the path is the key as everywhere.
func TestAWS(t *testing.T) {
	nginx := harness.StartNginx(t, harness.NginxConfig{})
	small := []byte("a small object")
	large := harness.Truth{Seed: 6, Size: 20 << 20}.Bytes() // above 8 MiB the command asks for several ranges at once
	nginx.Put(t, "dir/small.txt", small)
	nginx.Put(t, "dir/large.bin", large)
	rule := "{id: media, match: {prefix: media/}, rewrite: {crop: true}, origin: {primary: %q}}"
	g := serve(t, newMinIO(t), fmt.Sprintf(rule, nginx.URL))
	f := func() {
		t.Helper()
		to := t.TempDir()
		for name, body := range map[string][]byte{"small.txt": small, "large.bin": large} {
			copied := filepath.Join(to, name)
			command(t, "aws", "s3", "cp", "--no-sign-request", "--endpoint-url", g.URL, "s3://media/dir/"+name, copied)
			wantFile(t, "aws s3 cp", copied, body)
		}
		part := filepath.Join(to, "part")
		command(t, "aws", "s3api", "get-object", "--no-sign-request", "--endpoint-url", g.URL, "--bucket", "media", "--key",
			"dir/large.bin", "--range", "bytes=5-14", part)
		wantFile(t, "aws s3api get-object --range", part, large[5:15])
	}
	f()
	g.store.wait(t, "media/dir/small.txt", small)
	g.store.wait(t, "media/dir/large.bin", large)
	f()
	_, stderr, err := try(t, "aws", "s3", "cp", "--no-sign-request", "--endpoint-url", g.URL, "s3://media/dir/none.txt",
		filepath.Join(t.TempDir(), "none.txt"))
	if err == nil || !bytes.Contains(stderr, []byte("404")) {
		t.Errorf("aws s3 cp of what is nowhere: %v, %s", err, stderr)
	}
}
