package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// vectors is testdata/rewrite.json.
type vectors struct {
	Rewrite []struct {
		Name    string
		Match   Match
		Rewrite Rewrite
		Key     string
		Path    string
		Request string
		Primary string
		Mode    Mode
		Target  string
		Refused bool
	}
	Match []struct {
		Name    string
		Prefix  string
		Match   Match
		Key     string
		Matches bool
	}
	Conflict []struct {
		Name     string
		A, B     Match
		Conflict bool
	}
	Mistakes, Fine []struct {
		Name  string
		Order Order
		Rule  json.RawMessage
		Path  string
	}
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	text, err := os.ReadFile("testdata/rewrite.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Rewrite) == 0 || len(v.Match) == 0 || len(v.Conflict) == 0 || len(v.Mistakes) == 0 || len(v.Fine) == 0 {
		t.Fatal("testdata/rewrite.json lacks a part")
	}
	return v
}

// ruleFromJSON decodes a rule of the vectors, which is written in the names of the configuration.
func ruleFromJSON(t *testing.T, text json.RawMessage) Config {
	t.Helper()
	c := mirror("r", Match{})
	var j struct {
		Mode    *Mode
		When    When
		Match   Match
		Deny    *Deny
		Rewrite Rewrite
		Origin  *struct{ Primary, Backup string }
		Forward struct {
			Query   *Query
			Headers struct {
				Pass json.RawMessage
				Drop []string
				Set  map[string]string
			}
		}
		Redirect *Redirect
	}
	if err := json.Unmarshal(text, &j); err != nil {
		t.Fatal(err)
	}
	c.When, c.Match, c.Rewrite = j.When, j.Match, j.Rewrite
	override(&c.Mode, j.Mode)
	override(&c.Deny, j.Deny)
	override(&c.Redirect, j.Redirect)
	override(&c.Forward.Query, j.Forward.Query)
	c.Forward.Headers.Drop, c.Forward.Headers.Set = j.Forward.Headers.Drop, j.Forward.Headers.Set
	c.Forward.Headers.Pass = namesFromJSON(t, j.Forward.Headers.Pass)
	if j.Origin != nil {
		c.Targets = nil
		for _, target := range []Target{{Role: RolePrimary, Base: j.Origin.Primary}, {Role: RoleBackup,
			Base: j.Origin.Backup}} {
			if target.Base != "" {
				c.Targets = append(c.Targets, target)
			}
		}
	}
	return c
}

func override[T any](value *T, with *T) {
	if with != nil {
		*value = *with
	}
}

func namesFromJSON(t *testing.T, text json.RawMessage) (n Names) {
	t.Helper()
	var word string
	switch {
	case text == nil:
	case json.Unmarshal(text, &word) == nil:
		if err := n.UnmarshalText([]byte(word)); err != nil {
			t.Fatal(err)
		}
	default:
		if err := json.Unmarshal(text, (*[]string)(&n)); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// mirror is a rule with defaults and one URL target.
func mirror(id string, m Match) Config {
	var c Config
	c.SetDefaults()
	c.ID, c.Match = id, m
	c.Targets = []Target{{Role: RolePrimary, Base: "http://www.myweb.com"}}
	return c
}

// mistakes collects what a Validate reports, as "path: problem".
func mistakes(validate func(report func(path, problem string))) []string {
	var found []string
	validate(func(path, problem string) { found = append(found, path+": "+problem) })
	return found
}

func reports(found []string, path string) bool {
	return slices.ContainsFunc(found, func(m string) bool { return strings.HasPrefix(m, path+": ") })
}

func TestVectorsRewrite(t *testing.T) {
	for _, v := range readVectors(t).Rewrite {
		t.Run(v.Name, func(t *testing.T) {
			target := Target{Role: RolePrimary, Base: "http://www.myweb.com"}
			if v.Primary != "" {
				target.Base = strings.TrimSuffix(v.Primary, "/")
			}
			host := "http://www.myweb.com"
			if v.Primary != "" {
				host = "http://o.example"
			}
			if v.Target == "s3" {
				host = "http://s3.example/bucket"
				target = Target{Role: RolePrimary, Base: host, Signed: true}
			}
			c := mirror("r", v.Match)
			c.Rewrite, c.Targets = v.Rewrite, []Target{target}
			if v.Mode != "" {
				c.Mode = v.Mode
			}
			if found := mistakes(func(r func(string, string)) { c.Validate(OrderFirstMatch, r) }); found != nil {
				t.Fatalf("mistakes in the rule: %q", found)
			}
			if v.Request != "" {
				if key, err := Key(v.Request, DefaultSetConfig()); key != v.Key || err != nil {
					t.Errorf("Key(%q) = %q, %v; want %q", v.Request, key, err, v.Key)
				}
			}
			d := NewSet(DefaultSetConfig(), []Config{c}, Identity{}).Decide(Request{Key: v.Key})
			if d.Rule == nil || d.ObjectKey != v.Key {
				t.Fatalf("Decide(%q) = rule %v, object key %q", v.Key, d.Rule, d.ObjectKey)
			}
			plan, err := d.Plan(nil)
			if v.Refused {
				if !errors.Is(err, ErrRefused) || plan.Location() != "" {
					t.Errorf("Plan = %v, %v; want ErrRefused", plan.Asks, err)
				}
				return
			}
			if want := host + v.Path; err != nil || plan.Location() != want {
				t.Errorf("asked %q, %v; want %q", plan.Location(), err, want)
			}
		})
	}
}

func TestVectorsMatch(t *testing.T) {
	for _, v := range readVectors(t).Match {
		m := v.Match
		if got := m.Matches(v.Key); got != v.Matches {
			t.Errorf("%s: %+v matches %q: %v", v.Name, m, v.Key, got)
		}
	}
}

func TestVectorsConflict(t *testing.T) {
	c := DefaultSetConfig()
	c.Order = OrderExclusive
	for _, v := range readVectors(t).Conflict {
		for _, pair := range [][2]Match{{v.A, v.B}, {v.B, v.A}} {
			found := mistakes(func(r func(string, string)) {
				ValidateSet(c, []Config{mirror("first", pair[0]), mirror("second", pair[1])}, r)
			})
			if v.Conflict != (len(found) == 1) {
				t.Errorf("%s: found %q", v.Name, found)
			}
			if v.Conflict && !(reports(found, "rules[1].match") &&
				strings.Contains(found[0], `"first"`) && strings.Contains(found[0], `"second"`)) {
				t.Errorf("%s: %q does not name both rules", v.Name, found)
			}
		}
	}
}

func TestVectorsMistakes(t *testing.T) {
	for _, v := range readVectors(t).Mistakes {
		if v.Name == "ftp origin" {
			continue // inside a target: package origin
		}
		c, order := ruleFromJSON(t, v.Rule), v.Order
		if order == "" {
			order = OrderExclusive
		}
		if found := mistakes(func(r func(string, string)) { c.Validate(order, r) }); !reports(found, v.Path) {
			t.Errorf("%s: found %q; want %s", v.Name, found, v.Path)
		}
	}
}

func TestVectorsFine(t *testing.T) {
	for _, v := range readVectors(t).Fine {
		c, order := ruleFromJSON(t, v.Rule), v.Order
		if order == "" {
			order = OrderExclusive
		}
		if found := mistakes(func(r func(string, string)) { c.Validate(order, r) }); found != nil {
			t.Errorf("%s: found %q", v.Name, found)
		}
	}
}

// TestMatchAlgebra tries conflicts and covers against every key of a small alphabet.
func TestMatchAlgebra(t *testing.T) {
	parts := words("ab", 3)
	keys := words("ab", 9)
	var all []Match
	for _, prefix := range parts {
		for _, suffix := range parts {
			if len(prefix)+len(suffix) <= 4 {
				all = append(all, Match{prefix, suffix})
			}
		}
	}
	matched := make([]map[string]bool, len(all))
	for i, m := range all {
		matched[i] = make(map[string]bool)
		for _, key := range keys {
			if m.Matches(key) {
				matched[i][key] = true
			}
		}
	}
	for i, a := range all {
		for j, b := range all {
			common := 0
			for key := range matched[j] {
				if matched[i][key] {
					common++
				}
			}
			if got := a.conflicts(b); got != (common > 0) {
				t.Fatalf("%+v conflicts with %+v: %v, keys in common: %d", a, b, got, common)
			}
			if got := a.covers(b); got != (common == len(matched[j])) {
				t.Fatalf("%+v covers %+v: %v, %d of %d keys", a, b, got, common, len(matched[j]))
			}
		}
	}
}

// words gives every word of up to n letters.
func words(alphabet string, n int) []string {
	all := []string{""}
	for from := 0; n > 0; n-- {
		next := len(all)
		for _, word := range all[from:next] {
			for _, c := range alphabet {
				all = append(all, fmt.Sprintf("%s%c", word, c))
			}
		}
		from = next
	}
	return all
}
