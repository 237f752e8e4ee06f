package main

import (
	"context"
	"errors"
	"fmt"

	"mirrorgate/cache/writeback"
	"mirrorgate/gateway/admin"
)

// spoolQueue is the queue of a spool that this process has.
type spoolQueue struct{ spool *writeback.Spool }

var _ admin.Queue = spoolQueue{}

// List implements admin.Queue.
func (q spoolQueue) List(_ context.Context, f admin.QueueFilter) (admin.QueuePage, error) {
	page, err := q.spool.List(writeback.Filter{Site: f.Site, Dead: f.Dead, After: f.After, Limit: f.Limit})
	if errors.Is(err, writeback.ErrNoEntry) {
		return admin.QueuePage{}, fmt.Errorf("%w: after is %q", admin.ErrNoEntry, f.After)
	}
	if err != nil {
		return admin.QueuePage{}, err
	}
	seen := admin.QueuePage{
		Summary: q.summary(),
		Items:   make([]admin.QueueItem, len(page.Items)), More: page.Next != "", Next: page.Next,
	}
	for i, item := range page.Items {
		seen.Items[i] = queueItem(item)
	}
	return seen, nil
}

func (q spoolQueue) summary() admin.QueueSummary {
	s := q.spool.Summary()
	return admin.QueueSummary{
		Waiting: s.Waiting, Dead: s.Dead, Bytes: s.Bytes, Oldest: s.Oldest, Aside: s.Aside, Evicted: s.Evicted,
		Paused: s.Paused, PausedBy: s.PausedBy,
	}
}

func queueItem(i writeback.Item) admin.QueueItem {
	return admin.QueueItem{
		ID: i.ID, Site: i.Site, Key: i.Key, Bytes: i.Bytes, State: i.State, Replaces: i.Replaces, Rule: i.Rule,
		Pulled: i.Pulled, Attempts: i.Attempts, Error: i.Error, Next: i.Next, Died: i.Died, Damaged: i.Damaged,
	}
}

// Retry implements admin.Queue.
func (q spoolQueue) Retry(_ context.Context, ids []string) ([]admin.QueueResult, error) {
	return each(ids, q.spool.Retry), nil
}

// RetryAll implements admin.Queue.
func (q spoolQueue) RetryAll(context.Context) (int, error) { return q.spool.RetryAll() }

// Drop implements admin.Queue.
func (q spoolQueue) Drop(_ context.Context, ids []string) ([]admin.QueueResult, error) {
	return each(ids, q.spool.Drop), nil
}

func each(ids []string, change func(id string) error) []admin.QueueResult {
	results := make([]admin.QueueResult, len(ids))
	for i, id := range ids {
		results[i].ID = id
		if err := change(id); err != nil {
			results[i].Error = err.Error()
		}
	}
	return results
}

// Pause implements admin.Queue.
func (q spoolQueue) Pause(_ context.Context, paused bool) error {
	if paused {
		return q.spool.Pause()
	}
	if err := q.spool.Resume(); err != nil {
		return err
	}
	if q.spool.Summary().Paused {
		return admin.ErrPausedByFile
	}
	return nil
}
