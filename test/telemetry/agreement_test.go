package telemetry_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"mirrorgate/test/harness"
)

const agreementConfig = `
admin: {listen: "${ADMIN}"}
log: {access: "${LOG}", access_format: json, level: error}
memory: {ttl: 1h}
sites:
- name: site
  hosts: [site.test]
  bucket: {dir: "${BUCKET}"}
  rules:
  - {id: deny, mode: deny, match: {prefix: deny/}, deny: {status: 451}}
  - {id: go, mode: redirect, match: {prefix: go/}, origin: {primary: "${ORIGIN}"}, redirect: {store: false}}
  - {id: pass, mode: proxy, match: {prefix: pass/}, origin: {primary: "${ORIGIN}"}}
  - {id: fail, match: {prefix: fail/}, origin: {primary: "${ORIGIN}"}}
  - {id: pull, match: {prefix: pull/}, origin: {primary: "${ORIGIN}"}}
`

// The load: so many requests by so many clients at one time.
const (
	requests = 100_000
	clients  = 16
)

// TestAgreement has real clients ask for everything, and compares what they have counted with the metrics and with the
// access log.
func TestAgreement(t *testing.T) {
	name := filepath.Join(t.TempDir(), "access.log")
	r := serve(t, agreementConfig, "LOG="+name, "ORIGIN="+startOrigin(t))
	for n := range objects {
		if err := os.WriteFile(filepath.Join(r.bucket, fmt.Sprintf("m%d", n)), object(n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	seen := ask(t, r.Addr)
	outcomes := by(seen.answers, func(status string) string { return status[:1] + "xx" })
	harness.Eventually(t, patience, func() error {
		got := sums(t, r.scrape(t), "mirrorgate_requests_total", "mirrorgate_outcome", "http_response_status_class")
		if diff := differ(got, outcomes); diff != "" {
			return errors.New("the metrics count others than the clients:\n" + diff)
		}
		return nil
	})
	if diff := differ(r.overview(t), outcomes); diff != "" {
		t.Errorf("the dashboard shows others than the clients have counted:\n%s", diff)
	}
	families := r.scrape(t)
	r.Stop(t)
	log := readLog(t, name)
	if diff := differ(log.answers, seen.answers); diff != "" {
		t.Errorf("the access log has other outcomes and statuses than the clients:\n%s", diff)
	}
	if diff := differ(log.whole, seen.whole); diff != "" {
		t.Errorf("the access log has other bytes of whole answers than the clients:\n%s", diff)
	}
	if diff := differ(sums(t, families, "mirrorgate_response_body_size_bytes_total", "mirrorgate_outcome"), log.bytes); diff != "" {
		t.Errorf("the metrics have other bytes than the access log:\n%s", diff)
	}
	if log.broken != seen.broken || len(log.ids) != requests {
		t.Errorf("%d answers broke off by the log, clients left %d; %d ids", log.broken, seen.broken, len(log.ids))
	}
	timed := by(seen.answers, func(string) string { return "" })
	if diff := differ(sums(t, families, "http_server_request_duration_seconds", "mirrorgate_outcome"), timed); diff != "" {
		t.Errorf("the histogram has other counts than the clients:\n%s", diff)
	}
	for _, outcome := range []string{"memory", "bucket", "mirrored", "joined", "passed", "proxied", "redirected", "negative",
		"denied", "missing", "refused", "error"} {
		if timed[outcome] == 0 {
			t.Errorf("no answer was %s", outcome)
		}
	}
	t.Logf("%v, %d broke off", seen.answers, seen.broken)
}

// ask has the clients ask for all of it, and adds up what they have seen.
func ask(t *testing.T, addr string) *ledger {
	all := newLedger()
	var next atomic.Int64
	var running sync.WaitGroup
	var mu sync.Mutex
	for range clients {
		running.Go(func() {
			c := newClient(addr)
			defer c.close()
			for i := next.Add(1) - 1; i < requests; i = next.Add(1) - 1 {
				if err := c.ask(int(i)); err != nil {
					t.Errorf("request %d: %v", i, err)
					return
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all.add(c.seen)
		})
	}
	running.Wait()
	return all
}

// by adds counts by outcome and status up, with something else in place of the status.
func by(counts map[string]int64, instead func(status string) string) map[string]int64 {
	all := make(map[string]int64)
	for key, n := range counts {
		outcome, status, _ := strings.Cut(key, " ")
		all[strings.TrimSpace(outcome+" "+instead(status))] += n
	}
	return all
}

// readLog adds up an access log.
func readLog(t *testing.T, name string) *ledger {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := newLedger()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var line struct {
			ID, Outcome, Error string
			Status             int
			Bytes              int64
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		l.ids[line.ID] = true
		l.note(line.Outcome, line.Status, line.Bytes, line.Error != "" && line.Outcome != "error")
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return l
}
