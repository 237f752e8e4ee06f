package harness

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
)

// Redis is a running redis-server with nothing in it, which keeps nothing over a Restart.
type Redis struct {
	*Process
	Addr string // 127.0.0.1:port
	URL  string // redis://127.0.0.1:port
}

// StartRedis starts a redis-server with further arguments, e.g. "--maxmemory", "1mb".
func StartRedis(t testing.TB, args ...string) *Redis {
	t.Helper()
	addr := FreeAddr(t)
	r := &Redis{Addr: addr, URL: "redis://" + addr}
	_, port, _ := net.SplitHostPort(addr)
	args = append([]string{"--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", t.TempDir()}, args...)
	r.Process = start(t, command{name: "redis", path: Binary(t, "redis-server"), args: args, up: r.up}, true)
	return r
}

func (r *Redis) up(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(answer, "+PONG") {
		err = fmt.Errorf("redis answers %q", answer)
	}
	return err
}
