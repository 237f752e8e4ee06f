package configs

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"mirrorgate/rules"
)

// written is a site whose rules hold what must be shown as it was written, and what must not be shown.
const written = `server:
  listen: 127.0.0.1:8080
data_dir: /nowhere/data
sites:
- name: one
  hosts: [one.example.com]
  bucket: {prefix: one/, s3: {endpoint: "http://127.0.0.1:9000", name: media}}
  rules:
  - &a
    id: a
    match: {prefix: "${PREFIX}/a"}
    origin: {primary: "${ORIGIN}", timeouts: {answer: 20s}, max_bandwidth: 5MiB}
    forward: {headers: {set: {Authorization: "Bearer ${SECRET}", X.Dotted.Key: "s3cr3t-literal", Plain: ""}}}
    rewrite:
  - {<<: *a, id: b, match: {prefix: "//x@y/"}, enabled: false}
  - id: c
    mode: proxy
    origin: {primary: {s3: {endpoint: "http://s3.example", name: buck, region: r, access_key: s3cr3t-literal, secret_key: "${SECRET}"}}}
- name: two
  hosts: [two.example.com]
  bucket: {prefix: two/, s3: {endpoint: "http://127.0.0.1:9000", name: media}}
  rules:
  - id: a
    origin: {primary: "https://old.example.com"}
`

func parseWritten(t *testing.T) *Config {
	t.Helper()
	c, err := Parse([]byte(written), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWritten(t *testing.T) {
	c := parseWritten(t)
	got, err := json.Marshal(c.Written("one"))
	const shared = `"origin":{"primary":"${ORIGIN}","timeouts":{"answer":"20s"},"max_bandwidth":"5MiB"},` +
		`"forward":{"headers":{"set":{"Authorization":"Bearer ${SECRET}","X.Dotted.Key":"***","Plain":""}}}`
	want := `[{"id":"a","match":{"prefix":"${PREFIX}/a"},` + shared + `},` +
		`{"id":"b","match":{"prefix":"//x@y/"},"enabled":false,` + shared + `},` +
		`{"id":"c","mode":"proxy","origin":{"primary":{"s3":{"endpoint":"http://s3.example","name":"buck","region":"r",` +
		`"access_key":"***","secret_key":"${SECRET}"}}}}]`
	if string(got) != want || err != nil {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
	if got, _ := json.Marshal(c.Written("none")); string(got) != "[]" {
		t.Errorf("of no site: %s", got)
	}
}

// put parses rules and puts them into the site one.
func put(t *testing.T, c *Config, text string) (*Config, Mistakes) {
	t.Helper()
	w, err := ParseRules([]byte(text))
	var list Mistakes
	if errors.As(err, &list) {
		return nil, list
	}
	changed, err := c.With(map[string]Live{"one": {Rules: w}})
	var failed LiveError
	if errors.As(err, &failed) {
		return nil, failed["one"]
	}
	if err != nil {
		t.Fatal(err)
	}
	return changed, nil
}

// What is put is checked like a file: every mistake, with its path in the rules and its line in the body.
func TestPutMistakes(t *testing.T) {
	c := parseWritten(t)
	f := func(text string, want ...string) {
		t.Helper()
		changed, list := put(t, c, text)
		if changed != nil || len(list) != len(want) {
			t.Errorf("%s:\ngot  %v\nwant %v", text, list, want)
			return
		}
		for i, m := range list {
			if path, problem, _ := strings.Cut(want[i], ": "); m.Path != path || !strings.Contains(m.String(), problem) {
				t.Errorf("%s:\ngot  %v\nwant %s", text, m, want[i])
			}
		}
	}
	f("[{}", ": not JSON")
	f("[]\n{}", ": (line 2)")
	f(`{"rules": [], "more": 1}`, "rules: must be a list of rules, not a mapping")
	f(`"x"`, "rules: must be a list")
	f("["+strings.Repeat("{},", maxRules)+"{}]", "rules: at most 1000 rules")
	f("\xff", ": not valid UTF-8")
	f(strings.Repeat("[", 60)+strings.Repeat("]", 60), ": over 48 deep")
	f(`[{"id": "a", "id": "b"}]`, "rules[0].id: given twice")
	f("[\n {\"id\": \"a\",\n  \"orign\": {}}]", "rules[0].origin.primary: needs a target", `rules[0].orign: did you mean "origin"? (line 3)`)
	f("[{\"id\": \"a\",\n \"match\": {\"prefix\": 1.5},\n \"origin\": {\"primary\": \"http://h\"}}]", "rules[0].match.prefix: must be a text, not a number; put it in quotes (line 2)")
	f(`[{"id": "a", "origin": {"primary": "http://h"}}, {"id": "a", "origin": {"primary": "http://h"}}]`,
		`rules[1].id: "a" is the id of rules[0] too`, "rules[1].match: no key can reach rule")
	f(`[{"id": "a", "origin": {"primary": "${MIRRORGATE_RULE_NONE}"}}]`, "rules[0].origin.primary: environment variable MIRRORGATE_RULE_NONE is not set")
	f(`[{"id": "a", "origin": {"primary": "https://one.example.com"}}]`, "rules[0].origin.primary: is this gateway's own address")
	f(`[{"id": "a", "enabled": null, "origin": {"primary": "http://h"}}]`, "rules[0].enabled: has no value")
}

// No secret is put but as a variable.
func TestPutSecrets(t *testing.T) {
	c := parseWritten(t)
	const set, s3 = "rules[0].forward.headers.set.", "rules[0].origin.primary.s3."
	f := func(path, value, problem string) {
		t.Helper()
		fields := map[string]any{"id": "a", "mode": "proxy", "origin": map[string]any{"primary": "http://h"}}
		switch name := path[strings.LastIndex(path, ".")+1:]; {
		case strings.HasPrefix(path, set):
			fields["forward"] = map[string]any{"headers": map[string]any{"set": map[string]any{strings.TrimPrefix(path, set): value}}}
		case strings.HasPrefix(path, s3):
			keys := map[string]any{"endpoint": "http://s3.example", "name": "buck", "region": "r", "access_key": "${SECRET}", "secret_key": "${SECRET}"}
			keys[name] = value
			fields["origin"] = map[string]any{"primary": map[string]any{"s3": keys}}
		default:
			fields["origin"] = map[string]any{"primary": value}
		}
		raw, _ := json.Marshal([]any{fields})
		_, list := put(t, c, string(raw))
		if problem == "" && list != nil || problem != "" && (len(list) == 0 || list[0].Path != path || !strings.Contains(list.Error(), problem)) {
			t.Errorf("%s: %q: got %v, want %q", path, value, list, problem)
		}
		if strings.Contains(list.Error(), "s3cr3t") {
			t.Errorf("shown: %v", list)
		}
	}
	for _, path := range []string{set + "Authorization", set + "X.Dotted.Key", s3 + "access_key", s3 + "secret_key", s3 + "session_token"} {
		f(path, "${SECRET}", "")
		f(path, "s3cr3t-Passw0rd", "can only be ${NAME}")
		f(path, "x${SECRET}", "can only be ${NAME}")
		f(path, "$${SECRET}", "can only be ${NAME}")
		f(path, "***", "stands for a secret that is not shown")
	}
	f(set+"Authorization", "Bearer ${SECRET}", "")
	f(set+"Authorization", "", "")
	f("rules[0].origin.primary", "https://user:s3cr3t@h", "can only be ${NAME}")
	f("rules[0].origin.primary", "https://***@h", "stands for a secret")
}

// Who puts rules has of the environment what the file's rules of that site use, and what is named for it.
func TestPutVariables(t *testing.T) {
	asked := make(map[string]int)
	c, err := Parse([]byte(strings.Replace(written, "server:", "admin: {token: \"${ADMIN_TOKEN}\"}\nserver:", 1)), func(name string) (string, bool) {
		asked[name]++
		if value, ok := testEnv(name); ok {
			return value, true
		}
		return "s3cr3t-" + name, name == "ADMIN_TOKEN" || name == "MIRRORGATE_RULE_KEY" || name == "HOME"
	})
	if err != nil {
		t.Fatal(err)
	}
	f := func(site, value string, refused ...string) {
		t.Helper()
		raw, _ := json.Marshal([]any{map[string]any{"id": "a", "origin": map[string]any{"primary": "http://h"},
			"forward": map[string]any{"headers": map[string]any{"set": map[string]any{"X-Key": value}}}}})
		w, err := ParseRules(raw)
		if err != nil {
			t.Fatal(err)
		}
		clear(asked)
		var list LiveError
		if _, err = c.With(map[string]Live{site: {Rules: w}}); err != nil && !errors.As(err, &list) || len(list[site]) != len(refused) {
			t.Fatalf("%s: %s: got %v, want %q refused", site, value, err, refused)
		}
		for i, name := range refused {
			want := "rules[0].forward.headers.set.X-Key: environment variable " + name + " cannot be used: rules that do not come from the file " +
				"may use only those that the file's own rules of the site use, and those whose names begin with MIRRORGATE_RULE_ (line 1)"
			if got := list[site][i].String(); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if asked[name] != 0 {
				t.Errorf("%s was looked up", name)
			}
		}
	}
	f("one", "${SECRET}")
	f("one", "Bearer ${SECRET}")
	f("one", "${ORIGIN}") // wherever the file's rules use it
	f("one", "${MIRRORGATE_RULE_KEY}")
	f("one", "${ADMIN_TOKEN}", "ADMIN_TOKEN") // used by the file, but not by its rules
	f("one", "${HOME}", "HOME")
	f("one", "${NO_SUCH}", "NO_SUCH") // the answer does not tell what there is
	f("two", "${SECRET}", "SECRET")   // another site's
	f("two", "${MIRRORGATE_RULE_KEY}")
	f("two", "${xMIRRORGATE_RULE_KEY}", "xMIRRORGATE_RULE_KEY")
}

// Nor has who puts rules what the gateway's own keys open, unless the file's rules use those keys.
func TestPutOwnKeys(t *testing.T) {
	c := parseWritten(t)
	const bucket = `{"endpoint": "http://s3.example", "name": "private", "region": "r"`
	f := func(target, bucket string, refused bool) {
		t.Helper()
		raw := `[{"id": "a", "mode": "proxy", "origin": {"primary": "http://h", ` + fmt.Sprintf("%q: {\"s3\": %s}}}]", target, bucket)
		raw = strings.Replace(raw, `"primary": "http://h", "primary"`, `"primary"`, 1)
		_, list := put(t, c, raw)
		path := "rules[0].origin." + target + ".s3.access_key"
		if refused != (len(list) == 1 && list[0].Path == path && strings.Contains(list[0].Problem, "the gateway's own keys")) || !refused && list != nil {
			t.Errorf("%s: %v, refused is to be %t", raw, list, refused)
		}
	}
	f("primary", bucket+"}", true)
	f("backup", bucket+"}", true)
	f("primary", bucket+`, "access_key": ""}`, true)
	f("primary", bucket+`, "anonymous": true}`, false)
	f("backup", bucket+`, "access_key": "${SECRET}", "secret_key": "${SECRET}"}`, false)
	c.Sites[0].Rules[2].Origin.Primary.S3.AccessKey, c.Sites[0].Rules[2].Origin.Primary.S3.SecretKey = "", ""
	f("primary", bucket+"}", false)
}

// A Live changes what it names and nothing else, and the configuration of the file not at all.
func TestWith(t *testing.T) {
	c := parseWritten(t)
	before, _ := json.Marshal(c.Written("one"))
	w, err := ParseRules([]byte(`{"rules": [{"id": "new", "match": {"prefix": "${PREFIX}/"}, "origin": {"primary": "http://h"}},
		{"id": "b", "origin": {"primary": "http://h"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	origin, off, on, paused := "origin", false, true, "paused"
	changed, err := c.With(map[string]Live{
		"one":  {Rules: w, Serve: &origin, Save: &off, Switches: map[string]RuleSwitch{"b": {State: &paused}, "gone": {Enabled: &off}}},
		"none": {Serve: &origin},
	})
	if err != nil {
		t.Fatal(err)
	}
	one, two := changed.Sites[0], changed.Sites[1]
	if one.Serve != rules.ServeOrigin || one.Save || len(one.Rules) != 2 || one.Rules[0].Match.Prefix != "img/" ||
		one.Rules[0].State != rules.StateActive || one.Rules[1].State != rules.StatePaused || len(one.Rules[0].Targets) != 1 {
		t.Errorf("one: %+v", one)
	}
	if lives := changed.Lives(); changed.File() != c || c.File() != c || len(lives) != 1 || lives["one"].Serve != &origin {
		t.Errorf("of the file %v, with %v", changed.File() == c, lives)
	}
	if two.Serve != rules.ServeBucket || !two.Save || len(two.Rules) != 1 {
		t.Errorf("two: %+v", two)
	}
	if got, _ := json.Marshal(changed.Written("one")); !strings.Contains(string(got), `"new"`) {
		t.Errorf("written: %s", got)
	}
	after, _ := json.Marshal(c.Written("one"))
	if s := c.Sites[0]; s.Serve != rules.ServeBucket || !s.Save || len(s.Rules) != 3 || s.Rules[0].ID != "a" || string(before) != string(after) {
		t.Errorf("the file's configuration has changed: %+v", s)
	}

	// Switches alone go over the file's rules.
	changed, err = c.With(map[string]Live{"one": {Switches: map[string]RuleSwitch{"b": {Enabled: &on}, "a": {State: &paused}}}})
	if err != nil || !changed.Sites[0].Rules[1].Enabled || changed.Sites[0].Rules[0].State != rules.StatePaused ||
		c.Sites[0].Rules[1].Enabled || c.Sites[0].Rules[0].State != rules.StateActive {
		t.Errorf("switched: %v, %+v; file: %+v", err, changed, c.Sites[0].Rules)
	}
	live := Live{Switches: map[string]RuleSwitch{"b": {}, "gone": {}}}
	if gone := live.Gone(&c.Sites[0]); len(gone) != 1 || gone[0] != "gone" {
		t.Errorf("gone: %v", gone)
	}
}

// Each site's mistakes are its own; what is wrong with the file meanwhile is nobody's.
func TestWithMistakes(t *testing.T) {
	c := parseWritten(t)
	c.Sites[1].Rules[0].Origin.Primary.TLS.CAFile = "/nowhere/ca.pem"
	bad, off := "nowhere", false
	_, err := c.With(map[string]Live{"one": {Serve: &bad, Switches: map[string]RuleSwitch{"a": {State: &bad}}}})
	if want := "site one: rules[0].state: unknown value \"nowhere\": use active, paused or retired\n" +
		"site one: serve: unknown value \"nowhere\": use bucket or origin"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %v", err, want)
	}
	if _, err := c.With(map[string]Live{"one": {Save: &off}}); err != nil {
		t.Errorf("a file that is gone is another site's: %v", err)
	}
	var failed LiveError
	if _, err := c.With(map[string]Live{"two": {Save: &off}}); !errors.As(err, &failed) || len(failed["two"]) != 1 {
		t.Errorf("a file that is gone: %v", err)
	}
}
