package fleet_test

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"mirrorgate/test/harness"
)

// names is how everything begins that gateways keep in Redis.
const names = "mirrorgate:*"

// garbage is what others may have put under a name.
func garbage() map[string]func(ctx context.Context, c redis.Cmdable, name string) error {
	noise := make([]byte, kib)
	_, _ = rand.Read(noise) // it never fails
	text := func(value string) func(context.Context, redis.Cmdable, string) error {
		return func(ctx context.Context, c redis.Cmdable, name string) error { return c.Set(ctx, name, value, 0).Err() }
	}
	return map[string]func(context.Context, redis.Cmdable, string) error{
		"words": text("not what was here"),
		"noise": text(string(noise)),
		"empty": text(""),
		"large": text(strings.Repeat("1 p ", mib)),
		"list": func(ctx context.Context, c redis.Cmdable, name string) error {
			return c.RPush(ctx, name, "1", "p").Err()
		},
		"hash": func(ctx context.Context, c redis.Cmdable, name string) error {
			return c.HSet(ctx, name, "1", "p").Err()
		},
		"set": func(ctx context.Context, c redis.Cmdable, name string) error {
			return c.SAdd(ctx, name, "1", "p").Err()
		},
		"sorted": func(ctx context.Context, c redis.Cmdable, name string) error {
			return c.ZAdd(ctx, name, redis.Z{Score: 1e300, Member: string(noise)}).Err()
		},
		"stream": func(ctx context.Context, c redis.Cmdable, name string) error {
			return c.XAdd(ctx, &redis.XAddArgs{Stream: name, Values: []string{"1", "p"}}).Err()
		},
	}
}

// damage changes what is under a name and leaves its type.
func damage(ctx context.Context, c *redis.Client, name string) error {
	kind, err := c.Type(ctx, name).Result()
	if err != nil {
		return err
	}
	switch kind {
	case "string":
		return c.SetRange(ctx, name, 0, "9").Err()
	case "hash":
		fields, err := c.HKeys(ctx, name).Result()
		for _, field := range append(fields, "another") {
			err = c.HSet(ctx, name, field, `{"version": `).Err()
		}
		return err
	case "zset":
		return c.ZAdd(ctx, name, redis.Z{Score: 1e300, Member: "another"}).Err()
	case "stream":
		return c.XAdd(ctx, &redis.XAddArgs{Stream: name, Values: []string{"another", "\xff"}}).Err()
	}
	return nil
}

// TestGarbage: whatever stands in Redis under the names that gateways use, answers are right, and none is refused. When it
// is gone they act as one again.
func TestGarbage(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	f := newStage(t, r.URL).start(t, settings{members: few, memory: true})
	c := redis.NewClient(&redis.Options{Addr: r.Addr})
	t.Cleanup(func() { _ = c.Close() })
	for name, put := range garbage() {
		t.Run(name, func(t *testing.T) {
			f.spoilt(t, c, name, func(ctx context.Context, c *redis.Client, name string) error {
				// At once, lest a gateway writes the name anew in between.
				_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
					p.Del(ctx, name)
					return put(ctx, p, name)
				})
				return err
			})
		})
	}
	t.Run("damaged", func(t *testing.T) { f.spoilt(t, c, "damaged", damage) })
	for n, m := range f.members {
		if !m.Running() || len(m.lines(t, "panic")) > 0 {
			t.Errorf("gateway %d has come to an end, or nearly", n)
		}
	}
}

// spoilt has everything in Redis spoilt while one gateway pulls and others follow it.
func (f *fleet) spoilt(t *testing.T, c *redis.Client, name string, spoil func(context.Context, *redis.Client, string) error) {
	t.Helper()
	key := sized("garbage/"+name, "1MiB")
	release := f.stalled(t, key)
	second := f.asks(t, 1, key)
	f.spoilAll(t, c, spoil)
	wantRight(t, "a gateway that comes later", f.get(t, 2, key, f.body(key)), f.body(key))
	release()
	second()
	f.spoilAll(t, c, spoil)
	cold := small("garbage/"+name+"-cold", 5)
	f.wantAllRight(t, few, cold...)
	if pulls := f.pulls(key); pulls > few {
		t.Errorf("the origin was asked %d times by %d gateways", pulls, few)
	}
	if err := c.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	f.wantAllRight(t, 1, small("garbage/"+name+"-after", 5)...)
	f.waitSaved(t, append(cold, key)...)
}

// spoilAll spoils what is there, and says nonsense on every channel.
func (f *fleet) spoilAll(t *testing.T, c *redis.Client, spoil func(context.Context, *redis.Client, string) error) {
	t.Helper()
	found, err := c.Keys(t.Context(), names).Result()
	if err != nil || len(found) == 0 {
		t.Fatalf("gateways have nothing in Redis: %v", err)
	}
	for _, name := range found {
		if err := spoil(t.Context(), c, name); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	channels, err := c.PubSubChannels(t.Context(), names).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, channel := range channels {
		for _, message := range []string{"", "nonsense", strings.Repeat("\xff", 64*kib)} {
			if err := c.Publish(t.Context(), channel, message).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
