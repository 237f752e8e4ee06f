package rules

import "testing"

// TestServeOrigin: whatever the rule, the bucket is not asked and nothing is kept.
func TestServeOrigin(t *testing.T) {
	plain, query := Request{Key: "a"}, Request{Key: "a", Query: "w=2", HasQuery: true}
	site := DefaultSetConfig()
	site.Serve = ServeOrigin
	f := func(name string, r Request, want Decision, change func(c *Config)) {
		t.Helper()
		want.Always = true
		checkDecision(t, name, r, oneIn(t, site, change).Decide(r), want)
	}
	f("mirror", plain, Decision{Mode: ModeProxy}, func(c *Config) {})
	f("mirror, query none", query, Decision{Mode: ModeProxy}, func(c *Config) {})
	for _, policy := range []Query{QuerySame, QuerySkip} {
		f("mirror, query "+string(policy), query, Decision{Mode: ModeProxy, Query: "w=2", HasQuery: true},
			func(c *Config) { c.Forward.Query = policy })
	}
	f("mirror, query key", query, Decision{Mode: ModeProxy, Query: "w=2", HasQuery: true, ObjectKey: "a?w=2"},
		func(c *Config) { c.Forward.Query = QueryKey })
	f("mirror, paused", plain, Decision{Mode: ModeProxy, State: StatePaused}, func(c *Config) { c.State = StatePaused })
	f("proxy", plain, Decision{Mode: ModeProxy}, func(c *Config) { c.Mode = ModeProxy })
	f("redirect", plain, Decision{Mode: ModeRedirect, Status: 302}, func(c *Config) { c.Mode = ModeRedirect })
	f("redirect, query skip", query, Decision{Mode: ModeProxy, Query: "w=2", HasQuery: true},
		func(c *Config) { c.Mode, c.Forward.Query = ModeRedirect, QuerySkip })
	for _, when := range []When{"", WhenMiss, WhenAlways} {
		f("deny, when "+string(when), plain, Decision{Mode: ModeDeny, Status: 404},
			func(c *Config) { c.Mode, c.When = ModeDeny, when })
	}

	d := NewSet(site, []Config{mirror("r", Match{Prefix: "x"})}, testIdentity).Decide(plain)
	if d != (Decision{Key: "a", ObjectKey: "a", Always: true}) {
		t.Errorf("without a rule: %+v", d)
	}
}

// TestStates: the state changes nothing of where an answer comes from, but while no origin is asked nothing is kept.
func TestStates(t *testing.T) {
	plain, query := Request{Key: "a"}, Request{Key: "a", Query: "w=2", HasQuery: true}
	for _, state := range []State{StatePaused, StateRetired} {
		f := func(name string, r Request, want Decision, change func(c *Config)) {
			t.Helper()
			want.State = state
			d := one(t, func(c *Config) {
				c.State = state
				change(c)
			}).Decide(r)
			checkDecision(t, string(state)+" "+name, r, d, want)
		}
		f("mirror", plain, Decision{Mode: ModeMirror}, func(c *Config) {})
		f("proxy", plain, Decision{Mode: ModeProxy}, func(c *Config) { c.Mode = ModeProxy })
		f("proxy, always", plain, Decision{Mode: ModeProxy, Always: true},
			func(c *Config) { c.Mode, c.When = ModeProxy, WhenAlways })
		f("redirect", plain, Decision{Mode: ModeRedirect, Status: 302}, func(c *Config) { c.Mode = ModeRedirect })
		f("query skip", query, Decision{Mode: ModeProxy, Always: true, Query: "w=2", HasQuery: true},
			func(c *Config) { c.Forward.Query = QuerySkip })
	}
}
