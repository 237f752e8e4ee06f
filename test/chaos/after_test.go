package chaos_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"mirrorgate/test/harness"
)

// spoolEmpties: no half body is left, and all that was to be saved is.
func (s *storm) spoolEmpties(t *testing.T) {
	t.Helper()
	for _, name := range []string{"tmp", "pending"} {
		harness.Eventually(t, patience, func() error {
			left, err := filesIn(filepath.Join(s.DataDir, "spool", name))
			if err == nil && len(left) > 0 {
				err = fmt.Errorf("the spool's %s has %q", name, left)
			}
			return err
		})
	}
}

func filesIn(dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, name)
		}
		return err
	})
	return files, err
}

// closeAll ends the origins, and with them the connections that the gateway keeps to them.
func closeAll(rules []*rule) {
	for _, r := range rules {
		r.primary.Close()
	}
}

// descriptorsClose: what is open was so before.
func (s *storm) descriptorsClose(t *testing.T, before []string) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		if more := added(before, s.Descriptors(t)); len(more) > 0 {
			return fmt.Errorf("descriptors more than before: %q", more)
		}
		return nil
	})
	t.Logf("descriptors: %d before, %d after", len(before), len(s.Descriptors(t)))
}

// added is what after has and before has not, or not so often.
func added(before, after []string) (more []string) {
	rest := slices.Clone(before)
	for _, name := range after {
		if i := slices.Index(rest, name); i >= 0 {
			rest = slices.Delete(rest, i, i+1)
			continue
		}
		more = append(more, name)
	}
	return more
}

// allGoroutines makes the gateway print all its goroutines when it is told to quit.
func allGoroutines() harness.GatewayOption { return harness.WithEnv("GOTRACEBACK=all") }

// idleGoroutines are those of a gateway that has served nothing.
func idleGoroutines(t *testing.T) []string {
	t.Helper()
	bucket := t.TempDir()
	rules := []*rule{{name: "plain"}}
	g := harness.StartGateway(t, fmt.Sprintf("admin: {listen: %q}\nsites:\n- name: site\n  hosts: [%s]\n  bucket: {dir: %q}\n  rules:\n"+
		"  - {id: %s, origin: {primary: \"http://127.0.0.1:1\"}}\n", harness.FreeAddr(t), siteHost, bucket, rules[0].name),
		harness.WithRace(), allGoroutines())
	idle := quit(t, g)
	// Of a goroutine that runs at that moment a dump has no stack: this one does when a connection has just come.
	if accepts := "mirrorgate/gateway.(*listener).Accept"; !slices.Contains(idle, accepts) {
		idle = append(idle, accepts)
	}
	return idle
}

// quit ends a gateway and returns what its goroutines were doing, but for those of the runtime.
func quit(t *testing.T, g *harness.Gateway) (doing []string) {
	t.Helper()
	g.Signal(syscall.SIGQUIT)
	if code := g.Wait(t, patience); code != 2 {
		t.Errorf("mirrorgate ended with exit code %d", code)
	}
	for _, goroutine := range harness.Goroutines(g.Log(t)) {
		if !waitsForWork(goroutine) && !ofRuntime(goroutine) {
			doing = append(doing, does(goroutine))
		}
	}
	slices.Sort(doing)
	return doing
}

// does is what a goroutine is there for: the innermost function of ours in it, or else who began it.
func does(g harness.Goroutine) string {
	for _, path := range []string{"mirrorgate", "main"} {
		if function := g.In(path); function != "" {
			return function
		}
	}
	return "of " + g.CreatedBy
}

// ofRuntime tells whether a goroutine is the runtime's own: collectors of garbage, and the scheduler, which nobody began.
func ofRuntime(g harness.Goroutine) bool {
	return strings.HasPrefix(g.CreatedBy, "runtime.") || g.CreatedBy == "" && g.In("main") == ""
}

// waitsForWork tells whether the server keeps a goroutine for the next connection, which it does for some seconds.
func waitsForWork(g harness.Goroutine) bool {
	const worker = "github.com/valyala/fasthttp.(*workerPool).workerFunc"
	ours := slices.DeleteFunc(slices.Clone(g.Functions), func(f string) bool { return strings.HasPrefix(f, "runtime.") })
	return strings.HasPrefix(g.State, "chan receive") && len(ours) > 0 && ours[0] == worker
}

// goroutinesEnd: the gateway does what an idle one does and nothing else, and has said nothing of panics.
func (s *storm) goroutinesEnd(t *testing.T, idle []string) {
	t.Helper()
	log := s.Log(t)
	after := quit(t, s.Gateway)
	t.Logf("goroutines: %d idle, %d after\n  %s", len(idle), len(after), strings.Join(after, "\n  "))
	if len(idle) == 0 {
		t.Error("an idle gateway has no goroutines: the dump was not read")
	}
	if more := added(idle, after); len(more) > 0 {
		t.Errorf("goroutines more than in an idle gateway: %q", more)
	}
	for _, word := range []string{"panic", "fatal error"} {
		saysNot(t, log, word)
	}
}

func saysNot(t *testing.T, log, word string) {
	t.Helper()
	if _, text, found := strings.Cut(log, word); found {
		t.Errorf("the gateway's log has %q: %.4000s", word, text)
	}
}

// startsAndStops: what the gateway has left is a good start, and it ends without a word of races, now or earlier.
func (s *storm) startsAndStops(t *testing.T) {
	t.Helper()
	s.Restart(t)
	if code := s.Stop(t); code != 0 {
		t.Errorf("mirrorgate ended with exit code %d", code)
	}
	saysNot(t, s.Log(t), "DATA RACE")
}

// bucketIsRight: each file of the bucket is the whole object, and of one that may be there.
func (s *storm) bucketIsRight(t *testing.T, bucket string) {
	t.Helper()
	objects := map[string]*object{}
	for n := range s.tally.objects {
		o := s.plan.object(n)
		objects[o.key()] = o
	}
	for _, r := range s.plan.rules {
		o := s.plan.last(r)
		objects[o.key()] = o
	}
	files := harness.BucketFiles(t, bucket)
	for key, file := range files {
		if err := objects[key].check(file); err != nil {
			t.Errorf("the bucket has %q: %v", key, err)
		}
	}
	t.Logf("%d objects in the bucket", len(files))
	if len(files) == 0 {
		t.Error("the bucket has nothing")
	}
}

// check compares a file of the bucket with what it may be.
func (o *object) check(file string) error {
	if o == nil {
		return fmt.Errorf("which nobody asked for")
	}
	if !o.mayKeep() {
		return fmt.Errorf("which may not be kept; the contract: %s", o.Get)
	}
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, coding := range []string{"", "gzip"} {
		for _, c := range o.contents(coding) {
			if c.size == int64(len(body)) && c.has(body, 0) {
				return nil
			}
		}
	}
	return fmt.Errorf("%d bytes that are not the object", len(body))
}
