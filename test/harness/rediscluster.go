package harness

import (
	"context"
	"net"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
)

const (
	clusterMasters = 3
	clusterSlots   = 16384
)

// RedisCluster is a running Redis Cluster: three masters without replicas, which share all slots.
type RedisCluster struct {
	Nodes []*Redis
	URLs  []string // for shared.redis
}

// StartRedisCluster starts a Cluster and returns when every node says that it can be used.
func StartRedisCluster(t testing.TB) *RedisCluster {
	t.Helper()
	c := new(RedisCluster)
	var buses []int
	for range clusterMasters {
		bus := FreePort(t)
		node := StartRedis(t, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus),
			"--cluster-node-timeout", "1000")
		c.Nodes, c.URLs, buses = append(c.Nodes, node), append(c.URLs, node.URL), append(buses, bus)
	}
	for i, node := range c.Nodes {
		first, end := i*clusterSlots/clusterMasters, (i+1)*clusterSlots/clusterMasters
		node.Do(t, "cluster", "set-config-epoch", i+1)
		node.Do(t, "cluster", "addslotsrange", first, end-1)
	}
	for i, node := range c.Nodes[1:] {
		_, port, _ := net.SplitHostPort(node.Addr)
		c.Nodes[0].Do(t, "cluster", "meet", "127.0.0.1", port, buses[i+1])
	}
	c.WaitReady(t)
	return c
}

// WaitReady returns when every node knows who has each slot, and that its master answers.
func (c *RedisCluster) WaitReady(t testing.TB) {
	t.Helper()
	Eventually(t, readyWithin, func() error {
		for _, node := range c.Nodes {
			if err := node.says(t.Context(), "cluster_state:ok", "cluster", "info"); err != nil {
				return err
			}
		}
		return nil
	})
}

// Do sends one command, and fails the test if it fails.
func (r *Redis) Do(t testing.TB, command ...any) any {
	t.Helper()
	answer, err := r.ask(t.Context(), command...)
	if err != nil {
		t.Fatalf("redis at %s: %v: %v", r.Addr, command, err)
	}
	return answer
}

func (r *Redis) ask(ctx context.Context, command ...any) (any, error) {
	client := redis.NewClient(&redis.Options{Addr: r.Addr, MaxRetries: -1, PoolSize: 1, DisableIdentity: true})
	defer client.Close()
	return client.Do(ctx, command...).Result()
}
