package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// plan says how much is measured.
type plan struct {
	keys   int // of a turn: fewer than a gateway lets wait
	turns  int // of each step of a miss
	sizes  []int
	settle time.Duration // how long members are let alone before that
	watch  time.Duration // how long members are watched who do nothing but stand there
	saves  int           // that they hear of
	stdout io.Writer
}

// measured is what was found, with its spread.
type measured struct {
	costs
	spread map[string]spread // of CPU, by step
	redis  string            // its version
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
	for _, size := range p.sizes {
		err := again(5, func() error { return m.measureFleet(ctx, s, p, size) })
		if err != nil {
			return m, fmt.Errorf("%d members: %w", size, err)
		}
	}
	return m, nil
}

// measureFleet has so many members, and watches what they cost while they do nothing but stand there; then it watches
// what a save costs that so many hear of.
func (m *measured) measureFleet(ctx context.Context, s *server, p plan, size int) error {
	standing, memory, err := s.standing(ctx, p, size)
	if err != nil {
		return err
	}
	alone, filled, err := s.saves(ctx, p, size)
	if err != nil {
		return err
	}
	m.Standing, m.Member = append(m.Standing, point{float64(size), standing}), memory
	m.Save = append(m.Save, point{float64(size), alone})
	m.Filled = append(m.Filled, point{float64(size), filled})
	fmt.Fprintf(p.stdout, "%4d members: %.0f us/s standing there; a save %.0f us, %.0f bytes out; "+
		"one of many %.0f us, %.0f bytes out; %.0f bytes each\n",
		size, standing.CPU, alone.CPU, alone.Out, filled.CPU, filled.Out, m.Member)
	return nil
}

// standing is what so many members cost in a second, and the memory of each.
func (s *server) standing(ctx context.Context, p plan, size int) (second cost, memory float64, err error) {
	if err := s.clear(ctx); err != nil {
		return second, 0, err
	}
	empty, err := s.account(ctx)
	if err != nil {
		return second, 0, err
	}
	crew, stop, err := startCrew(ctx, s, size)
	defer stop()
	// The first looks come together, as the members do not know yet how many they are.
	if err := errors.Join(err, wait(ctx, p.settle), s.pulled(ctx, crew), wait(ctx, p.settle/2)); err != nil {
		return second, 0, err
	}
	for _, m := range crew {
		m.away.count.Store(0) // all of them at once are more than a fleet is in the field
	}
	c, took, _, err := s.during(ctx, func() error { return wait(ctx, p.watch) })
	if err != nil {
		return second, 0, err
	}
	full, err := s.account(ctx)
	for _, m := range crew {
		err = errors.Join(err, m.away.err())
	}
	return c.times(1 / took.Seconds()), (full.Memory - empty.Memory) / float64(size), err
}

// startCrew has so many members run until stop is called, and waits until all listen.
func startCrew(ctx context.Context, s *server, size int) (crew []*member, stop func(), err error) {
	stop = func() {
		var ends sync.WaitGroup
		for _, m := range crew {
			ends.Go(m.close)
		}
		ends.Wait()
	}
	for i := range size {
		m, err := newMember(s.addr, i)
		if err != nil {
			return crew, stop, err
		}
		crew = append(crew, m)
		m.run(ctx)
		if i%20 == 19 {
			_ = wait(ctx, 50*time.Millisecond) // or not all at one time; the end of ctx is noticed below
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, m := range crew {
		if err := m.listens(ctx); err != nil {
			return crew, stop, fmt.Errorf("not all members listen: %w", err)
		}
	}
	return crew, stop, nil
}

// known is how many objects each member has pulled before it is watched: nearly every stream of intents knows it then.
const known = 48

// pulled has all of them pull something, which somebody takes out of their spools before it is saved.
func (s *server) pulled(ctx context.Context, crew []*member) error {
	err := each(ctx, len(crew)*known, func(i int) error {
		m, key := crew[i%len(crew)], keyOf(len(crew), i)
		defer m.fleet.Left(object(key), false)
		return again(30, func() error {
			err := m.pull(ctx, key)
			if err != nil {
				return errors.Join(err, wait(ctx, time.Second))
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	return s.settled(ctx)
}

// saves is what a save costs that so many hear of: alone, and as one of many that follow each other closely.
func (s *server) saves(ctx context.Context, p plan, size int) (alone, filled cost, err error) {
	if err := s.clear(ctx); err != nil {
		return alone, filled, err
	}
	c, err := gather(ctx, s, size)
	defer c.stop()
	if err != nil {
		return alone, filled, err
	}
	idle, took, _, err := s.during(ctx, func() error { return wait(ctx, p.watch) })
	if err != nil {
		return alone, filled, err
	}
	idle = idle.times(1 / took.Seconds())
	alone, err = c.save(ctx, idle, max(p.saves/size, 200), len(c.crew))
	if err != nil {
		return alone, filled, err
	}
	filled, err = c.save(ctx, idle, p.saves, min(p.saves, p.keys))
	return alone, filled, err
}
