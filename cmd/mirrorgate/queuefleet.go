package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"mirrorgate/cache/shared"
	"mirrorgate/configs"
	"mirrorgate/gateway/admin"
)

// fleetQueue is the queue of a gateway in a fleet: beside its own entries, what the fleet has lost.
type fleetQueue struct {
	admin.Queue
	fleet *shared.Fleet
}

var _ admin.Queue = fleetQueue{}

// List implements admin.Queue.
func (q fleetQueue) List(ctx context.Context, f admin.QueueFilter) (admin.QueuePage, error) {
	page, err := q.Queue.List(ctx, f)
	if err != nil || f.After != "" {
		return page, err
	}
	dead, err := q.fleet.Dead(ctx)
	if err != nil {
		page.LostUnknown = err.Error()
	}
	for _, d := range dead {
		if f.Site == "" || f.Site == d.Site {
			page.Lost = append(page.Lost, admin.LostItem{ID: d.ID, Site: d.Site, Key: d.Key, Error: d.Why, Died: d.When})
		}
	}
	return page, nil
}

// Retry implements admin.Queue.
func (q fleetQueue) Retry(ctx context.Context, ids []string) ([]admin.QueueResult, error) {
	return q.split(ctx, ids, q.Queue.Retry, q.fleet.RetryDead)
}

// Drop implements admin.Queue.
func (q fleetQueue) Drop(ctx context.Context, ids []string) ([]admin.QueueResult, error) {
	return q.split(ctx, ids, q.Queue.Drop, q.fleet.DropDead)
}

// split changes what is the fleet's, and has the rest changed at once. The results are in the order of ids.
func (q fleetQueue) split(
	ctx context.Context, ids []string, own func(context.Context, []string) ([]admin.QueueResult, error),
	fleets func(context.Context, string) error,
) ([]admin.QueueResult, error) {
	results := make([]admin.QueueResult, len(ids))
	var rest []string
	var at []int
	for i, id := range ids {
		if !strings.HasPrefix(id, shared.DeadPrefix) {
			rest, at = append(rest, id), append(at, i)
			continue
		}
		results[i].ID = id
		if err := fleets(ctx, id); err != nil {
			results[i].Error = err.Error()
		}
	}
	if len(rest) == 0 {
		return results, nil
	}
	changed, err := own(ctx, rest)
	for i, r := range changed {
		results[at[i]] = r
	}
	return results, err
}

// RetryAll implements admin.Queue.
func (q fleetQueue) RetryAll(ctx context.Context) (int, error) {
	retried, err := q.Queue.RetryAll(ctx)
	dead, lost := q.fleet.Dead(ctx)
	for _, d := range dead {
		if lost = q.fleet.RetryDead(ctx, d.ID); lost != nil && !errors.Is(lost, shared.ErrNotDead) {
			break
		}
		if lost == nil {
			retried++
		}
	}
	if errors.Is(lost, shared.ErrNotDead) { // somebody else has dealt with it
		lost = nil
	}
	return retried, errors.Join(err, lost)
}

// withFleet adds what the fleet has lost to the queue of a gateway that does not run.
func withFleet(q admin.Queue, cfg *configs.Config) (admin.Queue, func() error, error) {
	if !cfg.Shared.On() {
		return q, func() error { return nil }, nil
	}
	fleet, err := shared.New(shared.Options{Config: cfg.Shared, Member: "queue", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, nil, err
	}
	return fleetQueue{q, fleet}, fleet.Close, nil
}
