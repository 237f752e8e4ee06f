package admin_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/page"
)

// shown is the hostile name as the page has to show it: as it is, but for the character that would turn it around.
var shown = strings.ReplaceAll(hostile, "\u202e", `\u202e`)

// views are all there are, and a text that says that one has been drawn with what the API told.
func views() [][2]string {
	return [][2]string{
		{"#/", "Given up"}, {"#/sites", "not usable"}, {"#/sites/assets", "Served from the bucket"},
		{"#/sites/assets/rules/images", "Not kept, by reason"}, {"#/sites/assets/edit", "from the file"}, {"#/origins", "backup"},
		{"#/origins/assets/images/backup", "Steer"}, {"#/queue", "Lost by the fleet"}, {"#/explain", "Explain a request"},
		{"#/members", "Foreign notes"}, {"#/config", "In force, without secrets"},
	}
}

// TestPage uses the page in a browser. Each part has an API and a tab of its own.
func TestPage(t *testing.T) {
	browser := page.Start(t)
	for name, part := range map[string]func(*testing.T, *page.Browser){
		"numbers": numbersMove, "hostile": hostileNames, "hidden": hiddenTab, "outage": outage, "charts": chartsForAll, "explain": explainAndTry,
		"phone": phone, "contrast": contrast, "editor": editRules, "lost update": lostUpdate, "queue": retryAndDrop, "token": tokens,
		"reading": readingNeedsToken, "read-only": readOnly, "switches": switches, "marked": markedText,
		"bare": bare,
	} {
		t.Run(name, func(t *testing.T) { part(t, browser) })
	}
}

func numbersMove(t *testing.T, browser *page.Browser) {
	p := browser.Open(t, fakePage(t, newFakeAPI()), page.Hurry)
	p.See("12 % of the last day’s requests still needed the old origin", "ready", "Redis up", "version 1.4.0", "2 could not be saved")
	seen := make(map[string]bool)
	harness.Eventually(t, 30*time.Second, func() error {
		seen[p.Name("img", "Requests per second: copies")] = true
		if len(seen) < 4 {
			return fmt.Errorf("all that was seen is %q", slices.Collect(maps.Keys(seen)))
		}
		return nil
	})
	// What is shown is what came between two looks: at most 880 copies a second and their waves of 1.7 times as many.
	for name := range seen {
		var copies float64
		if _, err := fmt.Sscanf(name, "Requests per second: copies %f,", &copies); err == nil && (copies < 100 || copies > 2500) {
			t.Errorf("%q", name)
		}
	}
}

// hostileNames has every view show names that want to be more. Whether one of them was, Page finds out, too: scripts
// would be refused by the policy, images are asked for.
func hostileNames(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	api.reload = "line 3: " + hostile
	p := browser.Open(t, fakePage(t, api))
	for _, view := range views() {
		p.Go(view[0])
		p.See(view[1], "line 3: "+shown)
		if found := page.Eval[int](p, `document.querySelectorAll("img, main script, iframe, td td").length + (globalThis.owned ?? 0)`); found != 0 {
			t.Errorf("%s: a name became more than text", view[0])
		}
	}
	p.Go("#/queue")
	p.See("Lost by the fleet", shown)
	p.Has("button", "Retry "+shown)
}

// hiddenTab counts how often a page asks that nobody looks at.
func hiddenTab(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	p := browser.Open(t, fakePage(t, api), page.Hurry)
	p.See("12 % of")
	hide := `Object.defineProperty(document, "hidden", { configurable: true, get: () => %v }); document.dispatchEvent(new Event("visibilitychange"))`
	page.Eval[page.Nothing](p, fmt.Sprintf(hide, true))
	// In the time in which a page that is looked at asks many times, it asks at most once: what was under way.
	before := api.looked()
	page.Await(p, `new Promise((done) => setTimeout(done, 60000))`)
	if asked := api.looked() - before; asked > 1 {
		t.Errorf("the hidden page asked %d times", asked)
	}
	before = api.looked()
	page.Eval[page.Nothing](p, fmt.Sprintf(hide, false))
	harness.Eventually(t, 30*time.Second, func() error {
		if api.looked() < before+3 {
			return fmt.Errorf("shown again, it has not gone on")
		}
		return nil
	})
}

// bare is a gateway just installed: there is nothing to tell, and what is empty may come as null.
func bare(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	api.bare = true
	p := browser.Open(t, fakePage(t, api))
	for _, view := range [][2]string{
		{"#/", "There is no site."}, {"#/sites/assets", "The site has no rule."}, {"#/sites/assets/rules/images", "no such rule any more"},
		{"#/origins", "No rule has an origin."}, {"#/queue", "Nothing waits."}, {"#/members", "None is known."}, {"#/nowhere", "There is nothing under this address."},
	} {
		p.Go(view[0])
		p.See(view[1])
	}
}

func (f *fakeAPI) looked() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.looks
}

func outage(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	p := browser.Open(t, fakePage(t, api), page.Hurry)
	p.See("2 could not be saved")
	api.set(func() { api.broken = true })
	p.See("No answer for", "the disk is on fire: "+shown, "What is below is older", "no answer")
	api.set(func() { api.broken = false })
	p.Gone("No answer for")
	api.set(func() { api.reload = "sites[0].rules: there is none" })
	p.See("The last reload changed nothing: sites[0].rules: there is none", "reload failed")
}

// chartsForAll reads a chart without eyes: by its label, its table, and with the keyboard.
func chartsForAll(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	p := browser.Open(t, fakePage(t, api), page.Hurry)
	api.filled(t)
	api.set(func() { api.broken = true }) // nothing moves while it is read
	p.See("No answer for")
	newest := p.Name("img", "Requests per second: ")
	for _, group := range []string{"copies", "from an origin", "sent on", "not there", "refused", "errors"} {
		if !strings.Contains(newest, group+" ") {
			t.Errorf("%q lacks %s", newest, group)
		}
	}
	p.Focus("image", newest)
	for range 30 {
		p.Key("ArrowLeft")
	}
	if earlier := p.Name("img", "Requests per second: "); earlier == newest {
		t.Errorf("a minute earlier it was %q, too", earlier)
	}
	if outline := page.Eval[string](p, `getComputedStyle(document.activeElement).outlineStyle`); outline != "solid" {
		t.Errorf("the focus has outline %q", outline)
	}
	p.Click("DisclosureTriangle", "Figures")
	p.Has("table", "Requests per second: figures")

	// What differs in colour differs without it, too.
	if n := kinds(p, "path.line", "stroke-dasharray", "figure:nth-of-type(2)"); n != 4 {
		t.Errorf("four lines have %d kinds of dashes", n)
	}
	if n := kinds(p, "path.area", "fill", "figure:nth-of-type(1)"); n != 6 {
		t.Errorf("six areas have %d kinds of patterns", n)
	}
}

// kinds counts the different values that an attribute has in a chart.
func kinds(p *page.Page, selector, attribute, chart string) int {
	return page.Eval[int](p, fmt.Sprintf(`new Set([...document.querySelectorAll("%s %s")].map((e) => e.getAttribute(%q))).size`,
		chart, selector, attribute))
}

// markedText is what somebody is about to copy: it stays marked while the page goes on.
func markedText(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	p := browser.Open(t, fakePage(t, api), page.Hurry)
	p.Go("#/queue")
	p.See("img/2020/3.jpg")
	page.Eval[page.Nothing](p, `getSelection().selectAllChildren(document.querySelector("bdi.key"))`)
	marked := page.Eval[string](p, `getSelection().toString()`)
	before := api.looked()
	harness.Eventually(t, 30*time.Second, func() error {
		if api.looked() < before+10 {
			return fmt.Errorf("it has not asked ten times more")
		}
		return nil
	})
	if now := page.Eval[string](p, `getSelection().toString()`); now != marked || marked == "" {
		t.Errorf("marked was %q, and is %q", marked, now)
	}
}
