package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"mirrorgate/gateway/admin"
)

const token = "a-token-of-the-tests"

// queue holds its entries in memory. Each entry's ID is a number.
type queue struct {
	mu     sync.Mutex
	items  []admin.QueueItem
	asked  []string // what was changed
	paused bool
	broken error // what every call gives
}

var _ admin.Queue = (*queue)(nil)

func newQueue(n int) *queue {
	q := &queue{}
	for i := range n {
		item := admin.QueueItem{ID: fmt.Sprint(i + 1), Site: []string{"a", "b"}[i%2], Key: "key", State: "waiting"}
		if i%3 == 0 {
			item.State = "dead"
		}
		q.items = append(q.items, item)
	}
	return q
}

func (q *queue) List(_ context.Context, f admin.QueueFilter) (admin.QueuePage, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	page := admin.QueuePage{Summary: admin.QueueSummary{Waiting: len(q.items), Paused: q.paused}, Items: []admin.QueueItem{}}
	start := slices.IndexFunc(q.items, func(i admin.QueueItem) bool { return i.ID == f.After }) + 1
	if start == 0 && f.After != "" {
		return page, fmt.Errorf("%w: %q", admin.ErrNoEntry, f.After)
	}
	for _, item := range q.items[start:] {
		if f.Site != "" && item.Site != f.Site || f.Dead && item.State != "dead" {
			continue
		}
		if page.More = len(page.Items) == f.Limit; page.More {
			page.Next = page.Items[f.Limit-1].ID
			break
		}
		page.Items = append(page.Items, item)
	}
	return page, q.broken
}

func (q *queue) change(verb string, ids []string) ([]admin.QueueResult, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked = append(q.asked, verb+" "+strings.Join(ids, " "))
	results := make([]admin.QueueResult, len(ids))
	for i, id := range ids {
		results[i].ID = id
		if !slices.ContainsFunc(q.items, func(item admin.QueueItem) bool { return item.ID == id }) {
			results[i].Error = admin.ErrNoEntry.Error()
		}
	}
	return results, q.broken
}

func (q *queue) Retry(_ context.Context, ids []string) ([]admin.QueueResult, error) {
	return q.change("retry", ids)
}

func (q *queue) Drop(_ context.Context, ids []string) ([]admin.QueueResult, error) {
	return q.change("drop", ids)
}

func (q *queue) RetryAll(context.Context) (int, error) {
	_, err := q.change("retry all", nil)
	return 7, err
}

func (q *queue) Pause(_ context.Context, paused bool) error {
	_, err := q.change(fmt.Sprint("pause ", paused), nil)
	q.paused = paused && err == nil
	return err
}

func (q *queue) changes() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.asked)
}

// serve runs a listener on a loopback address that believes to listen as the configuration says, and returns its URL.
func serve(t *testing.T, c admin.Config, q admin.Queue) string {
	t.Helper()
	return serveWith(t, admin.Options{Config: c, Queue: q})
}

// serveWith is serve with more than a queue.
func serveWith(t *testing.T, o admin.Options) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = io.WriteString(w, "up 1\n")
	})
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Refresh == nil {
		o.Refresh = func(context.Context, string, string) (string, error) { return "", errors.New("no refresh here") }
	}
	if o.Sites == nil {
		o.Sites = someSites{}
	}
	s := admin.New(o)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}

// answer is what came back: all answers are JSON.
type answer struct {
	status int
	header http.Header
	admin.QueuePage
	Results []admin.QueueResult `json:"results"`
	Retried int                 `json:"retried"`
	Paused  bool                `json:"paused"`
	Error   string              `json:"error"`
}

func ask(t *testing.T, method, url, token, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header}
	if method == http.MethodHead {
		return a
	}
	if err := json.Unmarshal(raw, &a); err != nil || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s: %d, no JSON: %v: %s", method, url, a.status, err, raw)
	}
	return a
}

// send asks with the token and returns the status and the body.
func send(t *testing.T, method, target, body string) (status int, text string) {
	t.Helper()
	status, raw, err := sendOf(t.Context(), method, target, body)
	if err != nil || !json.Valid(raw) {
		t.Errorf("%s %s: no JSON: %v: %s", method, target, err, raw)
	}
	return status, string(raw)
}

// sendOf is send for a client that may leave.
func sendOf(ctx context.Context, method, target, body string) (status int, raw []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	raw, err = io.ReadAll(resp.Body)
	return resp.StatusCode, raw, err
}
