package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// crowd is a fleet that hears of what is saved: some members, and others who only listen, as all members do. What the
// others would ask besides would hide what a save costs.
type crowd struct {
	server    *server
	crew      []*member
	stop      func()
	listening []*atomic.Int64 // what each has heard, in messages
	turn      int             // of keys
}

// savers is how many members are more than listeners.
const savers = 8

// gather makes a crowd. Its caller calls stop, also after an error.
func gather(ctx context.Context, s *server, size int) (c *crowd, err error) {
	c = &crowd{server: s, stop: func() {}, turn: 1}
	crew, stop, err := startCrew(ctx, s, max(2, min(size-1, savers)))
	c.crew, c.stop = crew, stop
	if err != nil {
		return c, err
	}
	channels, err := s.rdb.PubSubChannels(ctx, "*").Result()
	if err != nil || len(channels) != 1 {
		return c, errors.Join(err, fmt.Errorf("members listen to %d channels", len(channels)))
	}
	client := redis.NewClient(&redis.Options{Addr: s.addr, DisableIdentity: true})
	var ends sync.WaitGroup
	var all []*redis.PubSub
	c.stop = func() {
		for _, sub := range all {
			_ = sub.Close()
		}
		ends.Wait()
		_ = client.Close()
		stop()
	}
	for range size - len(crew) {
		sub := client.Subscribe(ctx, channels[0])
		if _, err := sub.Receive(ctx); err != nil {
			return c, err
		}
		all = append(all, sub)
		heard := new(atomic.Int64)
		c.listening = append(c.listening, heard)
		ends.Go(func() { hear(ctx, sub, heard) })
	}
	return c, nil
}

// hear counts messages until the subscription ends.
func hear(ctx context.Context, sub *redis.PubSub, heard *atomic.Int64) {
	for {
		if _, err := sub.ReceiveMessage(ctx); err != nil {
			return
		}
		heard.Add(1)
	}
}

// save is what each of so many saves costs, of which so many are made at one time; less what the members cost anyway.
func (c *crowd) save(ctx context.Context, idle cost, saves, atOnce int) (cost, error) {
	c.turn++
	key := func(i int) string { return keyOf(c.turn, i) }
	by := func(i int) *member { return c.crew[i%len(c.crew)] }
	if atOnce > len(c.crew) {
		by = func(int) *member { return c.crew[0] }
	}
	err := each(ctx, saves, func(i int) error { return by(i).pull(ctx, key(i)) })
	if err != nil {
		return cost{}, err
	}
	sum, took, _, err := c.server.during(ctx, func() error {
		for i := 0; i < saves; i += atOnce {
			end := min(i+atOnce, saves)
			want := c.heard() + int64((end-i)*(len(c.crew)-1))
			for j := i; j < end; j++ {
				by(j).save(key(j))
			}
			if err := c.hears(ctx, want); err != nil {
				return err
			}
		}
		return c.server.settled(ctx)
	})
	return sum.over(idle.times(took.Seconds())).times(1 / float64(saves)), errors.Join(err, c.err())
}

// heard is how many objects all members have heard of.
func (c *crowd) heard() (sum int64) {
	for _, m := range c.crew {
		sum += m.heard.Load()
	}
	return sum
}

// hears waits until all have heard of all.
func (c *crowd) hears(ctx context.Context, want int64) error {
	return c.server.until(ctx, "all is heard", func() (bool, error) {
		same := c.heard() == want
		for _, heard := range c.listening {
			same = same && heard.Load() == c.listening[0].Load()
		}
		return same, c.err()
	})
}

func (c *crowd) err() (err error) {
	for _, m := range c.crew {
		err = errors.Join(err, m.away.err())
	}
	return err
}
