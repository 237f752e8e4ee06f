package harness

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// HAProxy is a running load balancer.
type HAProxy struct{ *Process }

// StartHAProxy starts a HAProxy with a configuration. It is ready when addr, on which it listens, takes connections.
func StartHAProxy(t testing.TB, config, addr string) *HAProxy {
	t.Helper()
	name := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	up := func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	args := []string{"-db", "-f", name} // one process, in the foreground
	return &HAProxy{start(t, command{name: "haproxy", path: Binary(t, "haproxy"), args: args, up: up}, true)}
}
