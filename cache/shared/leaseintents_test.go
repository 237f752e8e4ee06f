package shared

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// The commit of a lease announces the object.
func TestLeaseAnnounces(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", nil).run(t)
	id := objects(1)[0]
	lease := a.Claim(t.Context(), id, "scope", nil).Lease
	if lease == nil {
		t.Fatal("no lease")
	}
	lease.Commit(t.Context()) // before it is in the spool, so that nothing else announces it
	wantIntents(t, a, 1)
	a.save(id)
	wantIntents(t, a, 0)
}

// When a gateway is lost its lease of what it had committed ends with the intent: nobody waits for it, or takes it for
// the one that checks a copy.
func TestLeaseOfLostGatewayEnds(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", nil).run(t)
	b := newGate(t, []string{r.URL}, "bb", nil).run(t)
	id := objects(1)[0]
	a.Claim(t.Context(), id, "scope", nil).Lease.Commit(t.Context())
	a.stop()
	harness.Eventually(t, 20*time.Second, func() error {
		note, err := b.link.rdb.Get(t.Context(), b.names.lease(id)).Result()
		if err == nil {
			return fmt.Errorf("it stands: %s", note)
		}
		return nil
	})
	wantIntents(t, b, 0)
}

// So does a commit without one, and what could not be noted is when Redis is there again.
func TestPullWithoutLeaseAnnounces(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", short).run(t)
	ids := objects(2)
	a.Keeps(t.Context(), ids[0])
	wantIntents(t, a, 1)
	r.Signal(syscall.SIGSTOP)
	a.Keeps(t.Context(), ids[1])
	a.mu.Lock()
	a.spool[ids[0]], a.spool[ids[1]] = true, true
	a.mu.Unlock()
	r.Signal(syscall.SIGCONT)
	wantIntents(t, a, 2)
}

// What could not be noted and is committed only after Redis is back, and the spool was gone through, is noted, too.
func TestCommitBehindAnOutageAnnounces(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", short)
	a.firstSweep() // which would announce all that there is once more
	id := objects(1)[0]
	r.Kill()
	a.Keeps(t.Context(), id)
	r.Restart(t)
	a.tellAll(t.Context())
	a.spool[id] = true
	a.run(t)
	wantIntents(t, a, 1)
}
