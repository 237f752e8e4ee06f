package admin_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mirrorgate/gateway/admin"
	"mirrorgate/test/harness"
)

// What is answered is described, and the other way round. The files of the page are no part of the API.
func TestEveryRouteIsDescribed(t *testing.T) {
	isFile := func(route string) bool { return slices.Contains(admin.PageFiles(), route) }
	answered := slices.DeleteFunc(admin.Routes(), isFile)
	slices.Sort(answered)
	doc := harness.NewOpenAPI(t, admin.OpenAPIDocument())
	if described := doc.Operations(); !slices.Equal(answered, described) || len(described) < 30 {
		t.Errorf("answered:\n%s\ndescribed:\n%s", strings.Join(answered, "\n"), strings.Join(described, "\n"))
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

// Every operation does what the document says, with good requests and with bad ones.
func TestOperationsAreAsDescribed(t *testing.T) {
	doc := harness.NewOpenAPI(t, admin.OpenAPIDocument())
	reached := make(map[string][]int)
	try := func(base string, c call) {
		op, status, text, wrong := doc.Exchange(t, request(t, base, c, token), c.body)
		reached[op] = append(reached[op], status)
		if op != c.op || status != c.status || (wrong == nil) != c.well {
			t.Errorf("%s ?%s %.80s: %s, %d, %.200s, want %d; the document has against it: %v", c.op, c.query, c.body, op, status, text, c.status, wrong)
		}
	}
	base := serveWith(t, complete())
	for _, c := range calls() {
		try(base, c)
	}
	for _, s := range states() {
		o := complete()
		s.enter(&o)
		try(serveWith(t, o), s.call)
	}
	for _, route := range admin.Routes() {
		if slices.Contains(admin.PageFiles(), route) {
			continue
		}
		for _, status := range doc.Statuses(route) {
			elsewhere := []int{401, 403, 421, 429, 500} // as the tests below have it
			if !slices.Contains(reached[route], status) && !slices.Contains(elsewhere, status) {
				t.Errorf("%s was only tried to answer %v, and not %d", route, reached[route], status)
			}
		}
	}
}

const wrongToken = "a-wrong-token-of-the-tests"

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
			if r.Host = host; given == wrongToken { // another one each time: who repeats one does not guess
				r.Header.Set("Authorization", "Bearer "+given+route)
			}
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
	f(admin.Config{Listen: ":1", Token: token}, "", wrongToken, func(op string) int {
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
	failed := make(map[string]bool)
	for _, c := range failures() {
		op, status, text, _ := doc.Exchange(t, request(t, base, c, token), c.body)
		if failed[op] = true; status != c.status {
			t.Errorf("%s: %d, %s", c.op, status, text)
		}
	}
	for _, op := range doc.Operations() {
		if slices.Contains(doc.Statuses(op), 500) != failed[op] {
			t.Errorf("%s failed: %v, and the document has it otherwise", op, failed[op])
		}
	}
}
