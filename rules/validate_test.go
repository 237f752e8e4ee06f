package rules

import (
	"slices"
	"strings"
	"testing"
)

// checkReported fails unless the paths reported are exactly those wanted, in any order.
func checkReported(t *testing.T, name string, found, want []string) {
	t.Helper()
	var paths []string
	for _, m := range found {
		path, _, _ := strings.Cut(m, ": ")
		paths = append(paths, path)
	}
	slices.Sort(paths)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(paths, want) {
		t.Errorf("%s: reported %q; want %q", name, found, want)
	}
}

func TestValidateRule(t *testing.T) {
	f := func(name string, change func(c *Config), want ...string) {
		t.Helper()
		c := mirror("r", Match{})
		change(&c)
		checkReported(t, name, mistakes(func(r func(string, string)) { c.Validate(OrderFirstMatch, r) }), want)
	}
	backup := Target{Role: RoleBackup, Base: "http://b"}
	long := strings.Repeat("x", 600)

	f("defaults", func(c *Config) {})
	f("a long id", func(c *Config) { c.ID = strings.Repeat("a", 63) })
	for _, id := range []string{"", "A", "a_b", "é", strings.Repeat("a", 64)} {
		f("id "+id, func(c *Config) { c.ID = id }, "id")
	}
	f("state", func(c *Config) { c.State = "off" }, "state")
	for _, state := range []State{StatePaused, StateRetired} {
		for _, mode := range []Mode{ModeMirror, ModeProxy, ModeRedirect} {
			f(string(state), func(c *Config) { c.State, c.Mode = state, mode })
		}
		f(string(state)+" denial", func(c *Config) { c.State, c.Mode = state, ModeDeny }, "state")
	}
	f("when", func(c *Config) { c.When = "later" }, "when")
	f("mirror always", func(c *Config) { c.When = WhenAlways }, "when")
	f("proxy always", func(c *Config) { c.Mode, c.When = ModeProxy, WhenAlways })
	f("head", func(c *Config) { c.Head = "on" }, "head")
	f("deny without origin", func(c *Config) { c.Mode, c.Targets = ModeDeny, nil })
	f("deny with a primary", func(c *Config) { c.Mode = ModeDeny })
	f("deny with a backup", func(c *Config) { c.Mode, c.Targets = ModeDeny, append(c.Targets, backup) },
		"origin.backup")
	f("mirror with a backup", func(c *Config) { c.Targets = append(c.Targets, backup) })
	f("a backup alone", func(c *Config) { c.Targets = []Target{backup} }, "origin.primary")
	f("redirect, no primary", func(c *Config) { c.Mode, c.Targets = ModeRedirect, nil }, "origin.primary")
	f("redirect, backup", func(c *Config) { c.Mode, c.Targets = ModeRedirect, append(c.Targets, backup) },
		"origin.backup")
	f("redirect, signed", func(c *Config) { c.Mode, c.Targets[0].Signed = ModeRedirect, true }, "origin.primary")
	f("redirect, connect_to", func(c *Config) { c.Mode, c.Targets[0].ConnectTo = ModeRedirect, "1.2.3.4:80" },
		"origin.primary.connect_to")
	f("redirect, password", func(c *Config) { c.Mode, c.Targets[0].Base = ModeRedirect, "http://u:p@h" },
		"origin.primary")
	f("mirror, connect_to", func(c *Config) { c.Targets[0].ConnectTo = "1.2.3.4:80" })

	f("replace without a prefix", func(c *Config) { c.Rewrite.Replace = "a" }, "rewrite.replace")
	f("replace by a slash", func(c *Config) { c.Match.Prefix, c.Rewrite.Replace = "a", "/" }, "rewrite.replace")
	f("prefix of a slash", func(c *Config) { c.Rewrite.Prefix = "//" }, "rewrite.prefix")
	f("fixed", func(c *Config) { c.Mode, c.Rewrite.Fixed = ModeRedirect, "/" })
	f("fixed and suffix", func(c *Config) { c.Mode, c.Rewrite = ModeRedirect, Rewrite{Fixed: "a", Suffix: "b"} },
		"rewrite.fixed")
	f("fixed and crop", func(c *Config) {
		c.Mode, c.Match.Prefix, c.Rewrite = ModeRedirect, "a", Rewrite{Fixed: "a", Crop: true}
	}, "rewrite.fixed")
	f("fixed and skip", func(c *Config) {
		c.Mode, c.Rewrite.Fixed, c.Forward.Query = ModeRedirect, "a",
			QuerySkip
	}, "forward.query")
	f("fixed in proxy mode", func(c *Config) { c.Mode, c.Rewrite.Fixed = ModeProxy, "a" }, "rewrite.fixed")
	f("fixed that is refused", func(c *Config) { c.Mode, c.Rewrite.Fixed = ModeRedirect, "../x" }, "rewrite.fixed")
	f("a reserved prefix", func(c *Config) { c.Match.Prefix = ".mirrorgate/x" }, "match.prefix")
	f("NUL", func(c *Config) { c.Match = Match{"\x00", "\xE9"} }, "match.prefix", "match.suffix")
	f("longer than a key", func(c *Config) { c.Match = Match{long, long} }, "match")

	f("ten names", func(c *Config) { c.Forward.Headers.Drop = make10("a") })
	f("no names", func(c *Config) {
		c.Forward.Headers = Headers{Pass: Names{"a b"}, Drop: []string{"", "x:"}, Set: map[string]string{"é": ""}}
	}, "forward.headers.pass[0]", "forward.headers.drop[0]", "forward.headers.drop[1]", "forward.headers.set.é")
	f("all among names", func(c *Config) { c.Forward.Headers.Pass = Names{"X-A", "all"} }, "forward.headers.pass[1]")
	f("eleven to pass and set", func(c *Config) {
		c.Forward.Headers.Pass, c.Forward.Headers.Set = append(make10("p"), "x"), map[string]string{"x": ""}
		for _, name := range make10("s") {
			c.Forward.Headers.Set[name] = ""
		}
	}, "forward.headers.pass", "forward.headers.set")
	f("set twice", func(c *Config) { c.Forward.Headers.Set = map[string]string{"X-A": "", "x-a": ""} },
		"forward.headers.set.x-a")
	f("Authorization for a bucket", func(c *Config) {
		c.Targets[0].Signed, c.Forward.Headers.Set = true, map[string]string{"authorization": "x"}
	}, "forward.headers.set.authorization")

	f("store", func(c *Config) {
		c.Store = Store{StorageClass: "STANDARD_IA", Headers: []string{"Surrogate-Key", "Cache-Tag", "X-Robots-Tag",
			"Timing-Allow-Origin", "Vary"}, Override: overridable()}
	})
	f("storage class", func(c *Config) { c.Store.StorageClass = "a b" }, "store.storage_class")
	f("negative limit", func(c *Config) { c.Store.MaxObject = -1 }, "store.max_object")
	f("override", func(c *Config) { c.Store.Override = []string{"vary", "unproven"} }, "store.override[1]")
	f("21 headers", func(c *Config) {
		c.Store.Headers = slices.Concat(make10("a"), make10("b"), []string{"c"})
	}, "store.headers")
	f("headers not kept", func(c *Config) {
		c.Store.Headers = []string{"Link", "Set-Cookie", "etag", "link", "TE", "x-amz-id", "a b", "Age"}
	}, "store.headers[1]", "store.headers[2]", "store.headers[3]", "store.headers[4]", "store.headers[5]",
		"store.headers[6]",
		"store.headers[7]")
}

// make10 gives ten header names.
func make10(start string) []string {
	var names []string
	for c := 'a'; c < 'k'; c++ {
		names = append(names, start+string(c))
	}
	return names
}

func TestSecretsAreNotReported(t *testing.T) {
	c := mirror("r", Match{})
	c.Forward.Headers.Set = map[string]string{"X-Key": "hunter2\n", "Host": "hunter2"}
	for _, m := range mistakes(func(r func(string, string)) { c.Validate(OrderFirstMatch, r) }) {
		if strings.Contains(m, "hunter2") {
			t.Error(m)
		}
	}
}

func TestValidateSetConfig(t *testing.T) {
	f := func(name string, change func(c *SetConfig), want ...string) {
		t.Helper()
		c := DefaultSetConfig()
		change(&c)
		checkReported(t, name, mistakes(c.Validate), want)
	}
	f("defaults", func(c *SetConfig) {})
	f("nothing", func(c *SetConfig) { *c = SetConfig{} }, "serve", "key.case", "key.bad_utf8", "rule_order")
	f("serve", func(c *SetConfig) { c.Serve = ServeOrigin })
	f("serve from nowhere", func(c *SetConfig) { c.Serve = "memory" }, "serve")
	f("index", func(c *SetConfig) { c.Index = "a/index.html" })
	for _, index := range []string{"/", "/a", "a/", "a\x00", "\xE9", "..", "a/./b", ".mirrorgate/x",
		strings.Repeat("a", 1025)} {
		f("index "+index, func(c *SetConfig) { c.Index = index }, "index")
	}
	f("index in upper case", func(c *SetConfig) { c.Index, c.Key.Case = "Index.html", CaseLower }, "index")
	f("index with two slashes", func(c *SetConfig) { c.Index, c.Key.MergeSlashes = "a//b", true }, "index")
}

func TestValidateSet(t *testing.T) {
	f := func(name string, change func(c *SetConfig), rules []Config, want ...string) []string {
		t.Helper()
		c := DefaultSetConfig()
		change(&c)
		found := mistakes(func(r func(string, string)) { ValidateSet(c, rules, r) })
		checkReported(t, name, found, want)
		return found
	}
	first, exclusive := func(*SetConfig) {}, func(c *SetConfig) { c.Order = OrderExclusive }
	list := func(matches ...Match) (rules []Config) {
		for i, m := range matches {
			rules = append(rules, mirror(string(rune('a'+i)), m))
		}
		return rules
	}
	f("no rules", first, nil)
	f("one id twice", first, []Config{mirror("x", Match{Prefix: "a"}), mirror("x", Match{Prefix: "b"})}, "rules[1].id")
	f("a mistake inside", first, []Config{mirror("x", Match{}), {}}, "rules[1].id", "rules[1].state", "rules[1].mode",
		"rules[1].head", "rules[1].range", "rules[1].revalidate", "rules[1].deny.status", "rules[1].redirect.code",
		"rules[1].forward.query", "rules[1].origin.primary")

	hidden := f("hidden by a catch-all", first, list(Match{}, Match{Prefix: "b"}, Match{Suffix: ".x"}),
		"rules[1].match", "rules[2].match")
	if !strings.Contains(hidden[0], `"a"`) || !strings.Contains(hidden[0], `"b"`) {
		t.Errorf("%q does not name both rules", hidden[0])
	}
	f("equal", first, list(Match{"p", "s"}, Match{"p", "s"}), "rules[1].match")
	f("narrow before wide", first, list(Match{"img/", ".jpg"}, Match{"img/", ""}, Match{}))
	f("overlap both ways", first, list(Match{"ab", ".jpg"}, Match{"a", "x.jpg"}))
	f("prefix in the suffix", first, list(Match{Prefix: "ab"}, Match{"a", "b"}))
	f("told once", first, list(Match{}, Match{}, Match{Prefix: "x"}), "rules[1].match", "rules[2].match")

	off := list(Match{}, Match{Prefix: "b"})
	off[0].Enabled = false
	f("a disabled rule hides nothing", first, off)
	f("a disabled rule conflicts with nothing", exclusive, off)
	off[0].ID = "b"
	f("a disabled rule has its id", first, off, "rules[1].id")
	f("conflicts", exclusive, list(Match{Prefix: "a"}, Match{Suffix: "b"}, Match{}), "rules[1].match",
		"rules[2].match", "rules[2].match")
	f("a folder", exclusive, list(Match{Prefix: "a/"}), "rules[0].match.prefix")

	var many []Match
	for c := 'a'; c < 'u'; c++ {
		many = append(many, Match{Prefix: string(c)})
	}
	f("twenty", exclusive, list(many...))
	f("twenty-one", exclusive, list(append(many, Match{Prefix: "u"})...), "rules")
	f("twenty-one in order", first, list(append(many, Match{Prefix: "u"})...))
	f("an order that is none", func(c *SetConfig) { c.Order = "x" }, list(Match{}, Match{}))

	f("upper case", func(c *SetConfig) { c.Key.Case = CaseLower }, list(Match{"A", "é"}, Match{"b", ".JPG"}),
		"rules[0].match.prefix", "rules[1].match.suffix")
	f("escapes are upper case", func(c *SetConfig) { c.Key = KeyConfig{CaseLower, false, BadUTF8Escape} },
		list(Match{Prefix: "a%E9"}))
	f("slashes", func(c *SetConfig) { c.Key.MergeSlashes = true }, list(Match{"a//b", ""}, Match{"/c", "//"}),
		"rules[0].match.prefix", "rules[1].match.prefix", "rules[1].match.suffix")
	f("index", func(c *SetConfig) { c.Index = "i" }, list(Match{Prefix: "a/", Suffix: "/"}), "rules[0].match.suffix")
}
