package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrorgate/gateway/admin"
	"mirrorgate/test/harness"
)

// memberConfig writes the configuration of a gateway of a fleet, and returns its file and its admin listener.
func memberConfig(t *testing.T, redis, ttl string) (config, adminAddr string) {
	t.Helper()
	dir := t.TempDir()
	config, adminAddr = filepath.Join(dir, "m.yaml"), harness.FreeAddr(t)
	listen := harness.FreeAddr(t)
	text := fmt.Sprintf(`
server: {listen: %q}
admin: {listen: %q}
data_dir: %q
shared: {redis: %q, secret: %q, advertise: "http://%s"}
sites: [{name: site, hosts: ["*"], bucket: {dir: %q}, negative_ttl: %s}]
`, listen, adminAddr, filepath.Join(dir, "data"), redis, fleetSecret, listen, filepath.Join(dir, "bucket"), ttl)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config, adminAddr
}

// member runs a gateway until the test ends.
func member(t *testing.T, redis, ttl string) (config, adminAddr string) {
	t.Helper()
	config, adminAddr = memberConfig(t, redis, ttl)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan int, 1)
	go func() {
		served <- run(ctx, []string{"serve", "--config", config}, strings.NewReader(""), io.Discard, io.Discard)
	}()
	t.Cleanup(func() { stop(); <-served })
	return config, adminAddr
}

// fleetOf asks a gateway who is there.
func fleetOf(addr string) (state admin.FleetState, status int, err error) {
	resp, err := http.Get("http://" + addr + "/api/v1/members")
	if err != nil {
		return state, 0, err
	}
	defer resp.Body.Close()
	return state, resp.StatusCode, json.NewDecoder(resp.Body).Decode(&state)
}

// Who is there is shown by the command, which asks Redis, and by each gateway, which says what else it has seen.
func TestMembers(t *testing.T) {
	redis := harness.StartRedis(t)
	config, addr := member(t, redis.URL, "5s")
	_, _ = member(t, redis.URL, "6s")
	var state admin.FleetState
	harness.Eventually(t, 20*time.Second, func() (err error) {
		if state, _, err = fleetOf(addr); err == nil && len(state.Members) != 2 {
			err = fmt.Errorf("%+v", state)
		}
		return err
	})
	mine, other := state.Members[0], state.Members[1]
	if mine.Me == other.Me || mine.Setup == other.Setup || mine.ID == other.ID || state.Unknown != "" || mine.Version != "dev" ||
		mine.Started.IsZero() || mine.Seen.IsZero() || !strings.HasPrefix(mine.Advertise, "http://127.0.0.1:") {
		t.Errorf("%+v", state)
	}
	code, stdout, stderr := program(t, "members", "--config", config)
	if code != 0 || !strings.Contains(stdout, mine.ID) || !strings.Contains(stdout, other.ID) ||
		!strings.HasSuffix(stdout, "\n2 gateways, 2 different configurations\n") {
		t.Errorf("got %d, %q, %q", code, stdout, stderr)
	}
	var printed admin.FleetState
	code, stdout, stderr = program(t, "members", "--config", config, "--json")
	if err := json.Unmarshal([]byte(stdout), &printed); err != nil || code != 0 || len(printed.Members) != 2 ||
		printed.Members[0].ID != mine.ID || printed.Members[1].Setup != other.Setup {
		t.Errorf("got %d, %v, %q, %q", code, err, stdout, stderr)
	}
	redis.Kill()
	if state, _, err := fleetOf(addr); err != nil || state.Unknown == "" || len(state.Members) != 0 {
		t.Errorf("without Redis: %+v, %v", state, err)
	}
	code, stdout, stderr = program(t, "members", "--config", config)
	if code != 1 || stdout != "" || !strings.Contains(stderr, "shared.redis") || strings.Contains(stderr, fleetSecret) {
		t.Errorf("without Redis: %d, %q, %q", code, stdout, stderr)
	}
}

// A gateway on its own has no members to show.
func TestMembersOfNoFleet(t *testing.T) {
	r := newQueueRig(t, noOrigin, steered)
	code, stdout, stderr := program(t, "members", "--config", r.config)
	if code != 2 || stdout != "" || !strings.Contains(stderr, "shared.redis") {
		t.Errorf("got %d, %q, %q", code, stdout, stderr)
	}
}
