package harness

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestRedisClusterTakesEveryKey(t *testing.T) {
	c := StartRedisCluster(t)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{c.Nodes[0].Addr}, MaxRetries: -1})
	defer client.Close()
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g"} { // over all three
		if err := client.Set(t.Context(), key, "1", 0).Err(); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, node := range c.Nodes {
		if keys := node.Do(t, "dbsize"); keys == int64(0) {
			t.Errorf("the node at %s has none of the keys", node.Addr)
		}
	}
}

func TestSentinelFailsOver(t *testing.T) {
	s := StartSentinel(t)
	s.Master(t).Do(t, "set", "a", "1")
	killed := s.FailOver(t)
	s.WaitFailedOver(t, killed)
	master := s.Master(t)
	if got := master.Do(t, "get", "a"); got != "1" {
		t.Errorf("the new master has %v", got)
	}
	master.Do(t, "set", "a", "2") // it can be written
}
