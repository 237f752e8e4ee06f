package configs

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestLiveDocument(t *testing.T) {
	w, err := ParseRules([]byte(`[{"id": "a<b>", "n": 1.5e3, "on": true, "list": ["${X}", 404], "none": []}]`))
	if err != nil {
		t.Fatal(err)
	}
	serve, save, state := "origin", false, "retired"
	for _, live := range []Live{
		{}, {Serve: &serve, Save: &save}, {Rules: w}, {Rules: Written{&node{kind: kindList, line: 1}}},
		{Switches: map[string]RuleSwitch{"a": {State: &state, Enabled: &save}}},
	} {
		raw, err := live.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseLive(raw)
		again, _ := got.Encode()
		if err != nil || string(again) != string(raw) || got.Rules.IsZero() != live.Rules.IsZero() || !reflect.DeepEqual(got.Switches, live.Switches) {
			t.Errorf("%s: %v, again %s", raw, err, again)
		}
	}
	if raw, _ := (Live{}).Encode(); string(raw) != "{\n  \"version\": 1\n}" {
		t.Errorf("nothing changed: %s", raw)
	}
}

func TestLiveDocumentMistakes(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got, err := ParseLive([]byte(text))
		var list Mistakes
		if !errors.As(err, &list) || len(list) != 1 || !strings.Contains(list[0].String(), want) || !reflect.DeepEqual(got, Live{}) {
			t.Errorf("%.100s: got %v, want %q", text, err, want)
		}
	}
	f("", "not JSON")
	f("garbage", "not JSON")
	f("null", "version: is missing")
	f("[]", "version: is missing")
	f("{}", "version: is missing")
	f(`{"version": "1"}`, "version: is missing")
	f(`{"version": 2, "rules": 5, "what": "ever"}`, "this mirrorgate understands 1, not 2")
	f(`{"version": 1, "what": 1}`, "what: unknown field")
	f(`{"version": 1, "serve": true}`, "serve: must be a text")
	f(`{"version": 1, "serve": "${SECRET}"}`, "environment variable SECRET cannot be used here")
	f(`{"version": 1, "save": "maybe"}`, "save: must be true or false")
	f(`{"version": 1, "rules": {}}`, "rules: must be a list")
	f(`{"version": 1, "rules": [`+strings.Repeat("0,", maxRules)+`0]}`, "rules: at most 1000 rules")
	f(`{"version": 1, "switches": {"a": {"state": 1, "stat": "x"}}}`, "switches.a.stat: unknown field")
	f(`{"version": 1, "switches": [], "rules": []}`, "switches: must be a mapping")
	f(`{"version": 1}{}`, "not JSON")
	f(`{"version": 1, "serve": "`+strings.Repeat("x", MaxLive)+`"}`, "larger than")
}

// FuzzLive: whatever lies in the bucket, an answer in bounded time: it is in force, or there are mistakes that can be
// shown. What can be read can be kept and read again.
func FuzzLive(f *testing.F) {
	c, err := Parse([]byte(written), testEnv)
	if err != nil {
		f.Fatal(err)
	}
	raw, _ := json.Marshal(c.Written("two"))
	f.Add([]byte(`{"version": 1, "rules": ` + string(raw) + `, "serve": "origin", "save": false, "switches": {"a": {"state": "paused"}}}`))
	for _, text := range []string{"", "{}", `{"version":1}`, `{"version":2}`, `[[[[`, `{"version":1,"rules":[{"id":"a","id":"b"}]}`,
		`{"version":1,"rules":[{"id":"a","origin":{"primary":{"s3":{"secret_key":"x"}}},"forward":{"headers":{"set":{"a.b":"${SECRET}"}}}}]}`,
		`{"version":1,"rules":[null,0,"x",true,{"":{}}]}`, `{"version":1,"switches":{"a":{"enabled":true}}}`, "\xef\xbb\xbf{}"} {
		f.Add([]byte(text))
	}
	if data, err := os.ReadFile("testdata/mistakes.yaml"); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		begin := time.Now()
		live, err := ParseLive(data)
		showable(t, err)
		if err == nil {
			_, err := c.With(map[string]Live{"two": live})
			var failed LiveError
			if errors.As(err, &failed) {
				err = failed["two"]
			}
			showable(t, err)
			kept, err := live.Encode()
			again, err2 := ParseLive(kept)
			if err == nil && (err2 != nil || len(again.Rules.Changes(live.Rules)) > 0) {
				t.Errorf("kept as %s: %v", kept, err2)
			}
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// showable fails the test unless err is nil or mistakes that can be shown.
func showable(t *testing.T, err error) {
	t.Helper()
	var list Mistakes
	if err != nil && (!errors.As(err, &list) || len(list) == 0) {
		t.Errorf("%T: %v", err, err)
	}
	for _, m := range list {
		if m.Problem == "" || strings.ContainsAny(m.String(), "\n\r\x00\x1b") || strings.Contains(m.String(), "s3cr3t-Passw0rd") {
			t.Errorf("%q", m)
		}
	}
}
