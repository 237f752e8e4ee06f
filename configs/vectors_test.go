package configs

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

type ruleCase struct {
	Name  string         `json:"name"`
	Order string         `json:"order"`
	Rule  map[string]any `json:"rule"`
	Path  string         `json:"path"`
}

func ruleCases(t *testing.T) (mistakes, fine []ruleCase) {
	t.Helper()
	data, err := os.ReadFile("testdata/rewrite.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases struct{ Mistakes, Fine []ruleCase }
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases.Mistakes) == 0 || len(cases.Fine) == 0 {
		t.Fatal("no cases")
	}
	return cases.Mistakes, cases.Fine
}

// yaml is a configuration with the rule, completed where the case leaves out what does not matter.
func (c ruleCase) yaml() string {
	rule := maps.Clone(c.Rule)
	rule["id"] = "r"
	if _, ok := rule["origin"]; !ok && rule["mode"] != "deny" {
		rule["origin"] = map[string]any{"primary": "http://www.myweb.com"}
	}
	order := c.Order
	if order == "" {
		order = "exclusive"
	}
	return "sites:\n- name: s\n  hosts: [s.example]\n  bucket: {dir: /nowhere/b}\n  rule_order: " + order + "\n  rules:\n  -" +
		block(rule, "    ")[3:]
}

// block writes a value as block YAML, each line indented.
func block(v any, indent string) string {
	var out strings.Builder
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if nested, ok := v[key].(map[string]any); ok && len(nested) > 0 {
				out.WriteString(indent + key + ":\n" + block(nested, indent+"  "))
			} else {
				text, _ := json.Marshal(v[key])
				fmt.Fprintf(&out, "%s%s: %s\n", indent, key, text)
			}
		}
	}
	return out.String()
}

func TestVectorMistakes(t *testing.T) {
	mistakes, _ := ruleCases(t)
	for _, c := range mistakes {
		t.Run(c.Name, func(t *testing.T) {
			text := c.yaml()
			_, err := Parse([]byte(text), noEnv)
			var list Mistakes
			if !errors.As(err, &list) {
				t.Fatalf("got %v, want Mistakes for\n%s", err, text)
			}
			want := "sites[0].rules[0]." + c.Path
			i := slices.IndexFunc(list, func(m Mistake) bool { return m.Path == want })
			if i < 0 {
				t.Fatalf("got %v, want one at %s", err, want)
			}
			if line := strings.Split(text, "\n")[list[i].Line-1]; !strings.Contains(line, nameOf(c)) {
				t.Errorf("line %d is %q, which does not hold %s", list[i].Line, line, want)
			}
		})
	}
}

// nameOf is the last name of the case's path that stands in its file.
func nameOf(c ruleCase) string {
	name := index.ReplaceAllString(c.Path[strings.LastIndexByte(c.Path, '.')+1:], "")
	if !strings.Contains(c.yaml(), name+":") {
		name, _, _ = strings.Cut(c.Path, ".")
	}
	return name + ":"
}

func TestVectorFine(t *testing.T) {
	_, fine := ruleCases(t)
	for _, c := range fine {
		t.Run(c.Name, func(t *testing.T) {
			if _, err := Parse([]byte(c.yaml()), noEnv); err != nil {
				t.Errorf("%v\n%s", err, c.yaml())
			}
		})
	}
}
