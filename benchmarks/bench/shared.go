package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"time"

	"mirrorgate/benchmarks/peers"
)

// sharedCases are hits of a mirrorgate that is one of a fleet, beside one that is on its own.
func sharedCases() []benchCase {
	const title, alone = "a hit of one of a fleet, beside a gateway on its own: ", "mirrorgate on its own"
	const aim = 1.03 // 0.97 of the answers that a core gives
	one := ask{size: 1 << 10}
	return []benchCase{
		{name: "shared-memory", ask: one, pairs: 10, measure: (*bed).measureSpeed, title: title + "in memory",
			ours: ourselves(inFleet(memoryServer)), peers: []peer{beside(alone, startMemory, aim)}},
		{name: "shared-bucket", ask: one, pairs: 10, measure: (*bed).measureSpeed, title: title + "in an S3 bucket",
			ours: ourselves(inFleet(bucketServer)), peers: []peer{beside(alone, startBucket, aim)}},
	}
}

// inFleet starts a mirrorgate as one of a fleet, and makes sure that it is.
func inFleet(setUp func(*bed, *peers.Values) *server) func(*bed, ask) (*server, error) {
	return func(b *bed, a ask) (*server, error) {
		if err := b.startRedis(); err != nil {
			return nil, err
		}
		v, err := b.values()
		if err != nil {
			return nil, err
		}
		s := setUp(b, &v)
		v.Shared = fmt.Sprintf("shared: {redis: %q, advertise: %q, secret: secret-of-the-benchmark}", "redis://"+b.redisAt,
			"http://"+v.Listen)
		if s, err = b.startMirrorgate(s, a, v); err != nil {
			return nil, err
		}
		if err := b.knownToRedis(); err != nil {
			_ = b.end(s) // the first error says more
			return nil, err
		}
		return s, nil
	}
}

// startRedis starts the Redis that all cases share, unless it runs. It has the backend's core: hits do not ask it.
func (b *bed) startRedis() (err error) {
	if b.redis != nil {
		return nil
	}
	path, err := look("redis-server")
	if err != nil {
		return err
	}
	if b.redisAt, err = freeAddr(); err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(b.redisAt)
	b.redis, err = b.start(command{name: "redis", core: b.cores.backend, path: path, args: []string{"--bind", "127.0.0.1",
		"--port", port, "--save", "", "--dir", filepath.Dir(b.mirrorgate)}})
	if err != nil {
		return err
	}
	return b.waitForClient("") // the next one is given another port only if this one is taken
}

// knownToRedis waits until a gateway is connected to it.
func (b *bed) knownToRedis() error {
	if err := b.waitForClient(" name=mirrorgate "); err != nil {
		return fmt.Errorf("mirrorgate is not one of a fleet: %w", err)
	}
	return nil
}

// waitForClient waits until Redis answers, and has a client that it describes like that.
func (b *bed) waitForClient(like string) error {
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for known := ""; ; {
		clients, err := b.redisClients(ctx)
		if err == nil {
			known = clients
		}
		if err == nil && strings.Contains(clients, like) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("redis has the clients %q: %w", known, errors.Join(err, ctx.Err()))
		}
	}
}

// redisClients are those that are connected, a line each.
func (b *bed) redisClients(ctx context.Context) (string, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", b.redisAt)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := io.WriteString(conn, "CLIENT LIST\r\nQUIT\r\n"); err != nil {
		return "", err
	}
	text, err := io.ReadAll(bufio.NewReader(conn)) // it closes after QUIT
	return string(text), err
}
