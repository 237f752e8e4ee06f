package admin_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/page"
)

const rulesBox = "Rules as JSON: a list, in the order in which they are tried"

// give gives the token that the page asks for.
func give(p *page.Page, token string) {
	p.Type("Token", token)
	p.Click("button", "Use token")
}

// wasAsked waits until the API was asked for a change.
func (f *fakeAPI) wasAsked(t *testing.T, want string) {
	t.Helper()
	harness.Eventually(t, 30*time.Second, func() error {
		if got := f.changes(); !slices.Contains(got, want) {
			return fmt.Errorf("asked was %q, not %q", got, want)
		}
		return nil
	})
}

func explainAndTry(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	p := browser.Open(t, fakePage(t, api))
	p.Go("#/explain")
	p.Type("URL", "http://assets.example.com/img/a%20b.jpg?w=2")
	p.Click("button", "Explain")
	p.See("from the bucket; when it is not there: pulled from the origin", "https://old.example.com/?of=http://assets.example.com/img/a%20b.jpg?w=2",
		"img/a b.jpg", "(set by the rule, not shown)", "bucket assets, key img/a b.jpg", shown)
	p.Click("button", "Try it: a real GET")
	give(p, token)
	p.See("206", "image/jpeg", "121 KiB", "12.5 ms", "1.48 s")
	api.wasAsked(t, `POST trial {"url":"http://assets.example.com/img/a%20b.jpg?w=2","method":"GET","headers":{}}`)
	p.Shot("explain")
}

// editRules makes a mistake, sees where it is, and mends it; nothing is changed before that is asked for.
func editRules(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	p := browser.Open(t, fakePage(t, api))
	p.Go("#/sites/assets/edit")
	p.Holds(rulesBox, `"${OLD_SITE}"`)
	p.Type(rulesBox, "[\n {\"id\": \"images\",\n  \"mode\": \"teleport\"}\n]")
	give(p, token)
	p.See("Nothing was changed. What is wrong:", "line 3", "[0].mode", `"teleport" is not a mode: `+shown)
	p.Shot("editor-mistake")
	p.Type(rulesBox, "[ {")
	p.See("the body is not a list of rules")
	p.Type(rulesBox, `[{"id": "images", "mode": "mirror"}]`)
	p.See("It is valid. This would change:", "match.prefix: img/ → "+shown, "moved", "archive")
	p.Shot("editor-valid")
	if asked := api.changes(); len(asked) != 0 {
		t.Errorf("validating changed something: %q", asked)
	}
	p.Click("link", "Queue")
	p.See("What waits to be saved")
	p.Go("#/sites/assets/edit")
	p.See("It is valid. This would change:") // what was typed is still there
	p.Click("button", "Apply")
	p.See("Applied. This was changed:", "from the API")
	api.wasAsked(t, `PUT sites/assets/rules [{"id": "images", "mode": "mirror"}]`)

	p.Click("button", "Back to the file's rules")
	p.See("Those of the configuration file hold again")
	p.Click("button", "Back to the file's rules")
	p.See("The file's rules hold again", "from the file")
	p.Holds(rulesBox, `"${OLD_SITE}"`)
}

// lostUpdate lets somebody else be quicker.
func lostUpdate(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	p := browser.Open(t, fakePage(t, api))
	p.Go("#/sites/assets/edit")
	p.Holds(rulesBox, `"${OLD_SITE}"`)
	p.Type(rulesBox, `[{"id": "mine"}]`)
	give(p, token)
	p.See("It is valid.")
	others := func(rules string) {
		api.set(func() { api.rules, api.version = rules, api.version+1 })
	}
	others(`[{"id": "theirs"}]`)
	p.Click("button", "Apply")
	p.See("Somebody else has changed the rules since you loaded them")
	p.Holds(rulesBox, `"mine"`)
	p.Click("button", "Keep mine, and compare it with the newest")
	p.See("It is valid. This would change:")
	others(`[{"id": "newest"}]`)
	p.Click("button", "Apply")
	p.Click("button", "Load the newest")
	p.See("What you have typed is dropped")
	p.Click("button", "Load them")
	p.Holds(rulesBox, `"newest"`)
	p.Gone("Somebody else has changed the rules")
}

func retryAndDrop(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	p := browser.Open(t, fakePage(t, api))
	p.See("Given up: these could not be saved", "status 403 AccessDenied", "48 MiB")
	p.Click("button", "Retry img/2019/summer/beach.jpg")
	give(p, token)
	api.wasAsked(t, `POST queue/retry {"ids":["d1"]}`)
	p.Gone("status 403 AccessDenied")
	p.Click("button", "Drop "+shown)
	p.See("The object is not saved")
	p.Click("button", "Cancel")
	p.Gone("The object is not saved")
	p.Click("button", "Drop "+shown)
	p.Click("button", "Drop")
	api.wasAsked(t, `POST queue/drop {"ids":["d2"]}`)
	p.Gone("Given up")
	if asked := api.changes(); len(asked) != 2 {
		t.Errorf("asked was %q", asked)
	}
	p.Go("#/queue")
	p.Click("button", "Pause saving")
	p.Click("button", "Pause saving")
	p.See("saving is paused")
	p.Click("button", "Resume saving")
	p.Gone("saving is paused")
}

// tokens are asked for when they are needed, and a wrong one is said to be wrong. A right one lasts for the tab.
func tokens(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	p := browser.Open(t, fakePage(t, api))
	p.Go("#/config")
	p.Click("button", "Reload the file")
	give(p, "a-token-that-is-wrong")
	p.See("This token is wrong.")
	if asked := api.changes(); len(asked) != 0 {
		t.Errorf("with a wrong token %q was done", asked)
	}
	if kept := page.Eval[string](p, `JSON.stringify([{...sessionStorage}, {...localStorage}])`); kept != "[{},{}]" {
		t.Errorf("kept is %s", kept)
	}
	give(p, token)
	p.See("The file was read again and is in force.")
	p.Reload()
	p.Click("button", "Reload the file")
	p.See("The file was read again and is in force.")
	if kept := page.Eval[string](p, `JSON.stringify({...localStorage}) + document.cookie`); kept != "{}" {
		t.Errorf("the token outlives the tab: %s", kept)
	}
	p.Click("button", "Forget token")
	p.Click("button", "Reload the file")
	p.See("The token, please")
	p.Click("button", "Cancel")
	p.See("This needs the token.")
}

// readingNeedsToken is a listener that others than this machine reach.
func readingNeedsToken(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	api.locked = true
	p := browser.Open(t, fakePage(t, api))
	p.See("The token, please")
	p.Click("button", "Cancel")
	p.See("Reading needs the token, too.")
	p.Click("button", "Enter the token")
	give(p, "a-token-that-is-wrong")
	p.See("This token is wrong.")
	give(p, "another-wrong-one")
	p.See("Too many were wrong. Wait 7 s before the next.")
	give(p, token)
	p.See("12 % of the last day’s requests still needed the old origin")
	p.Gone("Reading needs the token")
	api.set(func() {
		if api.guesses != 2 {
			t.Errorf("two wrong tokens were shown %d times", api.guesses)
		}
	})
}

// readOnly has no token at all: nothing can be pressed, and the page says why.
func readOnly(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	api.token = ""
	p := browser.Open(t, fakePage(t, api))
	p.See("read-only: admin.token is not set")
	for _, view := range [][2]string{
		{"#/sites/assets", "Serve from the origin"}, {"#/sites/assets/rules/images", "Retire"}, {"#/sites/assets/edit", "Apply"},
		{"#/origins/assets/images/primary", "Drain"}, {"#/queue", "Retry all dead"}, {"#/explain", "Try it: a real GET"}, {"#/config", "Reload the file"},
	} {
		p.Go(view[0])
		p.Disabled("button", view[1])
		p.See("Read-only: admin.token is not set in the configuration, so nothing can be changed here.")
	}
}

func switches(t *testing.T, browser *page.Browser) {
	api := newFakeAPI()
	p := browser.Open(t, fakePage(t, api))
	p.Go("#/sites/assets")
	p.Click("button", "Serve from the origin")
	p.See("The gateway becomes a pure proxy")
	p.Click("button", "Cancel")
	p.Gone("The gateway becomes a pure proxy")
	p.Click("button", "Serve from the origin")
	p.Click("button", "Serve from the origin")
	give(p, token)
	p.See("Served from the origin")
	api.wasAsked(t, `PATCH sites/assets {"serve":"origin"}`)
	p.Type("Keys, one a line", "img/a.jpg\nb\n")
	p.Click("button", "Pull what is missing")
	p.See(shown+"\tpulled", "failed "+shown)
	api.wasAsked(t, `POST pull {"site":"assets","keys":["img/a.jpg","b"]}`)
	p.Click("link", "images")
	p.Click("button", "Retire")
	p.Click("button", "Retire")
	api.wasAsked(t, `PATCH sites/assets/rules/images {"state":"retired"}`)
	p.Has("button", "Make active")
	p.Click("radio", "week")
	p.See("Requests over time")
	p.Go("#/origins/assets/images/primary")
	p.Click("button", "Drain")
	p.Click("button", "Drain")
	p.See("draining")
	p.Click("button", "Resume")
	p.Gone("draining")
	want := []string{"PATCH", "POST pull", "PATCH", `POST origins/drain {"site":"assets","rule":"images","target":"primary"}`, `POST origins/resume {"site":"assets","rule":"images"}`}
	got := api.changes()
	if len(got) != len(want) || !slices.Equal(got[3:], want[3:]) || !strings.HasPrefix(got[0], want[0]) {
		t.Errorf("asked was %q", got)
	}
}
