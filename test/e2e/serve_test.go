package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// Without a configuration file: --origin and --bucket are enough, for a directory and for an S3 bucket with keys from
// the environment.
func TestServeFromFlags(t *testing.T) {
	nginx := harness.StartNginx(t, harness.NginxConfig{})
	body := []byte("from the old server")
	nginx.Put(t, "base/dir/a b.txt", body)
	f := func(t *testing.T, s *store, key string, args ...string) {
		t.Helper()
		options := []harness.GatewayOption{harness.WithArgs(append([]string{"--origin", nginx.URL + "/base"}, args...)...)}
		if s.server != nil {
			keys := []string{"AWS_ACCESS_KEY_ID=" + s.server.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s.server.SecretKey}
			options = append(options, harness.WithEnv(keys...))
		}
		g := &rig{harness.StartGateway(t, "", options...), s}
		a := g.wantObject(t, "/dir/a%20b.txt", body, "Host", "any.example.com")
		equal(t, "Cache-Status", a.Header.Get("Cache-Status"), pulled("primary", "all"))
		s.wait(t, key, body)
		g.wantError(t, "/none.txt", http.StatusNotFound, "NoSuchKey")
		g.stopSaved(t)
		s.want(t, key, body)
	}
	t.Run("dir", func(t *testing.T) {
		s := newDir(t)
		f(t, s, "dir/a b.txt", "--bucket", s.dir)
	})
	t.Run("new dir", func(t *testing.T) {
		s := &store{kind: "dir", dir: filepath.Join(t.TempDir(), "not", "there", "yet")}
		f(t, s, "dir/a b.txt", "--bucket", s.dir)
	})
	t.Run("s3", func(t *testing.T) {
		s := newMinIO(t)
		f(t, s, "dir/a b.txt", "--bucket", "s3://"+bucketName, "--endpoint", s.server.Endpoint)
	})
	t.Run("s3 with a prefix", func(t *testing.T) {
		s := newMinIO(t)
		f(t, s, "site/one/dir/a b.txt", "--bucket", "s3://"+bucketName+"/site/one/", "--endpoint", s.server.Endpoint,
			"--region", harness.Region)
	})
}

// mirrorgate runs the program to its end.
func mirrorgate(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return mirrorgateWith(t, "", nil, args...)
}

// mirrorgateWith does so with this on its stdin, and more in its environment.
func mirrorgateWith(t *testing.T, stdin string, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, harness.Mirrorgate(t), args...)
	cmd.Dir, cmd.Env, cmd.Stdin = t.TempDir(), append(os.Environ(), env...), strings.NewReader(stdin)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatalf("mirrorgate %q: %v", args, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), messages.String()
}

// badConfig has a mistake on each line that names one: the number of the line, and the path that is reported.
const badConfig = `data_dir: %q
server: {listen: %q, grase: 3s}
spool: {max_bytes: lots}
sites:
- name: Assets
  hosts: [assets.example.com]
  bucket: {dir: %q, s3: {endpoint: "ftp://x", name: b}}
  rules:
  - id: images
    match: {prefix: images/}
    rewrite: {crop: true, replace: x}
    origin: {primary: "${NO_SUCH_VARIABLE}"}
  - id: images
    mode: mirorr
    match: {prefix: other/}
    origin: {primary: "http://old.example.com"}
`

// A configuration with mistakes starts nothing: exit code 2, and every mistake on stderr with its path and line.
func TestServeBadConfig(t *testing.T) {
	dir, addr := t.TempDir(), harness.FreeAddr(t)
	data, bucket, file := filepath.Join(dir, "data"), filepath.Join(dir, "bucket"), filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, badConfig, data, addr, bucket), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve", "--config", file}, {"check", file}} {
		code, stdout, stderr := mirrorgate(t, args...)
		equal(t, fmt.Sprint("exit code of ", args[0]), code, 2)
		equal(t, "stdout", stdout, "")
		for _, want := range []struct {
			line int
			path string
		}{
			{2, "server.grase"}, {3, "spool.max_bytes"}, {5, "sites[0].name"}, {7, "sites[0].bucket"},
			{11, "sites[0].rules[0].rewrite"}, {12, "sites[0].rules[0].origin.primary"}, {13, "sites[0].rules[1].id"},
			{14, "sites[0].rules[1].mode"},
		} {
			if !hasMistake(stderr, want.path, want.line) {
				t.Errorf("%s: no line of stderr has %s and line %d:\n%s", args[0], want.path, want.line, stderr)
			}
		}
	}
	for _, name := range []string{data, bucket} {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%s was made, though nothing was to be started", name)
		}
	}
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("something listens")
	}
}

func hasMistake(stderr, path string, line int) bool {
	for text := range strings.Lines(stderr) {
		if strings.Contains(text, path) && strings.Contains(text, fmt.Sprintf("line %d", line)) {
			return true
		}
	}
	return false
}

// A command line that cannot be meant starts nothing either.
func TestServeBadUsage(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		code, _, stderr := mirrorgate(t, args...)
		if code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("mirrorgate %q: exit code %d and %q, want 2 and %q", args, code, stderr, want)
		}
	}
	f("--origin", "serve")
	f("--bucket", "serve", "--origin", "http://old.example.com")
	f("s3://", "serve", "--origin", "http://old.example.com", "--bucket", "s3://")
	f("--no-such-flag", "serve", "--no-such-flag")
	f("--config", "serve", "--config", "x.yaml", "--origin", "http://old.example.com")
	f("no-such-file.yaml", "serve", "--config", "no-such-file.yaml")
	f("origin", "serve", "--origin", "ftp://old.example.com", "--bucket", "b")
}

// A stopping gateway lets a download end that is under way, whether from the bucket or from the origin, takes no new
// connection, and saves what it was pulling before it ends.
func TestStopFinishesDownloads(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s *store) {
		stored := harness.Truth{Seed: 70, Size: 32 << 20} // more than sockets hold
		half := harness.Truth{Seed: 71, Size: 1 << 20}.Bytes()
		s.put(t, "stored", stored.Bytes(), nil)
		old := startHeld(t, map[string][]byte{"/half": half})
		g := serve(t, s, mirrorAll(old.url))
		slow := g.Open(t, http.MethodGet, "/stored")
		defer slow.Body.Close()
		begun := make([]byte, 1000)
		if _, err := io.ReadFull(slow.Body, begun); err != nil {
			t.Fatal(err)
		}
		pulling := g.start(t, "/half")
		old.waitHeld(t, 1)

		g.Signal(syscall.SIGTERM)
		waitRefused(t, g.Addr)
		old.open()
		wantPulled(t, pulling.end(t), half)
		if err := stored.Check(io.MultiReader(bytes.NewReader(begun), slow.Body)); err != nil {
			t.Errorf("a download that was under way: %v", err)
		}
		equal(t, "exit code", g.Wait(t, patience), 0)
		if !strings.Contains(g.Log(t), "waiting_in_spool=0") {
			t.Error("objects are left in the spool")
		}
		s.want(t, "half", half)
	})
}

// A pull whose client has left is ended and saved, too, before the gateway ends.
func TestStopFinishesPulls(t *testing.T) {
	s := newDir(t)
	body := harness.Truth{Seed: 73, Size: 1 << 20}.Bytes()
	old := startHeld(t, map[string][]byte{"/left": body})
	g := serve(t, s, mirrorAll(old.url))
	g.Open(t, http.MethodGet, "/left").Body.Close()
	old.waitHeld(t, 1)
	g.Signal(syscall.SIGTERM)
	waitRefused(t, g.Addr)
	select {
	case name := <-old.left:
		t.Fatalf("the pull of %s was cut off at once", name)
	case <-time.After(time.Second): // it goes on
	}
	old.open()
	equal(t, "exit code", g.Wait(t, patience), 0)
	s.want(t, "left", body)
}

// waitRefused waits until nobody accepts connections.
func waitRefused(t *testing.T, addr string) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return nil
		}
		conn.Close()
		return errors.New("connections are accepted")
	})
}

// A client that does not read does not keep a stopping gateway for longer than server.grace.
func TestStopHasAnEnd(t *testing.T) {
	s := newDir(t)
	s.put(t, "stored", harness.Truth{Seed: 72, Size: 32 << 20}.Bytes(), nil)
	held := startHeld(t, map[string][]byte{"/half": make([]byte, 1000)})
	g := &rig{harness.StartGateway(t, graceful("1s", config(s, mirrorAll(held.url)))), s}
	stuck := g.Open(t, http.MethodGet, "/stored")
	defer stuck.Body.Close()
	pulling := g.start(t, "/half")
	held.waitHeld(t, 1)
	began := time.Now()
	g.Signal(syscall.SIGTERM)
	if code := g.Wait(t, patience); code != 1 && code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("ended %v after the signal, server.grace is 1s", took.Round(time.Millisecond))
	}
	if r := pulling.end(t); r.err == nil {
		t.Errorf("a pull that was cut off ended as if it were whole: %d bytes", len(r.body))
	}
	s.wantAbsent(t, "half")
}
