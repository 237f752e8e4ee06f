package admin_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"mirrorgate/gateway/admin"
	"mirrorgate/test/harness"
)

// pending lists what is described and not answered yet.
func pending() []string {
	return []string{
		"GET /api/v1/overview",
		"GET /api/v1/sites", "GET /api/v1/sites/{site}", "PATCH /api/v1/sites/{site}", "DELETE /api/v1/sites/{site}/switches",
		"GET /api/v1/sites/{site}/rules", "PUT /api/v1/sites/{site}/rules", "DELETE /api/v1/sites/{site}/rules",
		"PATCH /api/v1/sites/{site}/rules/{rule}",
		"GET /api/v1/migration", "GET /api/v1/migration/history", "PUT /api/v1/migration/inventory/{site}",
	}
}

// What is answered is described, and the other way round. The page is not part of the API.
func TestEveryRouteIsDescribed(t *testing.T) {
	doc := harness.NewOpenAPI(t, admin.OpenAPIDocument())
	described := doc.Operations()
	for _, route := range admin.Routes() {
		_, path, _ := strings.Cut(route, " ")
		if !strings.HasPrefix(path, "/api/") && path != "/health" && path != "/metrics" {
			continue
		}
		if !slices.Contains(described, route) || slices.Contains(pending(), route) {
			t.Errorf("%s is not in openapi.json, or said to be pending", route)
		}
	}
	for _, op := range described {
		if !slices.Contains(admin.Routes(), op) && !slices.Contains(pending(), op) {
			t.Errorf("%s is described, and not answered", op)
		}
	}
}

// described are the types that have a schema of their own.
func described() []any {
	return []any{
		admin.Ask{}, admin.ConfigView{}, admin.Distribution{}, admin.Explanation{}, admin.FleetState{}, admin.HeavyHitter{}, admin.History{},
		admin.HistoryPoint{}, admin.Inventory{}, admin.KeyResult{}, admin.KeysRequest{}, admin.Left{}, admin.LogLevel{}, admin.LostItem{},
		admin.Member{}, admin.MemoryState{}, admin.Migration{}, admin.MigrationRule{}, admin.MigrationSite{}, admin.MigrationSpan{},
		admin.Mistake{}, admin.Origin{}, admin.OriginRequest{}, admin.OutcomeCount{}, admin.Overview{}, admin.PurgeRequest{}, admin.Purged{},
		admin.QueueItem{}, admin.QueuePage{}, admin.QueueResult{}, admin.QueueRetried{}, admin.QueueSummary{}, admin.ReloadState{}, admin.Rule{},
		admin.RuleChange{}, admin.RuleSet{}, admin.RuleSwitches{}, admin.RulesChange{}, admin.SaveCount{}, admin.Site{}, admin.Switches{},
		admin.Trial{}, admin.TrialRequest{},
	}
}

// A schema has exactly the fields of its type, takes no others, and asks for those that are always there.
func TestSchemasAreTheTypes(t *testing.T) {
	doc := harness.NewOpenAPI(t, admin.OpenAPIDocument())
	for _, v := range described() {
		of := reflect.TypeOf(v)
		s := doc.Schema(of.Name())
		if s == nil {
			t.Errorf("%s has no schema", of.Name())
			continue
		}
		all, always := fieldsOf(of)
		var has []string
		for name := range s.Properties {
			has = append(has, name)
		}
		slices.Sort(has)
		if !slices.Equal(has, all) || s.AdditionalProperties.Has == nil || *s.AdditionalProperties.Has {
			t.Errorf("%s: the schema has %q, the type %q", of.Name(), has, all)
		}
		for _, name := range always {
			if !slices.Contains(s.Required, name) {
				t.Errorf("%s: %s is always there, and not required", of.Name(), name)
			}
		}
	}
}

// fieldsOf lists the JSON names of a type, and those that are never left out.
func fieldsOf(of reflect.Type) (all, always []string) {
	for i := range of.NumField() {
		f := of.Field(i)
		if f.Anonymous {
			inner, needed := fieldsOf(f.Type)
			all, always = append(all, inner...), append(always, needed...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if all = append(all, name); options == "" {
			always = append(always, name)
		}
	}
	slices.Sort(all)
	return all, always
}

// call is a request to an operation and what comes of it.
type call struct {
	op     string // METHOD PATH of the document
	query  string
	body   string
	status int
	well   bool // the document has nothing against the request
}

// calls has for every operation that takes something a good request and bad ones.
func calls() []call {
	good := func(op, query, body string) call { return call{op, query, body, 200, true} }
	keys := `{"site": "s", "keys": [` + strings.Repeat(`"k", `, 1000) + `"k"]}`
	long := `{"site": "` + strings.Repeat("s", 1<<20) + `", "keys": ["k"]}`
	list := []call{
		good("GET /health", "", ""), good("GET /metrics", "", ""), good("GET /api/v1/openapi.json", "", ""),
		good("GET /api/v1/members", "", ""), good("GET /api/v1/config", "", ""), good("GET /api/v1/log", "", ""),
		good("GET /api/v1/origins", "", ""),
		good("GET /api/v1/queue", "", ""), good("GET /api/v1/queue", "site=a&state=dead&limit=1000&after=1", ""),
		{"GET /api/v1/queue", "limit=0", "", 400, false}, {"GET /api/v1/queue", "state=waiting", "", 400, false},
		{"GET /api/v1/queue", "after=none", "", 404, true}, {"GET /api/v1/queue", "other=1", "", 400, true},
		good("GET /api/v1/explain", "url=http://h/a&header=Accept:+x&header=B:c", ""),
		{"GET /api/v1/explain", "", "", 400, false}, {"GET /api/v1/explain", "url=h/a", "", 400, false},
		{"GET /api/v1/explain", "url=http://h/a&header=x", "", 400, false}, {"GET /api/v1/explain", "url=http://h/a&x=y", "", 400, true},
		good("POST /api/v1/trial", "", `{"url": "http://h/a", "method": "HEAD", "headers": {"Accept": "x"}}`),
		{"POST /api/v1/trial", "", `{"url": "h"}`, 422, false}, {"POST /api/v1/trial", "", `{"url": "http://down/"}`, 502, true},
		good("POST /api/v1/origins/drain", "", `{"site": "s", "rule": "r", "target": "primary"}`),
		{"POST /api/v1/origins/drain", "", `{"site": "none", "rule": "r", "target": "primary"}`, 404, true},
		{"POST /api/v1/origins/pause", "", `{"site": "s", "rule": "r", "target": "primary"}`, 422, false},
		{"POST /api/v1/origins/resume", "", `{"site": "none", "rule": "r"}`, 404, true},
		good("POST /api/v1/origins/pause", "", `{"site": "s", "rule": "r"}`), good("POST /api/v1/origins/resume", "", `{"site": "s", "rule": "r"}`),
		good("POST /api/v1/queue/retry", "", `{"ids": ["1", "none"]}`), good("POST /api/v1/queue/retry", "", `{"all": true}`),
		{"POST /api/v1/queue/retry", "", `{"ids": ["1"], "all": true}`, 422, false}, {"POST /api/v1/queue/retry", "", `{}`, 422, false},
		good("POST /api/v1/queue/drop", "", `{"ids": ["1", "none"]}`), {"POST /api/v1/queue/drop", "", `{"ids": []}`, 422, false},
		good("POST /api/v1/queue/pause", "", ""), good("POST /api/v1/queue/resume", "", "{}"),
		good("POST /api/v1/purge", "", `{"site": "s", "keys": ["k"]}`), good("POST /api/v1/purge", "", `{"site": "s", "prefix": ""}`),
		{"POST /api/v1/purge", "", `{"site": "s"}`, 422, false}, {"POST /api/v1/purge", "", `{"site": "none", "prefix": ""}`, 404, true},
		{"POST /api/v1/purge", "", `{"site": "s", "keys": ["k"], "prefix": "x"}`, 422, false},
		good("POST /api/v1/reload", "", ""), good("PUT /api/v1/log", "", `{"level": "debug"}`),
		{"PUT /api/v1/log", "", `{"level": "loud"}`, 422, false},
	}
	for _, op := range []string{"POST /api/v1/pull", "POST /api/v1/refresh"} {
		list = append(list, good(op, "", `{"site": "s", "keys": ["good", "bad"]}`), call{op, "", keys, 422, false},
			call{op, "", `{"site": "s", "keys": []}`, 422, false}, call{op, "", long, 413, true},
			call{op, "", `{"site": "none", "keys": ["k"]}`, 404, true})
	}
	for _, op := range taking() {
		list = append(list, call{op, "", `{`, 400, false}, call{op, "", `{"other": 1}`, 400, false}, call{op, "", `[1]`, 400, false})
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

// Every operation does what the document says, with good requests and with bad ones.
func TestOperationsAreAsDescribed(t *testing.T) {
	base := serveWith(t, complete())
	doc := harness.NewOpenAPI(t, admin.OpenAPIDocument())
	reached := make(map[string][]int)
	for _, c := range calls() {
		op, status, text, wrong := doc.Exchange(t, request(t, base, c, token), c.body)
		reached[op] = append(reached[op], status)
		if op != c.op || status != c.status || (wrong == nil) != c.well {
			t.Errorf("%s ?%s %.80s: %s, %d, %.200s, want %d; the document has against it: %v", c.op, c.query, c.body, op, status, text, c.status, wrong)
		}
	}
	for _, route := range admin.Routes() {
		_, path, _ := strings.Cut(route, " ")
		if !strings.HasPrefix(path, "/api/") {
			continue
		}
		bad := slices.ContainsFunc(reached[route], func(status int) bool { return status >= 400 })
		if !slices.Contains(reached[route], 200) || slices.Contains(taking(), route) && !bad {
			t.Errorf("%s was only tried to answer %v: add good and bad requests", route, reached[route])
		}
	}
}

// Who may not, is refused by every operation in the way that the document says.
func TestRefusalsAreAsDescribed(t *testing.T) {
	doc := harness.NewOpenAPI(t, admin.OpenAPIDocument())
	f := func(config admin.Config, host, given string, want func(op string) int) {
		t.Helper()
		o := complete()
		o.Config = config
		base := serveWith(t, o)
		for _, route := range admin.Routes() {
			if !slices.Contains(doc.Operations(), route) {
				continue
			}
			r := request(t, base, call{op: route}, given)
			r.Host = host
			op, status, text, _ := doc.Exchange(t, r, "")
			if wanted := want(op); wanted != 0 && status != wanted {
				t.Errorf("%s: %d, %s, want %d", op, status, text, wanted)
			}
		}
	}
	api := func(status int) func(string) int {
		return func(op string) int {
			if strings.Contains(op, "/api/") {
				return status
			}
			return 0
		}
	}
	f(admin.Config{Listen: ":1", Token: token}, "", "", api(401))
	f(admin.Config{Listen: ":1"}, "", "", api(403))
	f(admin.Config{Listen: ":1", Token: token}, "evil.example", token, func(string) int { return 421 })
	tried := 0
	f(admin.Config{Listen: ":1", Token: token}, "", "a-wrong-token-of-the-tests", func(op string) int {
		if api(1)(op) == 0 {
			return 0
		}
		if tried++; tried <= 5 {
			return 401
		}
		return 429
	})
}

// Failures inside are described, too.
func TestFailuresAreAsDescribed(t *testing.T) {
	o := complete()
	broken := &control{err: errors.New("the disk is gone")}
	q := newQueue(1)
	q.broken = broken.err
	o.Control, o.Queue = broken, q
	base := serveWith(t, o)
	doc := harness.NewOpenAPI(t, admin.OpenAPIDocument())
	for _, c := range []call{
		{op: "GET /api/v1/queue"}, {op: "POST /api/v1/queue/retry", body: `{"ids": ["1"]}`}, {op: "POST /api/v1/queue/retry", body: `{"all": true}`},
		{op: "POST /api/v1/queue/drop", body: `{"ids": ["1"]}`}, {op: "POST /api/v1/queue/pause"}, {op: "GET /api/v1/config"}, {op: "POST /api/v1/reload"},
	} {
		if _, status, text, _ := doc.Exchange(t, request(t, base, c, token), c.body); status != 500 {
			t.Errorf("%s: %d, %s", c.op, status, text)
		}
	}
	broken.err = &admin.InvalidError{Mistakes: []admin.Mistake{{Path: "a", Line: 1, Problem: "b"}}}
	if _, status, text, _ := doc.Exchange(t, request(t, base, call{op: "POST /api/v1/reload"}, token), ""); status != 422 {
		t.Errorf("a file with mistakes: %d, %s", status, text)
	}
}

// request makes a call's request.
func request(t *testing.T, base string, c call, given string) *http.Request {
	t.Helper()
	method, path, _ := strings.Cut(c.op, " ")
	path = strings.NewReplacer("{site}", "s", "{rule}", "r").Replace(path)
	r, err := http.NewRequestWithContext(t.Context(), method, base+path+"?"+c.query, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if given != "" {
		r.Header.Set("Authorization", "Bearer "+given)
	}
	return r
}

// complete is a listener that does what it is asked for; some names make it refuse.
func complete() admin.Options {
	now := time.Unix(1e9, 0)
	return admin.Options{
		Config: admin.Config{Listen: "127.0.0.1:1", Token: token}, Queue: newQueue(3), Origins: someOrigins{},
		Control: &refusing{control: &control{}}, Sites: someSites{},
		Refresh: func(_ context.Context, _, key string) (string, error) {
			if key == "bad" {
				return "", errors.New("cannot be had")
			}
			return "unchanged", nil
		},
		Fleet: func(context.Context) admin.FleetState {
			return admin.FleetState{Members: []admin.Member{{ID: "a", Started: now, Seen: now, Me: true}}, Unknown: "why"}
		},
		Explain: func(given string, _ http.Header) (admin.Explanation, error) {
			if !strings.HasPrefix(given, "http://") {
				return admin.Explanation{}, errors.New("no URL")
			}
			return admin.Explanation{
				Site: "s", Key: "a", Answer: "pulled", Rule: "r", Mode: "mirror", State: "paused", When: "miss", Asks: []admin.Ask{{Target: "primary", URL: given}},
				Location: given, Headers: map[string]string{"Via": "x"}, StoredAs: "there", Keep: true, Why: "so",
			}, nil
		},
		Trial: func(_ context.Context, _, given string, _ http.Header) (admin.Trial, error) {
			switch given {
			case "h":
				return admin.Trial{}, admin.Invalid("url", "no URL")
			case "http://down/":
				return admin.Trial{}, errors.New("nobody there")
			}
			return admin.Trial{Status: 200, Header: http.Header{"Via": {"x"}}, Bytes: 1, SHA256: "ab", Cut: true, Error: "x", FirstMS: 0.5, TotalMS: 1}, nil
		},
	}
}
