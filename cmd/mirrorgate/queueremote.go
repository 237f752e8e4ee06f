package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"mirrorgate/gateway/admin"
)

// remoteQueue is the queue of a running gateway.
type remoteQueue struct {
	client *adminClient
	why    string // it is asked; in errors
}

var _ admin.Queue = remoteQueue{}

// ask sends a request. What the configuration has to be for it to be answered is part of the error.
func (q remoteQueue) ask(ctx context.Context, method, path string, body, into any) error {
	err := q.client.ask(ctx, method, path, body, into)
	var answer *refusal
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &answer):
		return fmt.Errorf("%s, and admin.listen (%s) gives no answer: %w", q.why, q.client.config.Listen, err)
	case answer.status == http.StatusUnauthorized, answer.status == http.StatusForbidden:
		return &usageError{fmt.Errorf("%s, and refuses: %s. admin.token must be the one that it was started with",
			q.why, answer.message)}
	}
	return err
}

// List implements admin.Queue.
func (q remoteQueue) List(ctx context.Context, f admin.QueueFilter) (page admin.QueuePage, err error) {
	query := url.Values{"limit": {strconv.Itoa(min(f.Limit, admin.MaxPageItems))}}
	for name, value := range map[string]string{"site": f.Site, "after": f.After} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if f.Dead {
		query.Set("state", "dead")
	}
	err = q.ask(ctx, http.MethodGet, "/api/v1/queue?"+query.Encode(), nil, &page)
	var answer *refusal
	if errors.As(err, &answer) && answer.status == http.StatusNotFound && f.After != "" {
		err = fmt.Errorf("%w: %w", admin.ErrNoEntry, err)
	}
	return page, err
}

// Retry implements admin.Queue.
func (q remoteQueue) Retry(ctx context.Context, ids []string) ([]admin.QueueResult, error) {
	return q.change(ctx, "/api/v1/queue/retry", ids)
}

// Drop implements admin.Queue.
func (q remoteQueue) Drop(ctx context.Context, ids []string) ([]admin.QueueResult, error) {
	return q.change(ctx, "/api/v1/queue/drop", ids)
}

// change asks for as many entries at a time as one request may name. With an error come the results up to it.
func (q remoteQueue) change(ctx context.Context, path string, ids []string) (all []admin.QueueResult, err error) {
	for some := range slices.Chunk(ids, admin.MaxIDs) {
		var answer struct {
			Results []admin.QueueResult `json:"results"`
		}
		if err := q.ask(ctx, http.MethodPost, path, admin.QueueRequest{IDs: some}, &answer); err != nil {
			return all, err
		}
		all = append(all, answer.Results...)
	}
	return all, nil
}

// RetryAll implements admin.Queue.
func (q remoteQueue) RetryAll(ctx context.Context) (int, error) {
	var answer admin.QueueRetried
	err := q.ask(ctx, http.MethodPost, "/api/v1/queue/retry", admin.QueueRequest{All: true}, &answer)
	return answer.Retried, err
}

// Pause implements admin.Queue.
func (q remoteQueue) Pause(ctx context.Context, paused bool) error {
	path := "/api/v1/queue/resume"
	if paused {
		path = "/api/v1/queue/pause"
	}
	var answer struct{}
	return q.ask(ctx, http.MethodPost, path, nil, &answer)
}
