package chaos_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

// siteHost is the host of the one site.
const siteHost = "site.test"

const (
	lasts = 15 * time.Second // unless MIRRORGATE_CHAOS says otherwise

	// shortSeed is that of a load which gets round in that time: in others many clients wait for the same slow origin, so
	// that not all has been asked for when it is over.
	shortSeed uint64 = 7

	lastsVariable = "MIRRORGATE_CHAOS"
	seedVariable  = "MIRRORGATE_CHAOS_SEED"
)

// TestChaos is the package's one test; its documentation says what it shows.
func TestChaos(t *testing.T) {
	lasts, seed := settings(t)
	t.Logf("seed %d: %s=%v %s=%d repeats the load", seed, lastsVariable, lasts, seedVariable, seed)
	idle := idleGoroutines(t)

	bucket := filepath.Join(t.TempDir(), "bucket")
	if err := os.Mkdir(bucket, 0o755); err != nil {
		t.Fatal(err)
	}
	rules, second := startRules(t)
	admin := harness.FreeAddr(t)
	s := &storm{
		Gateway: harness.StartGateway(t, config(bucket, admin, rules, second), harness.WithRace(), allGoroutines()),
		admin:   admin,
		plan:    &plan{seed: seed, faults: origin.Faults(), rules: rules},
		tally:   newTally(),
	}
	before := s.Descriptors(t)
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	s.run(ctx)
	s.report(t)

	s.pullsEnd(t)
	s.stillServes(t)
	s.spoolEmpties(t)
	closeAll(append(rules, &rule{primary: second}))
	s.descriptorsClose(t, before)
	s.goroutinesEnd(t, idle)
	s.startsAndStops(t)
	s.bucketIsRight(t, bucket)
}

func settings(t *testing.T) (time.Duration, uint64) {
	t.Helper()
	duration, seed := lasts, shortSeed
	var err error
	if text := os.Getenv(lastsVariable); text != "" {
		if duration, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", lastsVariable, err)
		}
		seed = rand.Uint64()
	}
	if text := os.Getenv(seedVariable); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	return duration, seed
}

// report tells the figures and the problems, and whether enough has happened for them to say something.
func (s *storm) report(t *testing.T) {
	t.Helper()
	t.Log(s.tally)
	for _, problem := range s.tally.problems {
		t.Error(problem)
	}
	for _, e := range []end{endWhole, endPart, endHead, endCondition, endMoved, endCut, endLeft, endRefused} {
		if s.tally.ends[e] == 0 {
			t.Errorf("no request has ended so: %s", e)
		}
	}
}

// pullsEnd: no origin is being asked any more when the gateway's own limits have had their time.
func (s *storm) pullsEnd(t *testing.T) {
	t.Helper()
	for _, r := range s.plan.rules {
		harness.Eventually(t, patience, func() error {
			if n := r.primary.Count("").Active; n > 0 {
				return fmt.Errorf("%s: %d pulls go on", r.name, n)
			}
			return nil
		})
	}
	harness.Eventually(t, patience, func() error { return s.noPulls() })
}

// noPulls: the gateway pulls nothing, nor waits to go on with what broke off, which no origin knows of.
func (s *storm) noPulls() error {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + s.admin + "/metrics")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	metrics, err := io.ReadAll(response.Body)
	if err == nil && !bytes.Contains(metrics, []byte("\nmirrorgate_cache_pulls 0\n")) {
		err = errors.New("the gateway still pulls")
	}
	return err
}

// stillServes: what has not been asked for yet comes whole. An origin that has asked for a pause has it.
func (s *storm) stillServes(t *testing.T) {
	t.Helper()
	for _, r := range s.plan.rules {
		if r.pauses || r.moves {
			continue
		}
		harness.Eventually(t, patience, func() error { return s.comes(t, s.plan.last(r)) })
	}
}

func (s *storm) comes(t *testing.T, o *object) error {
	c, err := dial(t.Context(), s.Addr)
	if err != nil {
		return err
	}
	defer c.leave(false)
	a := whole(o)
	c.send(a)
	got := c.receive(a, atMost(mib))
	if end, err := a.judge(got); err != nil || end != endWhole {
		return fmt.Errorf("%s: %s, status %d, %w", a, end, got.Status, err)
	}
	return nil
}
