package rules

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

var testIdentity = Identity{UserAgent: "mirrorgate/1", Via: "mirrorgate", LoopToken: "mirrorgate-x1"}

// one is a set of one rule with defaults, changed by change.
func one(t *testing.T, change func(c *Config)) *Set {
	t.Helper()
	return oneIn(t, DefaultSetConfig(), change)
}

// oneIn is one in a site that says this.
func oneIn(t *testing.T, site SetConfig, change func(c *Config)) *Set {
	t.Helper()
	c := mirror("r", Match{})
	change(&c)
	if found := mistakes(func(r func(string, string)) { ValidateSet(site, []Config{c}, r) }); found != nil {
		t.Fatalf("mistakes: %q", found)
	}
	return NewSet(site, []Config{c}, testIdentity)
}

// checkDecision fails unless d is what is wanted of a rule that matches r.
func checkDecision(t *testing.T, name string, r Request, d, want Decision) {
	t.Helper()
	d.Rule, want.Key = nil, r.Key
	if want.ObjectKey == "" {
		want.ObjectKey = r.Key
	}
	if want.State == "" {
		want.State = StateActive
	}
	if d != want {
		t.Errorf("%s: %+v; want %+v", name, d, want)
	}
}

func TestDecideModes(t *testing.T) {
	plain, query := Request{Key: "a"}, Request{Key: "a", Query: "w=2", HasQuery: true}
	f := func(name string, r Request, want Decision, change func(c *Config)) {
		t.Helper()
		checkDecision(t, name, r, one(t, change).Decide(r), want)
	}
	f("mirror", plain, Decision{Mode: ModeMirror, Keep: true}, func(c *Config) {})
	f("mirror, explicit", plain, Decision{Mode: ModeMirror, Keep: true}, func(c *Config) { c.When = WhenMiss })
	f("query none", query, Decision{Mode: ModeMirror, Keep: true}, func(c *Config) {})
	f("query same", query, Decision{Mode: ModeMirror, Keep: true, Query: "w=2", HasQuery: true},
		func(c *Config) { c.Forward.Query = QuerySame })
	f("query key", query, Decision{Mode: ModeMirror, Keep: true, Query: "w=2", HasQuery: true, ObjectKey: "a?w=2"},
		func(c *Config) { c.Forward.Query = QueryKey })
	f("query key without a query", plain, Decision{Mode: ModeMirror, Keep: true},
		func(c *Config) { c.Forward.Query = QueryKey })
	f("an empty query", Request{Key: "a", HasQuery: true}, Decision{Mode: ModeMirror, Keep: true, HasQuery: true,
		ObjectKey: "a?"},
		func(c *Config) { c.Forward.Query = QueryKey })
	f("query skip", query, Decision{Mode: ModeProxy, Always: true, Query: "w=2", HasQuery: true},
		func(c *Config) { c.Forward.Query = QuerySkip })
	f("query skip without a query", plain, Decision{Mode: ModeMirror, Keep: true},
		func(c *Config) { c.Forward.Query = QuerySkip })
	f("proxy", plain, Decision{Mode: ModeProxy}, func(c *Config) { c.Mode = ModeProxy })
	f("proxy always", plain, Decision{Mode: ModeProxy, Always: true},
		func(c *Config) { c.Mode, c.When = ModeProxy, WhenAlways })
	f("redirect", plain, Decision{Mode: ModeRedirect, Keep: true, Status: 302},
		func(c *Config) { c.Mode = ModeRedirect })
	f("redirect always", plain, Decision{Mode: ModeRedirect, Keep: true, Always: true, Status: 308},
		func(c *Config) { c.Mode, c.When, c.Redirect.Code = ModeRedirect, WhenAlways, 308 })
	f("redirect, nothing kept", plain, Decision{Mode: ModeRedirect, Status: 302},
		func(c *Config) { c.Mode, c.Redirect.Store = ModeRedirect, false })
	f("redirect to a fixed name", plain, Decision{Mode: ModeRedirect, Status: 302},
		func(c *Config) { c.Mode, c.Rewrite.Fixed = ModeRedirect, "x" })
	f("redirect, query skip", query, Decision{Mode: ModeProxy, Always: true, Query: "w=2", HasQuery: true},
		func(c *Config) { c.Mode, c.Forward.Query = ModeRedirect, QuerySkip })
	deny := func(when When, query Query) func(c *Config) {
		return func(c *Config) {
			c.Mode, c.When, c.Forward.Query, c.Targets, c.Deny.Status = ModeDeny, when, query, nil, 451
		}
	}
	f("deny", plain, Decision{Mode: ModeDeny, Always: true, Status: 451}, deny("", QueryNone))
	f("deny always", plain, Decision{Mode: ModeDeny, Always: true, Status: 451}, deny(WhenAlways, QueryNone))
	f("deny what is missing", plain, Decision{Mode: ModeDeny, Status: 451}, deny(WhenMiss, QueryNone))
	f("deny, query skip", query, Decision{Mode: ModeDeny, Always: true, Status: 451, Query: "w=2", HasQuery: true},
		deny(WhenMiss, QuerySkip))
}

func TestDecideOrder(t *testing.T) {
	off := mirror("off", Match{})
	off.Enabled = false
	s := NewSet(DefaultSetConfig(), []Config{
		off, mirror("jpg", Match{Prefix: "a", Suffix: ".jpg"}), mirror("a", Match{Prefix: "a"}), mirror("b",
			Match{Prefix: "b"}),
	}, testIdentity)
	for key, want := range map[string]string{"a/x.jpg": "jpg", "a/x.png": "a", "b": "b", "c": ""} {
		d := s.Decide(Request{Key: key, Query: "q", HasQuery: true})
		got := ""
		if d.Rule != nil {
			got = d.Rule.ID()
		}
		if got != want {
			t.Errorf("%s falls to %q; want %q", key, got, want)
		}
		if want == "" && d != (Decision{Key: key, ObjectKey: key}) {
			t.Errorf("a decision without a rule: %+v", d)
		}
	}
	if plan, err := s.Decide(Request{Key: "c"}).Plan(nil); err != nil || plan.Asks != nil {
		t.Errorf("no rule asks %v, %v", plan.Asks, err)
	}
	if s.LoopToken() != "mirrorgate-x1" {
		t.Errorf("loop token %q", s.LoopToken())
	}
}

func TestLongStoredKey(t *testing.T) {
	s := one(t, func(c *Config) { c.Forward.Query = QueryKey })
	key := strings.Repeat("k", 1000)
	if d := s.Decide(Request{Key: key, Query: strings.Repeat("q", 23)}); d.Err != nil || len(d.ObjectKey) != 1024 {
		t.Errorf("%d bytes: %v", len(d.ObjectKey), d.Err)
	}
	d := s.Decide(Request{Key: key, Query: strings.Repeat("q", 24)})
	var bad *KeyError
	if _, err := d.Plan(nil); !errors.As(d.Err, &bad) || bad.Code != CodeKeyTooLong || !errors.Is(err, d.Err) {
		t.Errorf("1025 bytes: %v, plan %v", d.Err, err)
	}
}

// TestVariantsKeepApart shows that a file with "?" in its name is never pulled under the key of a variant, whichever
// rule it falls to.
func TestVariantsKeepApart(t *testing.T) {
	variants := mirror("variants", Match{Suffix: ".jpg"})
	variants.Forward.Query = QueryKey
	s := NewSet(DefaultSetConfig(), []Config{variants, mirror("rest", Match{})}, testIdentity)

	asked := s.Decide(Request{Key: "a.jpg", Query: "w=2", HasQuery: true})
	if plan, err := asked.Plan(nil); err != nil || asked.ObjectKey != "a.jpg?w=2" ||
		plan.Location() != "http://www.myweb.com/a.jpg?w=2" {
		t.Errorf("the variant: %q, %v, %v", asked.ObjectKey, plan.Asks, err)
	}
	for _, key := range []string{"a.jpg?w=2", "a.jpg?w=2.jpg", "a.jpg?", "x?a.jpg?y"} {
		if _, err := s.Decide(Request{Key: key}).Plan(nil); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, key := range []string{"a.png?w=2", "?a.jpg", "a?.jpg"} {
		if plan, err := s.Decide(Request{Key: key}).Plan(nil); err != nil || len(plan.Asks) != 1 {
			t.Errorf("%s: %v, %v", key, plan.Asks, err)
		}
	}
}

func TestDecideDoesNotAllocate(t *testing.T) {
	var configs []Config
	for i := range 20 {
		c := mirror(fmt.Sprint("rule-", i), Match{Prefix: fmt.Sprint("folder-", i, "/"), Suffix: ".jpg"})
		c.Forward.Query = QuerySame
		configs = append(configs, c)
	}
	configs[18].Mode, configs[17].Mode, configs[16].State = ModeDeny, ModeProxy, StateRetired
	for _, serve := range []Serve{ServeBucket, ServeOrigin} {
		site := DefaultSetConfig()
		site.Serve = serve
		s := NewSet(site, configs, testIdentity)
		for _, key := range []string{"folder-19/x.jpg", "folder-18/x.jpg", "folder-17/x.jpg", "folder-16/x.jpg", "x.png", "?"} {
			r := Request{Key: key, Query: "a=1&b=%20", HasQuery: true}
			var d Decision
			if n := testing.AllocsPerRun(100, func() { d = s.Decide(r) }); n != 0 {
				t.Errorf("%s: %v allocations for %+v", key, n, d)
			}
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	var configs []Config
	for i := range 20 {
		configs = append(configs, mirror(fmt.Sprint("rule-", i), Match{Prefix: fmt.Sprint("folder-", i, "/")}))
	}
	s := NewSet(DefaultSetConfig(), configs, testIdentity)
	for b.Loop() {
		if s.Decide(Request{Key: "folder-19/x.jpg"}).Rule == nil {
			b.Fatal("no rule")
		}
	}
}

func TestPlan(t *testing.T) {
	s := one(t, func(c *Config) {
		c.Match.Prefix, c.Rewrite.Replace = "old", "new"
		c.Forward.Query = QuerySame
		c.Forward.Headers.Set = map[string]string{"authorization": "Basic eDp5"}
		c.Targets = []Target{
			{Role: RolePrimary, Base: "https://a.example/base"},
			{Role: RoleBackup, Base: "https://s3.example/bucket", Signed: true},
		}
	})
	plan, err := s.Decide(Request{Key: "old/a b+c", Query: "v=1&acl&x=#é", HasQuery: true}).Plan(http.Header{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Ask{
		{RolePrimary, "https://a.example/base/new/a%20b+c?v=1&acl&x=%23%C3%A9"},
		{RoleBackup, "https://s3.example/bucket/new/a%20b%2Bc?v=1&x=%23%C3%A9"},
	}
	if fmt.Sprint(plan.Asks) != fmt.Sprint(want) {
		t.Errorf("asks %v; want %v", plan.Asks, want)
	}
	if plan.Path != "/new/a b+c" || len(plan.Secret) != 1 || !plan.Secret["Authorization"] {
		t.Errorf("path %q, secret %v", plan.Path, plan.Secret)
	}
	// The primary would be asked for a dot segment: the signed backup, which could be, is not asked either.
	if _, err := s.Decide(Request{Key: "old/../x"}).Plan(nil); !errors.Is(err, ErrRefused) {
		t.Errorf("dot segments with a signed backup: %v", err)
	}
}

func TestPlanOfUnchangedPathAndDeny(t *testing.T) {
	plan, err := one(t, func(c *Config) { c.Rewrite.Suffix = ".jpg" }).Decide(Request{Key: "a.jpg"}).Plan(nil)
	if err != nil || plan.Path != "" {
		t.Errorf("path %q, %v; nothing was rewritten", plan.Path, err)
	}
	plan, err = one(t, func(c *Config) { c.Mode = ModeDeny }).Decide(Request{Key: "a/.."}).Plan(nil)
	if err != nil || plan.Asks != nil || plan.Header != nil {
		t.Errorf("deny asks %v, %v", plan.Asks, err)
	}
}

func TestQueries(t *testing.T) {
	old, bucket := Target{}, Target{Signed: true}
	f := func(target Target, query, want string) {
		t.Helper()
		if got := target.withQuery("u", safeQuery(query)); got != want {
			t.Errorf("signed %v, query %q: %q; want %q", target.Signed, query, got, want)
		}
	}
	f(old, "", "u?")
	f(old, "a=1&acl&x-amz-y=%2f+", "u?a=1&acl&x-amz-y=%2f+")
	f(old, "a b\r\n#c\x00\xE9", "u?a%20b%0D%0A%23c%00%E9")

	f(bucket, "", "u")
	f(bucket, "user=7&b=%20&user=8", "u?user=7&b=%20&user=8")
	f(bucket, "acl", "u")
	f(bucket, "a=1&acl&b=2", "u?a=1&b=2")
	for _, name := range []string{
		"acl", "uploads", "uploadId", "partNumber", "versionId", "versions", "list-type", "tagging", "torrent",
		"retention", "legal-hold", "attributes", "restore", "select", "location", "policy",
		"response-content-type", "Response-Cache-Control", "X-Amz-Signature", "x-amz-anything",
		"%61cl", "a%63L", "+acl", "acl+", "x;acl", "Signature", "AWSAccessKeyId", "lambdaArn",
	} {
		f(bucket, name, "u")
		f(bucket, name+"=1", "u")
		f(bucket, "a=1&"+name+"=%00&b", "u?a=1&b")
	}
	f(bucket, "q=acl&aclx=1&x=response-x", "u?q=acl&aclx=1&x=response-x")
}
