package page_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/page"
)

const rulesBox = "Rules as JSON: a list, in the order in which they are tried"

// TestDashboard uses the dashboard of a gateway under load: the numbers move and are those of the clients, a URL is
// explained and tried, a rule is edited, an object that could not be saved is retried, and a wrong token is refused.
func TestDashboard(t *testing.T) {
	g := start(t)
	browser := page.Start(t)
	p := browser.Open(t, g.admin)
	names(t, p)
	all := load(t, g.URL)
	dark, phone := browser.Open(t, g.admin, page.Dark), browser.Open(t, g.admin, page.Phone)
	for name, p := range map[string]*page.Page{"light": p, "dark": dark, "phone": phone} {
		numbersMove(t, p)
		p.Shot("gateway-" + name)
	}
	all.stop()
	numbersAgree(t, p, all.answered)
	if wide := phone.Wide(); wide != "" {
		t.Errorf("the overview is wider than the phone by %s", wide)
	}

	retry(t, g, p)
	explain(p)
	shares(t, p)
	inventory(p)
	edit(t, g, p)
	cutover(t, g, p)
}

// names has the page show a key that wants to be more than text, as the gateway tells it: in the sentence, among the
// keys that need the origin most, and in the queue. Whether it was more, Page finds out, too.
func names(t *testing.T, p *page.Page) {
	t.Helper()
	for _, view := range []struct{ hash, title, text string }{
		{"#/", "Given up", "the old origin was last needed 3 hours ago, for /" + shown},
		{"#/sites/assets/rules/docs", "Last needed", ", for " + shown},
		{"#/queue", "They are kept, and served", "the bucket does not like " + shown},
	} {
		p.Go(view.hash)
		p.See("ready", "1 could not be saved", view.title, view.text)
		if found := page.Eval[int](p, `document.querySelectorAll("img").length`); found != 0 {
			t.Errorf("%s: a name became more than text", view.hash)
		}
	}
	p.Shot("gateway-queue")
	p.Go("#/sites/assets/rules/docs")
	if top := p.Rows("Keys"); len(top) != 1 || top[0][0] != shown {
		t.Errorf("the keys that need the origin most are %q", top)
	}
	p.Go("#/")
}

// numbersAgree waits until the page shows as many requests of each outcome as the clients have counted.
func numbersAgree(t *testing.T, p *page.Page, want map[string]int64) {
	t.Helper()
	harness.Eventually(t, time.Minute, func() error {
		got, sum := make(map[string]int64), int64(0)
		for _, row := range p.Rows("Requests since the start") {
			n, err := strconv.ParseInt(strings.ReplaceAll(row[2], "\u202f", ""), 10, 64)
			if err != nil {
				return err
			}
			got[row[0]] = n
		}
		for _, n := range want {
			sum += n
		}
		if all := got["all"]; all != sum {
			return fmt.Errorf("%d requests, of %d", all, sum)
		}
		delete(got, "all")
		if !maps.Equal(got, want) {
			return fmt.Errorf("the page shows %v, and the clients have counted %v", got, want)
		}
		return nil
	})
	t.Logf("the page and the clients: %v", want)
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

// shares are of the requests that were answered and needed no origin: of those of a rule whose origin is broken none was.
func shares(t *testing.T, p *page.Page) {
	t.Helper()
	p.Go("#/sites/assets")
	got := make(map[string]string)
	for _, row := range p.Rows("Rules") {
		got[row[0]] = row[4]
	}
	if got["broken"] != "0 %" || got["elsewhere"] != "0 %" || got["private"] != "100 %" {
		t.Errorf("answered without the origin: %v", got)
	}
}

// inventory tells what the origin holds, and takes it back.
func inventory(p *page.Page) {
	tell := func(objects, size, copied string) {
		p.Type("Objects", objects)
		p.Type("Their size, such as 1.5 TiB", size)
		p.Type("Objects in the bucket already", copied)
		p.Click("button", "Tell the inventory")
	}
	p.Go("#/sites/assets")
	p.See("What the origin holds is not known")
	tell("1 000 000", "much", "0")
	p.See("“much” is none: Their size")
	tell("1 000 000", "1.5 TiB", "1000001")
	p.See("copied: must not be more than objects")
	p.See("What the origin holds is not known")
	tell("1 000 000", "1.5 TiB", "400000")
	p.See("1\u202f000\u202f000 objects, 1.5 TiB, told", "600\u202f000 objects, 1.5 TiB")
	p.Shot("gateway-site")
	p.Click("button", "Forget the inventory")
	p.See("What the origin holds is not known")
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
	g.overtake(t)
	p.Click("button", "Apply")
	p.See("Somebody else has changed the rules since you loaded them")
	if a := g.Get(t, "/moved/a.txt"); a.Status != http.StatusNotFound {
		t.Errorf("a lost update was applied: its key is answered with %d", a.Status)
	}
	p.Click("button", "Keep mine, and compare it with the newest")
	p.See("It is valid. This would change:", "removed theirs", "added docs")
	p.Shot("gateway-editor")
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
	p.See("for moved/another.txt")
	p.Shot("gateway-rule")
}
