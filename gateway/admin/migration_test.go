package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrorgate/gateway/admin"
)

// books is a view of one site, assets, with one rule.
type books struct {
	mu    sync.Mutex
	asked []string
	told  *admin.Inventory
}

var _ admin.MigrationView = (*books)(nil)

func (b *books) Show() admin.Migration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return admin.Migration{
		Sentence: "all is well", Now: time.Unix(1e9, 0).UTC(),
		Sites: []admin.MigrationSite{{Site: "assets", Inventory: b.told, Rules: []admin.MigrationRule{{
			Rule: "images", LastNeededKey: "<script>", Spans: []admin.MigrationSpan{{Span: "hour", Requests: 3, Needed: 2}},
		}}}},
	}
}

func (b *books) History(site, rule, step string) (admin.History, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, site+" "+rule+" "+step)
	if site == "none" {
		return admin.History{}, admin.ErrNoSuch
	}
	return admin.History{Step: step, Points: []admin.HistoryPoint{{MigrationSpan: admin.MigrationSpan{Requests: 5}}}}, nil
}

func (b *books) Tell(site string, i *admin.Inventory) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if site != "assets" {
		return fmt.Errorf("%w: site %q", admin.ErrNoSuch, site)
	}
	b.told = i
	return nil
}

// exchange sends a request with the token, and returns the answer as it came.
func exchange(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

func TestMigration(t *testing.T) {
	b := &books{}
	url := serveBooks(t, b)
	status, answer := exchange(t, http.MethodGet, url+"/api/v1/migration", "")
	var shown admin.Migration
	if err := json.Unmarshal([]byte(answer), &shown); err != nil || status != http.StatusOK {
		t.Fatalf("%d %v %s", status, err, answer)
	}
	if shown.Sentence != "all is well" || shown.Sites[0].Rules[0].Spans[0].Needed != 2 || strings.Contains(answer, "<script") {
		t.Errorf("%s", answer)
	}
}

// A query that is misspelt is refused, rather than answered with what was not asked for.
func TestHistory(t *testing.T) {
	b := &books{}
	url := serveBooks(t, b) + "/api/v1/migration/history"
	f := func(query string, status int, want string) {
		t.Helper()
		if got, answer := exchange(t, http.MethodGet, url+query, ""); got != status || !strings.Contains(answer, want) {
			t.Errorf("%s: %d %s, want %d %s", query, got, answer, status, want)
		}
	}
	f("", 200, `"requests":5`)
	f("?site=assets&rule=images&step=day", 200, `"step":"day"`)
	f("?site=assets&rule=&step=minute", 200, `"step":"minute"`)
	f("?site=none", 404, `"error"`)
	f("?site=assets&step=week", 400, "step must be")
	f("?rule=images", 400, "rule needs site")
	f("?sites=assets", 400, "sites")
	f("?site=assets&site=b", 400, "twice")
	f("?%zz", 400, "query")
	want := []string{"  hour", "assets images day", "assets  minute", "none  hour"}
	if !slices.Equal(b.asked, want) {
		t.Errorf("asked for %q, want %q", b.asked, want)
	}
}

// An inventory is told and forgotten; one that makes no sense changes nothing, and all its mistakes are named.
func TestInventory(t *testing.T) {
	b := &books{}
	url := serveBooks(t, b) + "/api/v1/migration/inventory/"
	f := func(site, body string, status int, want ...string) {
		t.Helper()
		got, answer := exchange(t, http.MethodPut, url+site, body)
		for _, w := range append(want, "") {
			if got != status || !strings.Contains(answer, w) {
				t.Errorf("%s: %d %s, want %d %s", body, got, answer, status, w)
			}
		}
	}
	const good = `{"objects": 10, "bytes": 100, "copied": 3, "copied_bytes": 30}`
	f("assets", good, 200, `"site":"assets"`, `"copied":3`)
	f("elsewhere", good, 404, "elsewhere")
	f("assets", `{"objects": 1, "bytes": -1, "copied": 2, "copied_bytes": 0}`, 422, `"mistakes"`, `"bytes"`, `"copied"`)
	f("assets", `{"objects": 1, "size": 3}`, 400, "size")
	f("assets", `{"objects": 1`, 400, "inventory")
	if b.told == nil || b.told.Objects != 10 {
		t.Errorf("a mistake has changed it: %+v", b.told)
	}
	f("assets", "null", 200)
	if b.told != nil {
		t.Errorf("it is not forgotten: %+v", b.told)
	}
	if a := ask(t, http.MethodPut, url+"assets", "", good); a.status != http.StatusUnauthorized || b.told != nil {
		t.Errorf("without a token: %d", a.status)
	}
}

func serveBooks(t *testing.T, b *books) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := admin.New(admin.Options{
		Config: admin.Config{Listen: "127.0.0.1:9090", Token: token}, Migration: b, Metrics: http.NotFoundHandler(),
		Log: slog.New(slog.DiscardHandler),
	})
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
