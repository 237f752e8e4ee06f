package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// server is a Redis, set up as the README says.
type server struct {
	addr string
	dir  string
	cmd  *exec.Cmd
	rdb  *redis.Client
}

func startServer(ctx context.Context, program string) (_ *server, err error) {
	dir, err := os.MkdirTemp("", "mirrorgate-fleet-")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.addr, err = freeAddr(); err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(s.addr)
	s.cmd = exec.CommandContext(ctx, program, "--bind", "127.0.0.1", "--port", port, "--dir", dir, "--appendonly", "yes",
		"--maxmemory-policy", "noeviction", "--save", "", "--maxclients", "9000")
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.rdb = redis.NewClient(&redis.Options{Addr: s.addr, DisableIdentity: true})
	return s, s.wait(ctx)
}

func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// wait waits until it answers.
func (s *server) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.rdb.Ping(ctx).Err()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("redis does not answer: %w", err)
		}
	}
}

func (s *server) close() error {
	var err error
	if s.rdb != nil {
		err = s.rdb.Close()
	}
	if s.cmd != nil && s.cmd.Process != nil {
		err = errors.Join(err, s.cmd.Process.Kill())
		_ = s.cmd.Wait() // it was killed
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// account is what Redis says of itself.
type account struct {
	cost            // so far
	Memory  float64 // bytes
	Version string
	at      time.Time
}

// account asks for it. The question itself is in it, some tens of microseconds.
func (s *server) account(ctx context.Context) (a account, err error) {
	text, err := s.rdb.Info(ctx, "everything").Result()
	if err != nil {
		return a, err
	}
	figures := make(map[string]string)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		figures[name] = value
	}
	number := func(name string) float64 {
		n, bad := strconv.ParseFloat(figures[name], 64)
		if bad != nil {
			err = fmt.Errorf("redis does not tell %s: %w", name, bad)
		}
		return n
	}
	a.CPU = (number("used_cpu_user_main_thread") + number("used_cpu_sys_main_thread")) * 1e6
	a.In, a.Out = number("total_net_input_bytes"), number("total_net_output_bytes")
	a.Memory, a.Version, a.at = number("used_memory"), figures["redis_version"], time.Now()
	return a, err
}

// during is what it costs while do runs.
func (s *server) during(ctx context.Context, do func() error) (c cost, took time.Duration, memory float64, err error) {
	before, err := s.account(ctx)
	if err != nil {
		return c, 0, 0, err
	}
	if err := do(); err != nil {
		return c, 0, 0, err
	}
	after, err := s.account(ctx)
	return after.minus(before.cost), after.at.Sub(before.at), after.Memory - before.Memory, err
}

// clear makes it empty once the members of before are gone.
func (s *server) clear(ctx context.Context) error {
	err := s.until(ctx, "members are gone", func() (bool, error) {
		clients, err := s.rdb.ClientList(ctx).Result()
		return strings.Count(clients, "\n") <= s.rdb.Options().PoolSize, err
	})
	if err != nil {
		return err
	}
	return s.rdb.Do(ctx, "FLUSHALL", "SYNC").Err()
}

// settled waits until there are no intents any more.
func (s *server) settled(ctx context.Context) error {
	streams, err := s.rdb.Keys(ctx, "*:intents").Result()
	if err != nil {
		return err
	}
	return s.until(ctx, "all intents are done", func() (bool, error) {
		for _, stream := range streams {
			if length, err := s.rdb.XLen(ctx, stream).Result(); err != nil || length > 0 {
				return false, err
			}
		}
		return true, nil
	})
}

// until waits until something is so.
func (s *server) until(ctx context.Context, what string, is func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		if ok, err := is(); ok || err != nil {
			return err
		}
		if err := wait(ctx, 5*time.Millisecond); err != nil {
			return fmt.Errorf("it is waited in vain until %s: %w", what, err)
		}
	}
}
