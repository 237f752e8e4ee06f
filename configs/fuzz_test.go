package configs

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// FuzzParse: whatever the bytes, an answer in bounded time, which is a configuration or a list of mistakes that can be
// shown.
func FuzzParse(f *testing.F) {
	f.Add(Example)
	f.Add(Quickstart)
	f.Add([]byte(sound))
	if data, err := os.ReadFile("testdata/mistakes.yaml"); err == nil {
		f.Add(data)
	}
	for _, text := range []string{"", "a: &x [*x]", "sites: &a [*a, {<<: *a}]", "? a\n: b", "<<: {<<: {}}", "sites:\n- &s {rules: [&r {id: ${A}}, *r]}\n- *s\n",
		"%YAML 1.2\n---\n...", "{a: [b, {c: d}], \"e\": 'f'}", "a: |\n  b\n c", "- - - -", "!!str a: !!x b", "\t", "a:\r\n  - b\r\n", "&a a: *a"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		begin := time.Now()
		c, err := Parse(data, testEnv)
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
		var list Mistakes
		switch {
		case err == nil && (c == nil || len(c.Sites) == 0):
			t.Error("no error, and no site")
		case err == nil:
		case !errors.As(err, &list) || len(list) == 0 || c != nil:
			t.Errorf("got %v, %v", c, err)
		}
		for _, m := range list {
			if m.Line < 1 || m.Problem == "" || strings.ContainsAny(m.String(), "\n\r\x00\x1b") {
				t.Errorf("%q", m)
			}
		}
	})
}
