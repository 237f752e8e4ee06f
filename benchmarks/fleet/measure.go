package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// plan says how much is measured.
type plan struct {
	keys   int // of a turn
	turns  int // of each step of a miss
	sizes  []int
	watch  time.Duration // how long members are watched who do nothing but stand there
	saves  int           // that they hear of
	stdout io.Writer
}

// asking is how many keys are under way at one time.
const asking = 32

// measured is what was found, with its spread.
type measured struct {
	costs
	spread map[string]spread // of CPU, by step
	redis  string            // its version
}

// step is one of a miss, done to all keys of a turn before the next one is.
type step struct {
	name string
	cost *cost
	do   func(ctx context.Context, key string) error
}

// measureAll measures with a Redis of its own.
func measureAll(ctx context.Context, program string, p plan) (m measured, err error) {
	s, err := startServer(ctx, program)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	a, err := s.account(ctx)
	if err != nil {
		return m, err
	}
	m.redis, m.spread = a.Version, make(map[string]spread)
	if err := m.measureMiss(ctx, s, p); err != nil {
		return m, err
	}
	for _, size := range append([]int{1}, p.sizes...) {
		if err := m.measureFleet(ctx, s, p, size); err != nil {
			return m, fmt.Errorf("%d members: %w", size, err)
		}
	}
	return m, nil
}

// steps are those of a miss of one member, which another one asks for, too.
func (m *measured) steps(one, other *member) []step {
	var ignored cost
	return []step{
		{"claim", &m.Claim, one.claim},
		{"claim of what another has", &m.Seen, other.claim},
		{"renewal", &m.Renew, func(ctx context.Context, key string) error { return one.renew(ctx, []string{key}) }},
		{"commit", &m.Commit, one.commit},
		{"save", &ignored, one.save},
		{"absent", &m.Learnt, one.learnt},
	}
}

func (m *measured) measureMiss(ctx context.Context, s *server, p plan) error {
	var size atomic.Int64
	one, other := newMember(s.addr, 1, &size), newMember(s.addr, 2, &size)
	defer one.close()
	defer other.close()
	all := make(map[string][]cost)
	steps := m.steps(one, other)
	for turn := range p.turns {
		if err := s.clear(ctx); err != nil {
			return err
		}
		for _, step := range steps {
			c, err := s.step(ctx, step, turn, p.keys)
			if err != nil {
				return fmt.Errorf("%s: %w", step.name, err)
			}
			all[step.name] = append(all[step.name], c)
		}
	}
	for _, step := range steps {
		*step.cost, m.spread[step.name] = middle(all[step.name])
		fmt.Fprintf(p.stdout, "%-26s %v us of Redis, %.0f bytes in, %.0f out\n", step.name, m.spread[step.name],
			step.cost.In, step.cost.Out)
	}
	return m.measureMemory(ctx, s, p.keys, one)
}

// measureMemory measures each kind of note where there is nothing else.
func (m *measured) measureMemory(ctx context.Context, s *server, keys int, one *member) (err error) {
	if m.Lease, err = s.holds(ctx, keys, one.claim); err != nil {
		return err
	}
	if m.Negative, err = s.holds(ctx, keys, one.learnt); err != nil {
		return err
	}
	both, err := s.holds(ctx, keys, one.commit) // which notes the lease again if it is not there
	m.Intent = both - m.Lease
	return err
}

// holds is the memory of what is done for a key.
func (s *server) holds(ctx context.Context, keys int, do func(context.Context, string) error) (float64, error) {
	if err := s.clear(ctx); err != nil {
		return 0, err
	}
	_, _, memory, err := s.during(ctx, func() error {
		return each(ctx, keys, func(i int) error { return do(ctx, keyOf(0, i)) })
	})
	return memory / float64(keys), err
}

// clear makes it empty, with the streams that members look at.
func (s *server) clear(ctx context.Context) error {
	if err := s.rdb.Do(ctx, "FLUSHALL", "SYNC").Err(); err != nil {
		return err
	}
	for shard := range shards {
		if err := s.rdb.XGroupCreateMkStream(ctx, shardStream(shard), "g", "0").Err(); err != nil {
			return err
		}
	}
	return nil
}

// step does a step to all keys of a turn, and returns what one costs.
func (s *server) step(ctx context.Context, one step, turn, keys int) (cost, error) {
	c, _, _, err := s.during(ctx, func() error {
		return each(ctx, keys, func(i int) error { return one.do(ctx, keyOf(turn, i)) })
	})
	return c.times(1 / float64(keys)), err
}

// keyOf is a key as they are in the field.
func keyOf(turn, i int) string { return fmt.Sprintf("media/2026/11/%02d/photograph-%07d.jpg", turn, i) }

// each does something to so many, some of them at one time.
func each(ctx context.Context, count int, do func(i int) error) error {
	g, _ := errgroup.WithContext(ctx)
	g.SetLimit(asking)
	for i := range count {
		g.Go(func() error { return do(i) })
	}
	return g.Wait()
}

// measureFleet has so many members, and watches what they cost while they do nothing but stand there. Then it has as
// many who do nothing but listen, and watches what a save costs.
func (m *measured) measureFleet(ctx context.Context, s *server, p plan, size int) error {
	standing, memory, err := s.standing(ctx, p, size)
	if err != nil {
		return err
	}
	m.Standing, m.Member = append(m.Standing, point{float64(size), standing}), memory
	save, err := s.saves(ctx, size, max(p.saves/size, 200))
	if err != nil {
		return err
	}
	m.Save = append(m.Save, point{float64(size), save})
	fmt.Fprintf(p.stdout, "%4d members: %.0f us/s standing there; a save %.0f us, %.0f bytes out; %.0f bytes each\n",
		size, standing.CPU, save.CPU, save.Out, m.Member)
	return nil
}

// standing is what so many members cost in a second, and the memory of each.
func (s *server) standing(ctx context.Context, p plan, size int) (second cost, memory float64, err error) {
	if err := errors.Join(s.alone(ctx), s.clear(ctx)); err != nil {
		return second, 0, err
	}
	empty, err := s.account(ctx)
	if err != nil {
		return second, 0, err
	}
	crew, stop := startFleet(ctx, s, size, (*member).run)
	defer stop()
	if err := errors.Join(s.consumers(ctx, crew), s.listened(ctx, size), wait(ctx, beatEvery)); err != nil {
		return second, 0, err
	}
	c, took, _, err := s.during(ctx, func() error { return wait(ctx, p.watch) })
	if err != nil {
		return second, 0, err
	}
	full, err := s.account(ctx)
	return c.times(1 / took.Seconds()), (full.Memory - empty.Memory) / float64(size), err
}

// saves is what a save costs that so many hear of.
func (s *server) saves(ctx context.Context, size, count int) (cost, error) {
	if err := errors.Join(s.alone(ctx), s.clear(ctx)); err != nil {
		return cost{}, err
	}
	crew, stop := startFleet(ctx, s, size, (*member).listen)
	defer stop()
	if err := s.listened(ctx, size); err != nil {
		return cost{}, err
	}
	if err := each(ctx, count, func(i int) error { return crew[0].commit(ctx, keyOf(size, i)) }); err != nil {
		return cost{}, err
	}
	c, _, _, err := s.during(ctx, func() error {
		return each(ctx, count, func(i int) error { return crew[0].save(ctx, keyOf(size, i)) })
	})
	return c.times(1 / float64(count)), err
}

// startFleet has so many members do something until stop is called.
func startFleet(
	ctx context.Context, s *server, size int, do func(*member, context.Context),
) (crew []*member, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var known atomic.Int64
	known.Store(int64(size))
	var running sync.WaitGroup
	for i := range size {
		m := newMember(s.addr, i, &known)
		crew = append(crew, m)
		running.Go(func() { do(m, ctx) })
	}
	return crew, func() {
		cancel()
		running.Wait()
		for _, m := range crew {
			_ = m.close()
		}
	}
}

// alone waits until the members of before are gone.
func (s *server) alone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		clients, err := s.rdb.ClientList(ctx).Result()
		if err != nil || strings.Count(clients, "\n") <= s.rdb.Options().PoolSize {
			return err
		}
		if err := wait(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("members are still there: %w", err)
		}
	}
}

// consumers makes all of them known to each stream, as they are when they have pulled something.
func (s *server) consumers(ctx context.Context, crew []*member) error {
	return each(ctx, len(crew)*shards, func(i int) error {
		return s.rdb.XGroupCreateConsumer(ctx, shardStream(i%shards), "g", crew[i/shards].id).Err()
	})
}

// listened waits until so many listen.
func (s *server) listened(ctx context.Context, size int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		listening, err := s.rdb.PubSubNumSub(ctx, prefix+"drops").Result()
		if err != nil || listening[prefix+"drops"] == int64(size) {
			return err
		}
		if err := wait(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("%d of %d members listen: %w", listening[prefix+"drops"], size, err)
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
