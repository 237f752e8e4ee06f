package configs

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
)

// The view shows every field, and no secret of a configuration that is full of them.
func TestView(t *testing.T) {
	c := fullConfig()
	secrets := 0
	plant(&secrets, "", reflect.ValueOf(c).Elem())
	c.Sites[0].Rules[0].Forward.Headers.Set = map[string]string{
		"Authorization": "planted-a", "X.Dotted": "planted-b", `X"Quoted`: "planted-c", "": "planted-d",
	}
	c.Shared.Redis = []string{`redis://planted-e:planted'f"planted@planted-g@10.0.0.1:6379/1?cluster=true`}
	c.Telemetry.OTLP = "http://planted-h:planted-i@collector:4318"
	raw, err := c.View()
	if err != nil || secrets < 8 {
		t.Fatalf("%v; %d secrets", err, secrets)
	}
	if text := string(raw); strings.Contains(text, "planted") || strings.Count(text, `"***"`) < secrets+4 {
		t.Errorf("a secret is shown, or its place is not: %s", text)
	}
	for _, want := range []string{`"redis":["redis://***@10.0.0.1:6379/1?cluster=true"]`, `"otlp":"http://***@collector:4318"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("%s is not in %s", want, raw)
		}
	}
	var shown map[string]any
	if err := json.Unmarshal(raw, &shown); err != nil {
		t.Fatal(err)
	}
	wantShown(t, "", reflect.ValueOf(*c), shown)
}

func TestViewOfValues(t *testing.T) {
	c, err := Parse([]byte(sound), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := c.View()
	for _, want := range []string{
		`"idle_timeout":"10m20s"`, `"max_bytes":21474836480`, `"secret":""`, `"s3":null`, `"rule_order":"first_match"`,
		`"hosts":["one.example.com","*.one.example.com"]`, `"primary":{`, `"fsync":false`,
	} {
		if err != nil || !strings.Contains(string(raw), want) {
			t.Errorf("%s is not in %s, %v", want, raw, err)
		}
	}
}

// plant puts something to be kept secret into every field that is a secret.
func plant(n *int, path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for name, field := range fieldsOf(v) {
			plant(n, join(path, name), field)
		}
	case reflect.Pointer:
		plant(n, path, v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			plant(n, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case reflect.String:
		if secretPath(path) {
			*n++
			v.SetString("planted")
		}
	}
}

// wantShown compares the names that are shown with those that there are.
func wantShown(t *testing.T, path string, v reflect.Value, shown any) {
	t.Helper()
	switch v.Kind() {
	case reflect.Struct:
		object, _ := shown.(map[string]any)
		for name, field := range fieldsOf(v) {
			if _, ok := object[name]; !ok {
				t.Errorf("%s is not shown", join(path, name))
			}
			wantShown(t, join(path, name), field, object[name])
		}
		if fields := fieldsOf(v); len(object) != len(fields) {
			t.Errorf("%q shows %v", path, maps.Keys(object))
		}
	case reflect.Pointer:
		wantShown(t, path, v.Elem(), shown)
	case reflect.Slice:
		list, _ := shown.([]any)
		for i := range min(v.Len(), len(list)) {
			wantShown(t, path, v.Index(i), list[i])
		}
		if len(list) != v.Len() {
			t.Errorf("%s: %d are shown of %d", path, len(list), v.Len())
		}
	}
}
