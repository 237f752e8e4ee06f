package admin_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"mirrorgate/gateway/admin"
)

// call is a request to an operation and what comes of it.
type call struct {
	op     string // METHOD PATH of the document
	query  string
	body   string
	status int
	well   bool // the document has nothing against the request

	site, rule string // of the path; "": s and r
	match      string // If-Match
	kind       string // Content-Type; "": JSON, if there is a body
}

// good is answered with 200.
func good(op, query, body string) call {
	return call{op: op, query: query, body: body, status: 200, well: true}
}

// refused is as the document says, and refused all the same.
func refused(op, query, body string, status int) call {
	return call{op: op, query: query, body: body, status: status, well: true}
}

// bad is refused, and the document says so before.
func bad(op, query, body string, status int) call {
	return call{op: op, query: query, body: body, status: status}
}

// from makes a change from the state of an ETag.
func (c call) from(match string) call {
	c.match = match
	return c
}

// of is about another site than s.
func (c call) of(site string) call {
	c.site = site
	return c
}

// now is the If-Match of what is in force.
const now = `"now"`

// calls has for every operation a good request, and for each that takes something bad ones.
func calls() []call {
	return slices.Concat(readCalls(), queueCalls(), changeCalls(), keysCalls(), siteCalls(), ruleCalls(), tagCalls(), migrationCalls(),
		bodyCalls())
}

func readCalls() []call {
	return []call{
		good("GET /api/v1/overview", "", ""), good("GET /api/v1/sites", "", ""), good("GET /api/v1/sites/{site}", "", ""),
		good("GET /api/v1/sites/{site}/rules", "", ""), good("GET /api/v1/migration", "", ""),
		refused("GET /api/v1/sites/{site}", "", "", 404).of("none"), refused("GET /api/v1/sites/{site}/rules", "", "", 404).of("none"),
		good("GET /health", "", ""), good("GET /metrics", "", ""), good("GET /api/v1/openapi.json", "", ""),
		good("GET /api/v1/members", "", ""), good("GET /api/v1/config", "", ""), good("GET /api/v1/log", "", ""),
		good("GET /api/v1/origins", "", ""),
		good("GET /api/v1/explain", "url=http://h/a&header=Accept:+x&header=B:c", ""),
		bad("GET /api/v1/explain", "", "", 400), bad("GET /api/v1/explain", "url=h/a", "", 400),
		bad("GET /api/v1/explain", "url=http://h/a&header=x", "", 400), refused("GET /api/v1/explain", "url=http://h/a&x=y", "", 400),
	}
}

func queueCalls() []call {
	return []call{
		good("GET /api/v1/queue", "", ""), good("GET /api/v1/queue", "site=a&state=dead&limit=1000&after=1", ""),
		bad("GET /api/v1/queue", "limit=0", "", 400), bad("GET /api/v1/queue", "state=waiting", "", 400),
		refused("GET /api/v1/queue", "after=none", "", 404), refused("GET /api/v1/queue", "other=1", "", 400),
		good("POST /api/v1/queue/retry", "", `{"ids": ["1", "none"]}`), good("POST /api/v1/queue/retry", "", `{"all": true}`),
		bad("POST /api/v1/queue/retry", "", `{"ids": ["1"], "all": true}`, 422), bad("POST /api/v1/queue/retry", "", `{}`, 422),
		good("POST /api/v1/queue/drop", "", `{"ids": ["1", "none"]}`), bad("POST /api/v1/queue/drop", "", `{"ids": []}`, 422),
		good("POST /api/v1/queue/pause", "", ""), good("POST /api/v1/queue/resume", "", "{}"),
	}
}

// state is a listener that answers a call so for what it stands on.
type state struct {
	call
	enter func(*admin.Options)
}

func states() []state {
	mistaken := &admin.InvalidError{Mistakes: []admin.Mistake{{Path: "a", Line: 1, Problem: "b"}}}
	paused := newQueue(1)
	paused.broken = admin.ErrPausedByFile
	return []state{
		{refused("GET /health", "", "", 503), func(o *admin.Options) { o.Ready = func() error { return errors.New("the bucket is away") } }},
		{refused("GET /api/v1/members", "", "", 404), func(o *admin.Options) { o.Fleet = nil }},
		{refused("POST /api/v1/reload", "", "", 422), func(o *admin.Options) { o.Control = &control{err: mistaken} }},
		{refused("POST /api/v1/queue/resume", "", "", 409), func(o *admin.Options) { o.Queue = paused }},
	}
}

// failures are calls of what cannot be done, by no fault of theirs.
func failures() (list []call) {
	for _, c := range []call{
		good("GET /api/v1/queue", "", ""), good("POST /api/v1/queue/retry", "", `{"ids": ["1"]}`), good("POST /api/v1/queue/retry", "", `{"all": true}`),
		good("POST /api/v1/queue/drop", "", `{"ids": ["1"]}`), good("POST /api/v1/queue/pause", "", ""), good("POST /api/v1/queue/resume", "", ""),
		good("GET /api/v1/config", "", ""), good("POST /api/v1/reload", "", ""), good("GET /api/v1/sites/{site}/rules", "", "").of("broken"),
	} {
		c.status = 500
		list = append(list, c)
	}
	for op, body := range siteChanges() {
		list = append(list, refused(op, "", body, 500).from(`"broken"`))
	}
	return list
}

func changeCalls() []call {
	return []call{
		good("POST /api/v1/trial", "", `{"url": "http://h/a", "method": "HEAD", "headers": {"Accept": "x"}}`),
		bad("POST /api/v1/trial", "", `{"url": "h"}`, 422), refused("POST /api/v1/trial", "", `{"url": "http://down/"}`, 502),
		good("POST /api/v1/origins/drain", "", `{"site": "s", "rule": "r", "target": "primary"}`),
		refused("POST /api/v1/origins/drain", "", `{"site": "none", "rule": "r", "target": "primary"}`, 404),
		bad("POST /api/v1/origins/pause", "", `{"site": "s", "rule": "r", "target": "primary"}`, 422),
		refused("POST /api/v1/origins/pause", "", `{"site": "none", "rule": "r"}`, 404),
		refused("POST /api/v1/origins/resume", "", `{"site": "none", "rule": "r"}`, 404),
		bad("POST /api/v1/origins/resume", "", `{"site": "s", "rule": "r", "target": "primary"}`, 422),
		good("POST /api/v1/origins/pause", "", `{"site": "s", "rule": "r"}`), good("POST /api/v1/origins/resume", "", `{"site": "s", "rule": "r"}`),
		good("POST /api/v1/purge", "", `{"site": "s", "keys": ["k"]}`), good("POST /api/v1/purge", "", `{"site": "s", "prefix": ""}`),
		bad("POST /api/v1/purge", "", `{"site": "s"}`, 422), refused("POST /api/v1/purge", "", `{"site": "none", "prefix": ""}`, 404),
		bad("POST /api/v1/purge", "", `{"site": "s", "keys": ["k"], "prefix": "x"}`, 422),
		good("POST /api/v1/reload", "", ""), good("PUT /api/v1/log", "", `{"level": "debug"}`),
		bad("PUT /api/v1/log", "", `{"level": "loud"}`, 422),
	}
}

// keysCalls are about keys of a site.
func keysCalls() (list []call) {
	keys := `{"site": "s", "keys": [` + strings.Repeat(`"k", `, 1000) + `"k"]}`
	long := `{"site": "` + strings.Repeat("s", 1<<20) + `", "keys": ["k"]}`
	for _, op := range []string{"POST /api/v1/pull", "POST /api/v1/refresh"} {
		list = append(list, good(op, "", `{"site": "s", "keys": ["good", "bad"]}`), bad(op, "", keys, 422),
			bad(op, "", `{"site": "s", "keys": []}`, 422), refused(op, "", long, 413),
			refused(op, "", `{"site": "none", "keys": ["k"]}`, 404))
	}
	return list
}

func siteCalls() []call {
	const patch, drop = "PATCH /api/v1/sites/{site}", "DELETE /api/v1/sites/{site}/switches"
	const rule = "PATCH /api/v1/sites/{site}/rules/{rule}"
	return []call{
		good(patch, "", `{"serve": "origin", "save": false}`).from(now), good(patch, "", `{}`).from(now),
		bad(patch, "", `{"serve": "nowhere"}`, 422).from(now), bad(patch, "", `{"save": "no"}`, 400).from(now),
		good(rule, "", `{"enabled": false, "state": "paused"}`).from(now), bad(rule, "", `{"state": "asleep"}`, 422).from(now),
		{op: rule, body: `{"state": "retired"}`, match: now, rule: "none", status: 404, well: true},
		good(drop, "", "").from(now),
	}
}

// ruleCalls put rules. Whether they are of use is for Sites to say.
func ruleCalls() []call {
	const put, drop = "PUT /api/v1/sites/{site}/rules", "DELETE /api/v1/sites/{site}/rules"
	return []call{
		good(put, "", `[{"id": "r"}]`).from(now), good(put, "", `{"rules": []}`).from(now),
		good(put, "dry_run=true", `[]`).from(now), good(put, "dry_run=false", `[]`).from(now),
		bad(put, "dry_run=yes", `[]`, 400).from(now), refused(put, "dry=true", `[]`, 400).from(now),
		refused(put, "", `[{"id": "wrong"}]`, 422).from(now), bad(put, "", `{"wrong`, 422).from(now), bad(put, "", `"wrong"`, 422).from(now),
		good(drop, "", "").from(now),
	}
}

// siteChanges has a body for every operation that needs If-Match.
func siteChanges() map[string]string {
	return map[string]string{
		"PATCH /api/v1/sites/{site}": `{"save": true}`, "PATCH /api/v1/sites/{site}/rules/{rule}": `{"enabled": true}`,
		"PUT /api/v1/sites/{site}/rules": `[]`, "DELETE /api/v1/sites/{site}/rules": "", "DELETE /api/v1/sites/{site}/switches": "",
	}
}

// tagCalls are changes of sites from a state that is not the one in force, cannot be told, or cannot be left.
func tagCalls() (list []call) {
	for op, body := range siteChanges() {
		list = append(list, bad(op, "", body, 428), refused(op, "", body, 412).from(`"old"`), refused(op, "", body, 404).from(now).of("none"),
			bad(op, "", body, 400).from(`now`), bad(op, "", body, 400).from(`"a", "b"`), bad(op, "", body, 400).from(`*`),
			refused(op, "", body, 503).from(`"away"`), refused(op, "", body, 422).from(`"odd"`))
	}
	return list
}

func migrationCalls() []call {
	const history, inventory = "GET /api/v1/migration/history", "PUT /api/v1/migration/inventory/{site}"
	const told = `{"objects": 10, "bytes": 100, "copied": 3, "copied_bytes": 30}`
	return []call{
		good(history, "", ""), good(history, "site=s", ""), good(history, "site=s&rule=r&step=day", ""),
		refused(history, "site=none", "", 404), bad(history, "site=s&step=week", "", 400), refused(history, "rule=r", "", 400),
		refused(history, "sites=s", "", 400),
		good(inventory, "", told), good(inventory, "", "null"), refused(inventory, "", told, 404).of("none"),
		bad(inventory, "", `{"objects": 1, "bytes": -1, "copied": 2, "copied_bytes": 0}`, 422),
		refused(inventory, "", `{"objects": 1, "bytes": 1, "copied": 2, "copied_bytes": 0}`, 422),
	}
}

// bodyCalls have bodies that no operation takes.
func bodyCalls() (list []call) {
	long := strings.Repeat(" ", 1<<20) + "1"
	for _, op := range taking() {
		list = append(list, bad(op, "", long, 413).from(now),
			call{op: op, body: "{}", kind: "text/plain", status: 415, match: now})
		if op == "PUT /api/v1/sites/{site}/rules" {
			continue // it says of a body that cannot be read where, with 422
		}
		list = append(list, bad(op, "", `{`, 400).from(now), bad(op, "", `{"other": 1}`, 400).from(now), bad(op, "", `[1]`, 400).from(now))
	}
	return list
}

// taking lists the operations that take a body.
func taking() []string {
	var all []string
	for _, route := range admin.Routes() {
		if method, _, _ := strings.Cut(route, " "); method != http.MethodGet && method != http.MethodDelete {
			all = append(all, route)
		}
	}
	return all
}
