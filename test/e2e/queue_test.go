package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mirrorgate/test/harness"
)

// queue runs a command of the queue to its end, with the gateway's configuration.
func (r *rig) queue(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	args = append([]string{"queue", args[0], "--config", r.Config}, args[1:]...)
	return mirrorgateWith(t, stdin, []string{"LISTEN=" + r.Addr, "DATA_DIR=" + r.DataDir}, args...)
}

// A bucket that refuses an object for good leaves it dead: listed with the reason, still served, and saved once
// somebody has mended the bucket and retries it.
func TestDeadIsRetried(t *testing.T) {
	s := newMinIO(t)
	refuse := startRefusal(t, s)
	old := startOrigin(t, echo)
	admin := harness.FreeAddr(t)
	text := fmt.Sprintf("admin: {listen: %q, token: a-token-of-the-tests}\n", admin) + config(s, mirrorAll(old.url))
	g := &rig{harness.StartGateway(t, text), s}
	refuse.Store(true)
	g.wantObject(t, "/a.txt", asked("a.txt"))
	var listed string
	harness.Eventually(t, patience, func() error {
		var code int
		code, listed, _ = g.queue(t, "", "ls", "--dead")
		if code != 0 || !strings.HasPrefix(listed, "ID ") {
			return fmt.Errorf("nothing is dead yet: %d, %s", code, listed)
		}
		return nil
	})
	lines := strings.Split(listed, "\n")
	fields := strings.Fields(lines[1])
	if len(fields) != 7 || fields[1] != "dead" || fields[4] != "3" || fields[6] != "a.txt" ||
		!strings.Contains(lines[2], "  why: bucket put: status 403 AccessDenied") || !strings.HasPrefix(lines[3], "0 waiting, 1 dead, ") {
		t.Errorf("listed:\n%s", listed)
	}
	g.waitTier(t, "/a.txt", hitSpool, patience)
	refuse.Store(false)
	code, stdout, stderr := g.queue(t, "", "retry", fields[0])
	if code != 0 || stdout != fields[0]+": tried again\n" {
		t.Errorf("retry: %d, %s%s", code, stdout, stderr)
	}
	s.wait(t, "a.txt", asked("a.txt"))
	equal(t, "requests to the origin", len(old.requests()), 1)

	// The same by the directory, and for all: another object dies, and the gateway ends before somebody retries it.
	refuse.Store(true)
	g.wantObject(t, "/b.txt", asked("b.txt"))
	harness.Eventually(t, patience, func() error {
		if _, stdout, _ := g.queue(t, "", "ls", "--dead"); !strings.Contains(stdout, "  b.txt\n") {
			return fmt.Errorf("b.txt is not dead yet: %s", stdout)
		}
		return nil
	})
	refuse.Store(false)
	equal(t, "exit code", g.Stop(t), 0)
	code, stdout, stderr = g.queue(t, "", "retry", "--all")
	if code != 0 || stdout != "1 dead: tried again\n" {
		t.Errorf("retry: %d, %s%s", code, stdout, stderr)
	}
	g.Restart(t)
	s.wait(t, "b.txt", asked("b.txt"))
	g.stopSaved(t)
}

// Two gateways: the one that has the directory is asked, not the one that happens to listen where the file says.
func TestQueueNamesTheProcess(t *testing.T) {
	admin := harness.FreeAddr(t)
	listening := fmt.Sprintf("admin: {listen: %q, token: a-token-of-the-tests}\n", admin)
	mine := serve(t, newDir(t), mirrorAll("http://127.0.0.1:1"))
	other := newDir(t)
	theirs := harness.StartGateway(t, listening+config(other, mirrorAll("http://127.0.0.1:1")))
	mine.WriteConfig(t, listening+config(mine.store, mirrorAll("http://127.0.0.1:1")))
	code, stdout, stderr := mine.queue(t, "", "pause")
	want := fmt.Sprintf("data_dir %s is in use by the process %d, which has to be asked, but on admin.listen (%s) the process %d "+
		"answers: another gateway\n", mine.DataDir, mine.PID(), admin, theirs.PID())
	if code != 2 || stdout != "" || stderr != want {
		t.Errorf("%d, %q, %q, want %q", code, stdout, stderr, want)
	}
	if _, err := os.Stat(filepath.Join(theirs.DataDir, "spool", "paused")); !os.IsNotExist(err) {
		t.Errorf("the other gateway is paused: %v", err)
	}
	equal(t, "status", mine.Get(t, "/none").Status, http.StatusBadGateway)
}
