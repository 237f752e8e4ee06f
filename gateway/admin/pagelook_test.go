package admin_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/page"
)

// filled waits until a page has looked so often that its charts show minutes.
func (f *fakeAPI) filled(t *testing.T) {
	t.Helper()
	harness.Eventually(t, time.Minute, func() error {
		if n := f.looked(); n < 40 {
			return fmt.Errorf("%d looks", n)
		}
		return nil
	})
}

// phone has every view, full of long names, in a window of 360 pixels.
func phone(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	api.reload = strings.Repeat("long", 200)
	p := browser.Open(t, fakePage(t, api), page.Phone, page.Hurry)
	for _, view := range views() {
		p.Go(view[0])
		p.See(view[1])
		if wide := p.Wide(); wide != "" {
			t.Errorf("%s is wider than the phone by %s", view[0], wide)
		}
	}
	api.set(func() { api.reload = "" })
	p.Go("#/")
	p.See("Given up")
	api.filled(t)
	p.Shot("phone")
}

// contrast measures every text of every view, light and dark; the choice of a theme outlives a reload.
func contrast(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	api.reload = "line 3 is wrong"
	base := fakePage(t, api)
	for name, scheme := range map[string][]page.Option{"light": {page.Hurry}, "dark": {page.Hurry, page.Dark}} {
		t.Run(name, func(t *testing.T) { readable(t, api, browser.Open(t, base, scheme...), name) })
	}
	p := browser.Open(t, base)
	ground := `getComputedStyle(document.body).backgroundColor`
	light := page.Eval[string](p, ground)
	p.Click("button", "Theme: auto")
	p.Click("button", "Theme: light")
	p.Has("button", "Theme: dark")
	p.Reload()
	p.Has("button", "Theme: dark")
	if dark := page.Eval[string](p, ground); dark == light {
		t.Errorf("dark and light are both %s", dark)
	}
}

// readable measures the texts of all views of a page. Its tab is closed before the next is opened: a page in a hurry
// takes all the time that there is.
func readable(t *testing.T, api *fakeAPI, p *page.Page, name string) {
	t.Helper()
	for _, view := range views() {
		p.Go(view[0])
		p.See(view[1])
		faint, checked := p.Faint()
		for _, text := range faint {
			t.Errorf("%s: contrast %s", view[0], text)
		}
		if checked < 20 {
			t.Errorf("%s: only %d texts", view[0], checked)
		}
	}
	p.Go("#/")
	p.See("Given up")
	api.filled(t)
	p.Shot(name)
}
