package harness

import (
	"debug/buildinfo"
	"errors"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const dump = `level=INFO msg="goroutine of another kind [not one]:"
SIGQUIT: quit
PC=0x4f m=0 sigcode=0

goroutine 1 gp=0xc000002380 m=nil [chan receive, 2 minutes]:
runtime.gopark(0x0?, 0x0?)
	/go/src/runtime/proc.go:460 +0xce
main.(*process).run(0xc0001, {0xb5, 0xc0})
	/src/cmd/mirrorgate/serve.go:141 +0x1d7

goroutine 34 [IO wait]:
net.(*conn).Read(0xc0000, {0xc0, 0x1, 0x1})
	/go/src/net/net.go:196 +0x45
mirrorgate/cache.(*flight).copy.func1(...)
	/src/cache/flight.go:10
mirrorgate/cache.(*Cache).Fill.gowrap1()
	/src/cache/fill.go:20 +0x11
created by mirrorgate/cache.(*Cache).Fill in goroutine 1
	/src/cache/fill.go:20 +0x3c

rax    0x0
`

func TestGoroutinesAreRead(t *testing.T) {
	want := []Goroutine{
		{State: "chan receive, 2 minutes", Functions: []string{"runtime.gopark", "main.(*process).run"}},
		{
			State: "IO wait", CreatedBy: "mirrorgate/cache.(*Cache).Fill",
			Functions: []string{"net.(*conn).Read", "mirrorgate/cache.(*flight).copy.func1", "mirrorgate/cache.(*Cache).Fill.gowrap1"},
		},
	}
	got := Goroutines(dump)
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("read %+v, want %+v", got, want)
	}
	f := func(g Goroutine, path, want string) {
		t.Helper()
		if in := g.In(path); in != want {
			t.Errorf("in %s: %q, want %q", path, in, want)
		}
	}
	f(got[0], "mirrorgate", "")
	f(got[0], "main", "main.(*process).run")
	f(got[1], "mirrorgate", "mirrorgate/cache.(*flight).copy.func1")
	f(got[1], "mirrorgate/cache", "mirrorgate/cache.(*flight).copy.func1")
	f(got[1], "mirror", "")
}

// TestWithRace: what runs is a race build, and it prints its goroutines when it is told to quit.
func TestWithRace(t *testing.T) {
	g := StartGateway(t, "", WithRace(), WithArgs("--origin", "http://127.0.0.1:1", "--bucket", t.TempDir()),
		WithEnv("GOTRACEBACK=all"))
	g.Signal(syscall.SIGQUIT)
	if code := g.Wait(t, 10*time.Second); code != 2 {
		t.Errorf("exit code %d", code)
	}
	serving := 0
	for _, goroutine := range Goroutines(g.Log(t)) {
		if goroutine.In("main") != "" {
			serving++
		}
	}
	if serving == 0 {
		t.Errorf("no goroutine of the program in:\n%s", g.Log(t))
	}
	info, err := buildinfo.ReadFile(MirrorgateRace(t))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Errorf("built with %v", info.Settings)
	}
}

func TestDescriptors(t *testing.T) {
	p := start(t, shell(`exec 9</dev/null; echo open; read x < /dev/zero`), false)
	Eventually(t, 10*time.Second, func() error {
		if p.Log(t) == "" {
			return errors.New("nothing is open yet")
		}
		return nil
	})
	open := strings.Join(p.Descriptors(t), "\n")
	for _, name := range []string{"/dev/null", p.command.log} {
		if !strings.Contains(open, name) {
			t.Errorf("%s is not among:\n%s", name, open)
		}
	}
	for name, want := range map[string]string{"socket:[4711]": "socket", "/a:b": "/a:b", "anon_inode:[eventpoll]": "anon_inode"} {
		if got := kindOf(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
