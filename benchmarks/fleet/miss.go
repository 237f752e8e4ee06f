package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// asking is how many keys are under way at one time.
const asking = 32

// warming is how many keys go before those that count.
const warming = 200

// The steps of a miss, as they are called in the tables.
const (
	claiming   = "claim"
	seeking    = "claim of what another has"
	renewing   = "renewal"
	committing = "commit"
	learning   = "absent"
)

// rows are the steps with their costs, in their order.
func (m *measured) rows() []row {
	return []row{{claiming, &m.Claim}, {seeking, &m.Seen}, {renewing, &m.Renew}, {committing, &m.Commit},
		{learning, &m.Learnt}}
}

type row struct {
	name string
	cost *cost
}

// measureMiss measures the steps of a miss that do not depend on how many gateways there are.
func (m *measured) measureMiss(ctx context.Context, s *server, p plan) error {
	all := make(map[string][]cost)
	for turn := range p.turns {
		err := again(5, func() error {
			if err := s.clear(ctx); err != nil {
				return err
			}
			return m.asks(ctx, s, p.keys, turn, all)
		})
		if err != nil {
			return err
		}
	}
	err := again(5, func() error { return m.tells(ctx, s, p, all) })
	if err != nil {
		return err
	}
	for _, row := range m.rows() {
		*row.cost, m.spread[row.name] = middle(all[row.name])
		fmt.Fprintf(p.stdout, "%-26s %v us of Redis, %.0f bytes in, %.0f out\n", row.name, m.spread[row.name], row.cost.In,
			row.cost.Out)
	}
	return nil
}

// again does something once more while the machine was too busy for it, so many times at most.
func again(tries int, do func() error) (err error) {
	for range tries {
		if err = do(); !errors.Is(err, errSilent) {
			return err
		}
	}
	return err
}

// asks does the steps that are waited for to all keys of a turn, one after the other. The members do not run: nothing
// else is asked meanwhile.
func (m *measured) asks(ctx context.Context, s *server, keys, turn int, all map[string][]cost) error {
	one, errOne := newMember(s.addr, 1)
	other, errOther := newMember(s.addr, 2)
	if err := errors.Join(errOne, errOther); err != nil {
		return err
	}
	defer one.close()
	defer other.close()
	steps := []func(context.Context, string) error{one.claim, other.seek, one.commit}
	var found []cost
	for _, do := range steps { // which makes the connections
		if err := each(ctx, warming, func(i int) error { return do(ctx, keyOf(-1, i)) }); err != nil {
			return err
		}
	}
	for _, do := range steps {
		c, _, memory, err := s.during(ctx, func() error {
			return each(ctx, keys, func(i int) error { return do(ctx, keyOf(turn, i)) })
		})
		if err != nil {
			return err
		}
		found = append(found, c.times(1/float64(keys)))
		if len(found) == 1 {
			m.Lease = memory / float64(keys)
		}
		m.Intent = memory / float64(keys) // of the last, which is the commit
	}
	if err := errors.Join(one.away.err(), other.away.err()); err != nil {
		return err
	}
	for i, name := range []string{claiming, seeking, committing} {
		all[name] = append(all[name], found[i])
	}
	return nil
}

// tells does those that a member does behind what is waited for. It runs, and what that costs is taken off.
func (m *measured) tells(ctx context.Context, s *server, p plan, all map[string][]cost) error {
	if err := s.clear(ctx); err != nil {
		return err
	}
	one, err := newMember(s.addr, 1)
	if err != nil {
		return err
	}
	defer one.close()
	one.run(ctx)
	if err := errors.Join(one.listens(ctx), one.round(ctx)); err != nil {
		return err
	}
	idle, took, _, err := s.during(ctx, func() error { return wait(ctx, p.watch) })
	if err != nil {
		return err
	}
	idle = idle.times(1 / took.Seconds())
	learnt, err := m.learns(ctx, s, p, one, idle)
	if err != nil {
		return err
	}
	renewed, err := one.renews(ctx, s, p, idle)
	all[learning], all[renewing] = learnt, renewed
	return errors.Join(err, one.away.err())
}

// learns has a member learn that there are no such objects.
func (m *measured) learns(ctx context.Context, s *server, p plan, one *member, idle cost) (turns []cost, err error) {
	for turn := range p.turns {
		c, took, memory, err := s.during(ctx, func() error { return s.noted(ctx, p.keys, turn, one) })
		if err != nil {
			return nil, err
		}
		turns = append(turns, c.over(idle.times(took.Seconds())).times(1/float64(p.keys)))
		m.Negative = memory / float64(p.keys)
	}
	return turns, nil
}

func (s *server) noted(ctx context.Context, keys, turn int, one *member) error {
	before, err := s.rdb.DBSize(ctx).Result()
	if err != nil {
		return err
	}
	for i := range keys {
		one.learnt(keyOf(turn, i))
	}
	return s.until(ctx, "all is noted", func() (bool, error) {
		now, err := s.rdb.DBSize(ctx).Result()
		return now >= before+int64(keys), err
	})
}

// renews has a member hold leases for some rounds.
func (m *member) renews(ctx context.Context, s *server, p plan, idle cost) (turns []cost, err error) {
	err = each(ctx, p.keys, func(i int) error { return m.claim(ctx, keyOf(p.turns, i)) })
	if err != nil {
		return nil, err
	}
	for range p.turns {
		if err := m.round(ctx); err != nil {
			return nil, err
		}
		c, took, _, err := s.during(ctx, func() error { return wait(ctx, renewEvery) })
		if err != nil {
			return nil, err
		}
		turns = append(turns, c.over(idle.times(took.Seconds())).times(1/float64(p.keys)))
	}
	return turns, nil
}

// round waits until it is midway between two renewals.
func (m *member) round(ctx context.Context) error {
	since := time.Since(m.began) % renewEvery
	return wait(ctx, (3*renewEvery/2-since)%renewEvery)
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

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
