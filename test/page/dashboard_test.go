package page_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/page"
)

const rulesBox = "Rules as JSON: a list, in the order in which they are tried"

// TestDashboard uses the dashboard of a gateway under load: the numbers move, a URL is explained and tried, a rule is
// edited, an object that could not be saved is retried, and a wrong token is refused.
func TestDashboard(t *testing.T) {
	g := start(t)
	stop := load(t, g.Gateway)
	browser := page.Start(t)
	p := browser.Open(t, g.admin)
	p.See("ready", "1 could not be saved", shown)
	look := func(p *page.Page, name string) {
		numbersMove(t, p)
		p.Shot(name)
	}
	look(p, "gateway-light")
	look(browser.Open(t, g.admin, page.Dark), "gateway-dark")
	look(browser.Open(t, g.admin, page.Phone), "gateway-phone")
	stop()

	retry(t, g, p)
	explain(p)
	edit(t, g, p)
	cutover(t, g, p)
}

// numbersMove waits until the page has shown copies and pulls, and other numbers of them than before.
func numbersMove(t *testing.T, p *page.Page) {
	t.Helper()
	var first string
	harness.Eventually(t, time.Minute, func() error {
		now := p.Name("img", "Requests per second: copies")
		if strings.ContainsRune(now, '–') || strings.Contains(now, "copies 0,") || strings.Contains(now, "origin 0,") {
			return fmt.Errorf("not everything moves: %s", now)
		}
		if first == "" {
			first = now
		}
		if now == first {
			return fmt.Errorf("it stands: %s", now)
		}
		return nil
	})
}

func give(p *page.Page, token string) {
	p.Type("Token", token)
	p.Click("button", "Use token")
}

func retry(t *testing.T, g *gateway, p *page.Page) {
	t.Helper()
	p.Click("button", "Retry "+shown)
	give(p, "a-token-that-is-wrong")
	p.See("This token is wrong.")
	give(p, token)
	p.Gone("could not be saved")
	harness.Eventually(t, time.Minute, func() error {
		if _, err := os.Stat(filepath.Join(g.bucket, filepath.FromSlash(hostile))); err != nil {
			return fmt.Errorf("it is not in the bucket: %w", err)
		}
		return nil
	})
}

func explain(p *page.Page) {
	p.Go("#/explain")
	p.Type("URL", "http://assets.example.com/docs/hello.txt")
	p.Click("button", "Explain")
	p.See("docs/hello.txt", "docs", "mirror", "/docs/hello.txt")
	p.Click("button", "Try it: a real GET")
	p.See("✓ 200", "First byte after", "X-Request-Id", "mirrorgate; fwd=uri-miss; fwd-status=200; stored")
}

// edit makes a mistake in a rule, which changes nothing, and mends it.
func edit(t *testing.T, g *gateway, p *page.Page) {
	t.Helper()
	const rule = `[{"id": "docs",
 "mode": %q,
 "match": {"prefix": "moved/"},
 "origin": {"primary": %q}}]`
	p.Go("#/sites/assets/edit")
	p.Holds(rulesBox, `"docs"`)
	p.Type(rulesBox, fmt.Sprintf(rule, "teleport", g.origin))
	p.See("Nothing was changed. What is wrong:", "line 2", "mode")
	p.Type(rulesBox, fmt.Sprintf(rule, "mirror", g.origin))
	p.See("It is valid. This would change:", "moved/")
	if a := g.Get(t, "/moved/a.txt"); a.Status != http.StatusNotFound {
		t.Errorf("before the rule was applied its key is answered with %d", a.Status)
	}
	p.Click("button", "Apply")
	p.See("Applied. This was changed:", "from the API")
	if a := g.Get(t, "/moved/a.txt"); a.Status != http.StatusOK {
		t.Errorf("after the rule was applied its key is answered with %d", a.Status)
	}
}

// cutover turns the site into a proxy, and retires a rule.
func cutover(t *testing.T, g *gateway, p *page.Page) {
	t.Helper()
	cacheStatus := func(key string) string { return g.Get(t, key).Header.Get("Cache-Status") }
	p.Go("#/sites/assets")
	p.Click("button", "Serve from the origin")
	p.Click("button", "Serve from the origin")
	p.See("Served from the origin")
	if got := cacheStatus("/moved/a.txt"); !strings.Contains(got, "fwd=bypass") {
		t.Errorf("served from the origin, Cache-Status is %q", got)
	}
	p.Click("button", "Back to the file's switches")
	p.Click("button", "Back to the file's switches")
	p.See("Served from the bucket")
	p.Click("link", "docs")
	p.Click("button", "Retire")
	p.Click("button", "Retire")
	p.Has("button", "Make active")
	if a := g.Get(t, "/moved/another.txt"); a.Status != http.StatusNotFound {
		t.Errorf("a rule that is retired answers with %d", a.Status)
	}
}

// load asks for what is there and for what is not, from several clients, until the function returned is called.
func load(t *testing.T, g *harness.Gateway) (stop func()) {
	t.Helper()
	done := make(chan struct{})
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			if err := ask(g.URL, client, done); err != nil {
				t.Error(err)
			}
		})
	}
	stop = sync.OnceFunc(func() {
		close(done)
		clients.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// ask is one client.
func ask(base string, client int, done <-chan struct{}) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-done:
			return nil
		case <-tick.C:
		}
		for _, key := range []string{"/docs/same.txt", fmt.Sprintf("/docs/%d-%d.txt", client, i)} {
			resp, err := http.Get(base + key)
			if err != nil {
				return err
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if want := "the body of " + key; err != nil || string(body) != want {
				return fmt.Errorf("GET %s: %s, %q, %v", key, resp.Status, body, err)
			}
		}
	}
}
