package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
)

// fatalTB records the failure of a test instead of failing this one.
type fatalTB struct {
	testing.TB
	message string
}

func (f *fatalTB) Fatal(args ...any) { f.Fatalf("%s", fmt.Sprint(args...)) }

func (f *fatalTB) Fatalf(format string, args ...any) {
	f.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// fatal returns with what message the test body fails.
func fatal(t *testing.T, body func(testing.TB)) string {
	t.Helper()
	f := &fatalTB{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		body(f)
	}()
	<-done
	return f.message
}

func TestMissingBinary(t *testing.T) {
	message := fatal(t, func(t testing.TB) { Binary(t, "no-such-server") })
	if !strings.Contains(message, "no-such-server is not installed") || !strings.Contains(message, "`make setup`") {
		t.Errorf("message: %q", message)
	}
}

func TestEventually(t *testing.T) {
	calls := 0
	Eventually(t, time.Minute, func() error {
		if calls++; calls < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if calls != 3 {
		t.Errorf("%d calls", calls)
	}
	message := fatal(t, func(t testing.TB) {
		Eventually(t, 30*time.Millisecond, func() error { return errors.New("three of four") })
	})
	if message != "not within 30ms: three of four" {
		t.Errorf("message: %q", message)
	}
}

func TestFreePort(t *testing.T) {
	seen := map[int]bool{}
	for range 200 {
		port := FreePort(t)
		if seen[port] {
			t.Fatalf("port %d twice", port)
		}
		seen[port] = true
	}
	port := FreePort(t)
	if _, ok := reserve(t, port); ok {
		t.Errorf("port %d is reserved, and could be reserved again", port)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if _, ok := reserve(t, listener.Addr().(*net.TCPAddr).Port); ok {
		t.Error("reserved a port that is in use")
	}
}

func shell(script string) command {
	return command{name: "sh", path: "/bin/sh", args: []string{"-c", script}, up: func(context.Context) error { return nil }}
}

func TestProcessEndsWithItsReason(t *testing.T) {
	c := shell("echo not today >&2; exit 3")
	c.up = func(context.Context) error { return errors.New("no answer") }
	message := fatal(t, func(t testing.TB) { start(t, c, true) })
	if message != "sh ended before it was ready (exit code 3)" {
		t.Errorf("message: %q", message)
	}
	c.path = "/no/such/program"
	if message := fatal(t, func(t testing.TB) { start(t, c, true) }); !strings.HasPrefix(message, "starting sh:") {
		t.Errorf("message: %q", message)
	}
}

func TestProcessStops(t *testing.T) {
	p := start(t, shell(`trap 'echo bye; exit 4' TERM; echo hello; while :; do read x < /dev/zero; done`), false)
	Eventually(t, 10*time.Second, func() error {
		if p.Log(t) == "" {
			return errors.New("has not said hello")
		}
		return nil
	})
	p.Kill()
	p.Kill()
	if p.Running() {
		t.Error("running after Kill")
	}
	if code := p.Wait(t, time.Second); code != -1 {
		t.Errorf("exit code %d after SIGKILL", code)
	}

	p = start(t, shell("echo once; exit 5"), false)
	if code := p.Wait(t, 10*time.Second); code != 5 {
		t.Errorf("exit code %d", code)
	}
	p.Restart(t)
	p.Wait(t, 10*time.Second)
	if log := p.Log(t); log != "once\nonce\n" {
		t.Errorf("log over two runs: %q", log)
	}

	p = start(t, shell("exec sleep 1000"), true)
	if code := p.Stop(t); code != -1 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
}

// TestProcessDiesWithTheTests starts this test binary again, in the part of a test that is killed while its server runs.
func TestProcessDiesWithTheTests(t *testing.T) {
	const role = "MIRRORGATE_TEST_PARENT"
	if os.Getenv(role) != "" {
		p := start(t, shell("exec sleep 1000"), true)
		for range 100 { // many threads come and go meanwhile
			go func() { runtime.LockOSThread() }()
		}
		fmt.Printf("pid %d\n", p.PID())
		select {}
	}
	parent := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	parent.Env = append(os.Environ(), role+"=1", "TMPDIR="+t.TempDir())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscanf(out, "pid %d\n", &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Errorf("the server does not run while the test does: %v", err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	Eventually(t, 10*time.Second, func() error {
		if gone(pid) {
			return nil
		}
		return fmt.Errorf("process %d outlives the tests", pid)
	})
}

// gone tells whether the process has ended; it may still wait to be reaped by whoever inherited it.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func TestCleanEnv(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "MINIO_REGION", "https_proxy", "NO_PROXY"} {
		t.Setenv(name, "x-from-outside")
	}
	t.Setenv("HARNESS_KEEPS", "x")
	env := strings.Join(cleanEnv(), "\n")
	if strings.Contains(env, "x-from-outside") || !strings.Contains(env, "HARNESS_KEEPS=x") {
		t.Errorf("environment:\n%s", env)
	}
}

func TestTruth(t *testing.T) {
	for _, size := range []int64{0, 1, 7, truthBlock - 1, truthBlock, truthBlock + 1, 2*truthBlock + 123} {
		b := Truth{Seed: 7, Size: size}
		whole := b.Bytes()
		if err := iotest.TestReader(b.Reader(), whole); err != nil {
			t.Errorf("size %d: %v", size, err)
		}
		if err := b.Check(iotest.OneByteReader(strings.NewReader(string(whole)))); err != nil {
			t.Errorf("size %d: %v", size, err)
		}
		for offset := range min(size, 5) {
			if err := b.CheckRange(strings.NewReader(string(whole[offset:])), offset, size-offset); err != nil {
				t.Errorf("size %d from %d: %v", size, offset, err)
			}
		}
	}
	if a, b := (Truth{1, 100}), (Truth{2, 100}); a.SHA256() == b.SHA256() || a.SHA256() != (Truth{1, 100}).SHA256() {
		t.Error("seed alone does not decide")
	}
}

func TestTruthSeesWhatIsWrong(t *testing.T) {
	b := Truth{Seed: 3, Size: 200_000}
	whole := string(b.Bytes())
	f := func(want string, got io.Reader) {
		t.Helper()
		if err := b.Check(got); err == nil || err.Error() != want {
			t.Errorf("%v, not %s", err, want)
		}
	}
	flipped := []byte(whole)
	flipped[123_456] ^= 0x10
	f(fmt.Sprintf("byte 123456 is %#02x, not %#02x", flipped[123_456], whole[123_456]), strings.NewReader(string(flipped)))
	f("ends after 199999 bytes of 200000", strings.NewReader(whole[:199_999]))
	f("more than the 200000 bytes wanted", strings.NewReader(whole+"x"))
	cut := iotest.ErrReader(io.ErrUnexpectedEOF)
	f("after 200000 bytes of 200000: unexpected EOF", io.MultiReader(strings.NewReader(whole), cut))
	f("after 100 bytes of 200000: unexpected EOF", io.MultiReader(strings.NewReader(whole[:100]), cut))
}

func TestStatusBytes(t *testing.T) {
	const status = "Name:\tx\nVmHWM:\t   12345 kB\nVmRSS:\t    1 kB\n"
	if n, err := statusBytes(status, "VmHWM"); n != 12345<<10 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := statusBytes("Name:\tx\n", "VmRSS"); err == nil {
		t.Error("no error for a field that is not there")
	}
}
