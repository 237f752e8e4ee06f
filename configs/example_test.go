package configs

import (
	"bytes"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func noEnv(string) (string, bool) { return "", false }

// decodeExample gives the example's values, the line of each path, and the lines.
func decodeExample(t *testing.T) (c Config, places map[string]int, lines []string) {
	t.Helper()
	c = DefaultConfig()
	j := newJournal()
	(&decoder{journal: j, env: variablesOf(noEnv)}).decode(parseYAML(Example, j), &c)
	c.check(j.report)
	if err := j.err(); err != nil {
		t.Fatal(err)
	}
	return c, j.lines, strings.Split(string(Example), "\n")
}

func TestExampleLoads(t *testing.T) {
	c, err := Parse(Example, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Sites) != 2 || len(c.Sites[0].Rules) != 2 || len(c.Sites[0].Rules[0].Targets) != 2 {
		t.Errorf("sites, rules or targets are missing: %+v", c.Sites)
	}
}

func TestExampleShowsTheDefaults(t *testing.T) {
	c, places, lines := decodeExample(t)
	eachDifference(reflect.ValueOf(c), reflect.ValueOf(DefaultConfig()), "", func(path string, got any) {
		line, ok := places[path]
		if !ok { // a target may be a URL alone
			line, ok = places[strings.TrimSuffix(path, ".url")]
		}
		if !ok {
			t.Errorf("%s: is %v, which no line says", path, got)
		} else if !strings.Contains(lines[line-1], "e.g.") {
			t.Errorf("line %d: %s: %v is not the default, and the line is not marked e.g.", line, path, got)
		}
	})
}

// eachDifference calls f for every configurable plain value that is not the default. Elements and optional parts are
// compared with the defaults of their type.
func eachDifference(got, want reflect.Value, path string, f func(path string, got any)) {
	switch {
	case got.Kind() == reflect.Struct:
		fields, defaults := fieldsOf(got), fieldsOf(want)
		for name := range fields {
			eachDifference(fields[name], defaults[name], join(path, name), f)
		}
	case got.Kind() == reflect.Pointer && !got.IsNil():
		eachDifference(got.Elem(), defaultOf(got.Type().Elem()), path, f)
	case got.Kind() == reflect.Slice && got.Type().Elem().Kind() == reflect.Struct:
		for i := range got.Len() {
			eachDifference(got.Index(i), defaultOf(got.Type().Elem()), fmt.Sprintf("%s[%d]", path, i), f)
		}
	case empty(got) && empty(want) || reflect.DeepEqual(got.Interface(), want.Interface()):
	default:
		f(path, got.Interface())
	}
}

func empty(v reflect.Value) bool {
	return v.IsZero() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}

func defaultOf(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	setDefaults(v)
	return v
}

var index = regexp.MustCompile(`\[\d+\]`)

func TestExampleShowsEveryField(t *testing.T) {
	_, places, lines := decodeExample(t)
	shown, commented := make(map[string]bool), make(map[string]bool)
	for path, line := range places {
		shown[index.ReplaceAllString(path, "")] = true
		if strings.Contains(lines[max(line, 1)-1], "# ") {
			commented[path[strings.LastIndexByte(path, '.')+1:]] = true
		}
	}
	eachField(reflect.TypeFor[Config](), "", func(path string, leaf bool) {
		name := path[strings.LastIndexByte(path, '.')+1:]
		switch {
		case strings.Contains(path, ".backup."):
			// Like .primary.
		case !shown[path]:
			t.Errorf("%s: is accepted, and not shown", path)
		case leaf && !commented[name]:
			t.Errorf("%s: has no comment", path)
		}
	})
}

// eachField calls f for every path that a configuration may hold, without indexes.
func eachField(t reflect.Type, path string, f func(path string, leaf bool)) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	leaf := t.Kind() != reflect.Struct
	if path != "" {
		f(path, leaf)
	}
	if leaf {
		return
	}
	for name, field := range fieldsOf(reflect.New(t).Elem()) {
		eachField(field.Type(), join(path, name), f)
	}
}

func TestQuickstartLoads(t *testing.T) {
	c, err := Parse(Quickstart, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultConfig()
	want.Sites, c.source = c.Sites, source{}
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("got %+v, want the defaults and one site", c)
	}
	if len(c.Sites) != 1 || c.Sites[0].Rules[0].Origin.Primary.URL != "https://old.example.com" {
		t.Errorf("sites: %+v", c.Sites)
	}
	if bytes.Count(Quickstart, []byte("\n")) > 12 {
		t.Error("the quick start is not quick")
	}
}
