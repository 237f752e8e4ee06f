package harness

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	sentinelMaster    = "gateways" // the name under which the sentinels watch
	sentinelReplicas  = 2
	sentinelWatchers  = 3
	sentinelDownAfter = "500"  // milliseconds without an answer, after which a server counts as down
	sentinelFailover  = "2000" // milliseconds until a failover that came to nothing is tried again
)

// Sentinel is a running master with two replicas, watched by three sentinels.
type Sentinel struct {
	Servers  []*Redis // at first, the first of them is the master
	Watchers []*Redis
	URLs     []string // of the sentinels, for shared.redis
}

// StartSentinel returns when the sentinels know all servers and each other.
func StartSentinel(t testing.TB) *Sentinel {
	t.Helper()
	// A replica is told at once rather than after a few seconds in which another one might come.
	master := StartRedis(t, "--repl-diskless-sync-delay", "0")
	s := &Sentinel{Servers: []*Redis{master}}
	_, port, _ := net.SplitHostPort(master.Addr)
	for range sentinelReplicas {
		s.Servers = append(s.Servers, StartRedis(t, "--replicaof", "127.0.0.1 "+port, "--repl-diskless-sync-delay", "0"))
	}
	s.waitReplicas(t)
	for range sentinelWatchers {
		watcher := startWatcher(t, port)
		s.Watchers = append(s.Watchers, watcher)
		s.URLs = append(s.URLs, watcher.URL+"?sentinel="+sentinelMaster)
	}
	s.waitWatchers(t)
	return s
}

func startWatcher(t testing.TB, masterPort string) *Redis {
	t.Helper()
	addr := FreeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	config := filepath.Join(t.TempDir(), "sentinel.conf") // it rewrites this
	lines := []string{
		"bind 127.0.0.1", "port " + port, "dir " + filepath.Dir(config),
		"sentinel monitor " + sentinelMaster + " 127.0.0.1 " + masterPort + " 2",
		"sentinel down-after-milliseconds " + sentinelMaster + " " + sentinelDownAfter,
		"sentinel failover-timeout " + sentinelMaster + " " + sentinelFailover,
	}
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &Redis{Addr: addr, URL: "redis://" + addr}
	args := []string{config, "--sentinel"}
	r.Process = start(t, command{name: "sentinel", path: Binary(t, "redis-server"), args: args, up: r.up}, true)
	return r
}

func (s *Sentinel) waitReplicas(t testing.TB) {
	t.Helper()
	Eventually(t, readyWithin, func() error {
		for _, server := range s.Servers[1:] {
			if err := server.says(t.Context(), "master_link_status:up", "info", "replication"); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Sentinel) waitWatchers(t testing.TB) {
	t.Helper()
	known := fmt.Sprintf("status=ok,address=%s,slaves=%d,sentinels=%d",
		s.Servers[0].Addr, sentinelReplicas, sentinelWatchers)
	Eventually(t, readyWithin, func() error {
		for _, watcher := range s.Watchers {
			if err := watcher.says(t.Context(), known, "info", "sentinel"); err != nil {
				return err
			}
		}
		return nil
	})
}

// Master returns the server that the sentinels take for the master.
func (s *Sentinel) Master(t testing.TB) *Redis {
	t.Helper()
	answer, _ := s.Watchers[0].Do(t, "sentinel", "get-master-addr-by-name", sentinelMaster).([]any)
	if len(answer) != 2 {
		t.Fatalf("the sentinel names no master: %v", answer)
	}
	addr := net.JoinHostPort(fmt.Sprint(answer[0]), fmt.Sprint(answer[1]))
	i := slices.IndexFunc(s.Servers, func(r *Redis) bool { return r.Addr == addr })
	if i < 0 {
		t.Fatalf("the sentinel names %s, which is none of the servers", addr)
	}
	return s.Servers[i]
}

// FailOver kills the master, and does not wait for another to take its place.
func (s *Sentinel) FailOver(t testing.TB) (killed *Redis) {
	t.Helper()
	killed = s.Master(t)
	killed.Kill()
	return killed
}

// WaitFailedOver returns when the sentinels have made another server the master.
func (s *Sentinel) WaitFailedOver(t testing.TB, killed *Redis) {
	t.Helper()
	Eventually(t, readyWithin, func() error {
		master := s.Master(t)
		if master == killed {
			return fmt.Errorf("the master is still %s", killed.Addr)
		}
		return master.says(t.Context(), "role:master", "info", "replication")
	})
}

// says asks a server, and complains if the answer does not contain want.
func (r *Redis) says(ctx context.Context, want string, command ...any) error {
	answer, err := r.ask(ctx, command...)
	if text := fmt.Sprint(answer); err == nil && !strings.Contains(text, want) {
		return fmt.Errorf("redis at %s does not say %q: %q", r.Addr, want, text)
	}
	return err
}
