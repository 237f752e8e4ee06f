package configs

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

type sampleNames []string

func (n *sampleNames) UnmarshalText(text []byte) error {
	if string(text) != "all" {
		return fmt.Errorf("must be all or a list of names, not %q", text)
	}
	*n = sampleNames{"all"}
	return nil
}

type sampleTarget struct {
	URL   string     `yaml:"url"`
	Store *sampleBox `yaml:"store"`
}

func (t *sampleTarget) UnmarshalText(text []byte) error {
	t.URL = string(text)
	return nil
}

type sampleBox struct {
	Name  string `yaml:"name"`
	Token string `yaml:"token"`
	Tries int    `yaml:"tries"`
}

func (b *sampleBox) SetDefaults() { b.Tries = 3 }

type sampleInner struct {
	Index string `yaml:"index"`
}

type sampleMode string

type sample struct {
	sampleInner `yaml:",inline"`
	Text        string            `yaml:"text"`
	Mode        sampleMode        `yaml:"mode"`
	Count       int               `yaml:"count"`
	Size        int64             `yaml:"size"`
	Rate        float64           `yaml:"rate"`
	On          bool              `yaml:"on"`
	Wait        time.Duration     `yaml:"wait"`
	Words       []string          `yaml:"words"`
	Codes       []int             `yaml:"codes"`
	Names       sampleNames       `yaml:"names"`
	Target      sampleTarget      `yaml:"target"`
	Set         map[string]string `yaml:"set"`
	Box         *sampleBox        `yaml:"box"`
	Boxes       []sampleBox       `yaml:"boxes"`
	Deep        [][][]string      `yaml:"deep"`
	Hidden      string            `yaml:"-"`
}

func sampleEnv(name string) (string, bool) {
	v, ok := map[string]string{"WORD": "hello", "N": "7", "PASSWORD": "hunter2-secret", "NESTED": "${WORD}", "EMPTY": ""}[name]
	return v, ok
}

func decodeSample(t *testing.T, text string) (sample, []string) {
	t.Helper()
	s := sample{Text: "default", Words: []string{"a", "b"}, Count: 1}
	j := newJournal()
	if root := parseYAML([]byte(text), j); root != nil {
		(&decoder{journal: j, env: variablesOf(sampleEnv)}).decode(root, &s)
	}
	err := j.err()
	if err == nil {
		return s, nil
	}
	return s, strings.Split(err.Error(), "\n")
}

func TestDecodeValues(t *testing.T) {
	f := func(text string, want func(*sample)) {
		t.Helper()
		got, mistakes := decodeSample(t, text)
		if mistakes != nil {
			t.Errorf("%q: unexpected mistakes %q", text, mistakes)
		}
		expected := sample{Text: "default", Words: []string{"a", "b"}, Count: 1}
		want(&expected)
		if !reflect.DeepEqual(got, expected) {
			t.Errorf("%q: got %+v, want %+v", text, got, expected)
		}
	}
	f("{}", func(*sample) {})
	f("text: x\nmode: mirror\ncount: 5\non: true", func(s *sample) { s.Text, s.Mode, s.Count, s.On = "x", "mirror", 5, true })
	f("text: 404\nwords: [404, 5xx]", func(s *sample) { s.Text, s.Words = "404", []string{"404", "5xx"} })
	f("size: 64MiB\nrate: 2.5\nwait: 1m30s", func(s *sample) { s.Size, s.Rate, s.Wait = 64<<20, 2.5, 90*time.Second })
	f("size: 5GB", func(s *sample) { s.Size = 5e9 })
	f("size: 10\nwait: 0", func(s *sample) { s.Size = 10 })
	f("words: []", func(s *sample) { s.Words = []string{} })
	f("names: all", func(s *sample) { s.Names = sampleNames{"all"} })
	f("names: [x, y]", func(s *sample) { s.Names = sampleNames{"x", "y"} })
	f("target: http://x", func(s *sample) { s.Target.URL = "http://x" })
	f("target: {url: y, store: {name: n}}", func(s *sample) { s.Target = sampleTarget{"y", &sampleBox{Name: "n", Tries: 3}} })
	f("set: {X-A: 1, x.y: two}", func(s *sample) { s.Set = map[string]string{"X-A": "1", "x.y": "two"} })
	f("box: {name: n}", func(s *sample) { s.Box = &sampleBox{Name: "n", Tries: 3} })
	f("boxes: [{}, {tries: 1}]", func(s *sample) { s.Boxes = []sampleBox{{Tries: 3}, {Tries: 1}} })
	f("index: i", func(s *sample) { s.Index = "i" })
	f("box:\nwords:\nset:\n", func(*sample) {})
	f("\ufefftext: |\n  a\n  b\n", func(s *sample) { s.Text = "a\nb\n" })
	f("text: !!str true", func(s *sample) { s.Text = "true" })
	f("text: x # c\r\ncount: 2\r\n", func(s *sample) { s.Text, s.Count = "x", 2 })
}

func TestDecodeEnvironment(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got, mistakes := decodeSample(t, "text: "+text)
		if mistakes != nil || got.Text != want {
			t.Errorf("%s: got %q %q, want %q", text, got.Text, mistakes, want)
		}
	}
	f("${WORD}", "hello")
	f("a-${WORD}-${N}", "a-hello-7")
	f("'${WORD}'", "hello")
	f("$${WORD}", "${WORD}")
	f("a$${WORD}${N}", "a${WORD}7")
	f("${NESTED}", "${WORD}") // once
	f("${EMPTY}", "")
	f("$5 $WORD $", "$5 $WORD $")
	got, mistakes := decodeSample(t, "count: ${N}\nboxes: [{tries: \"${N}\"}]\nset: {A: \"${WORD}\"}\ntarget: ${WORD}")
	if mistakes != nil || got.Count != 7 || got.Boxes[0].Tries != 7 || got.Set["A"] != "hello" || got.Target.URL != "hello" {
		t.Errorf("got %+v %q", got, mistakes)
	}
}

func TestDecodeAnchors(t *testing.T) {
	f := func(text string, want []sampleBox) {
		t.Helper()
		got, mistakes := decodeSample(t, text)
		if mistakes != nil || !reflect.DeepEqual(got.Boxes, want) {
			t.Errorf("%q: got %+v %q", text, got.Boxes, mistakes)
		}
	}
	a := sampleBox{Name: "a", Tries: 3}
	f("boxes:\n- &x {name: a}\n- *x", []sampleBox{a, a})
	f("box: &x {name: a}\nboxes:\n- <<: *x\n  token: t", []sampleBox{{"a", "t", 3}})
	f("box: &x {name: a}\nboxes:\n- name: own\n  <<: *x", []sampleBox{{"own", "", 3}})
	f("boxes:\n- &x {name: a}\n- &y {name: b, tries: 1}\n- <<: [*x, *y]", []sampleBox{a, {"b", "", 1}, {"a", "", 1}})
}

// Each case is a file and all that must be said of it.
func TestDecodeMistakes(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		if _, got := decodeSample(t, text); !slices.Equal(got, want) {
			t.Errorf("%q:\ngot  %q\nwant %q", text, got, want)
		}
	}
	f("txt: a", `txt: unknown field; did you mean "text"? (line 1)`)
	f("\n\nwobble: a", `wobble: unknown field (line 3)`)
	f("Hidden: a\nHIDDEN: b\n\"-\": c", `Hidden: unknown field (line 1)`, `HIDDEN: unknown field (line 2)`, `-: unknown field (line 3)`)
	f("sampleInner: {}", `sampleInner: unknown field (line 1)`)
	f("box:\n  naem: x\n  nope: y", `box.naem: unknown field; did you mean "name"? (line 2)`, `box.nope: unknown field (line 3)`)
	f("text: a\ncount: 2\ntext: b", `text: given twice, first in line 1 (line 3)`)
	f("set: {A: 1, A: 2}", `set.A: given twice, first in line 1 (line 1)`)
	f("text: [a]\ncount: {}\nwords: x\nset: [a]\nbox: 3",
		"text: must be a text, not a list (line 1)", "count: must be a whole number, not a mapping (line 2)",
		"words: must be a list, not a text (line 3)", "set: must be a mapping, not a list (line 4)",
		"box: must be a mapping, not a number (line 5)")
	f("text: true\nmode: 1.5", "text: must be a text, not true or false; put it in quotes (line 1)",
		"mode: must be a text, not a number; put it in quotes (line 2)")
	f("count: x\non: yes\nrate: fast\nwait: 10\nsize: 3XB",
		"count: must be a whole number, at most 2147483647 (line 1)", "on: must be true or false (line 2)",
		"rate: must be a number (line 3)", "wait: must have a unit, as in 10s, 500ms or 1h30m (line 4)",
		"size: must be a size: a whole number of bytes, or with KiB, MiB, GiB, TiB, KB, MB, GB or TB (line 5)")
	f("wait: -1s\nrate: .nan\ncount: 99999999999\nsize: 9999999TiB", "wait: must not be negative (line 1)",
		"rate: must be a number (line 2)", "count: must be a whole number, at most 2147483647 (line 3)",
		"size: is larger than any size can be (line 4)")
	f("text:\ntarget:", `text: has no value; remove it, or write "" for an empty one (line 1)`,
		`target: has no value; remove it, or write "" for an empty one (line 2)`)
	f("names: some\nwords: [a, [b]]\ncodes: [1, x]", `names: must be all or a list of names, not "some" (line 1)`,
		"words[1]: must be a text, not a list (line 2)", "codes[1]: must be a whole number, at most 2147483647 (line 3)")
	f("target: [a]", "target: must be a mapping, not a list (line 1)")
	f("text: ${NOPE}\nset:\n  A: x${NO}y${NO2}", "text: environment variable NOPE is not set (line 1)",
		"set.A: environment variable NO is not set (line 3)", "set.A: environment variable NO2 is not set (line 3)")
	f("text: a${\nmode: ${1}", "text: ${ must be followed by a variable's name and }; write $${ for a literal ${ (line 1)",
		"mode: ${ must be followed by a variable's name and }; write $${ for a literal ${ (line 2)")
	f("- a", ": must be a mapping, not a list (line 1)"[2:])
	f("text: *x", "text: no anchor &x stands above this alias (line 1)")
	f("words: &x [*x]", "words[0]: alias *x lies in what its own anchor names (line 1)")
	f("boxes:\n- <<: 3\n- <<: {nam: 1}", "boxes[0].<<: a merge key takes a mapping or a list of mappings (line 2)",
		`boxes[1].nam: unknown field; did you mean "name"? (line 3)`)
	f("text: !secret x", "text: the YAML tag !secret is not supported (line 1)")
	f("text: a\n---\ntext: b", "a second document: a configuration is one document (line 3)")
	f("text: 'a", "not YAML: could not find end character of single-quoted text (line 1)")
	f("a: b\nc: [1, 2\n", "not YAML: sequence end token ']' not found (line 2)")
	f("text: a\n\tcount: 1", "not YAML: found character '\\t' that cannot start any token (line 2)")
	f("words: [${WORD}]", "not YAML: ',' or ']' must be specified; inside [ ] and { } put \"${NAME}\" in quotes (line 1)")
	f("text: a\ncount: \xff", "not valid UTF-8 (line 2)")
	f("? text\n: a", `"? key" is not supported: write "key: value" (line 1)`)
	f("? [a]\n: a", `"? key" is not supported: write "key: value" (line 1)`)
}

func TestDecodeBounds(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if _, got := decodeSample(t, text); len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%.40q: got %.300s, want %q", text, strings.Join(got, "\n"), want)
		}
	}
	f(strings.Repeat("#", maxFile+1), "the file is larger than 1048576 bytes")
	f("words: "+strings.Repeat("[", 100_000), "over 48 deep (line 1)")
	f("words: "+strings.Repeat("[", 60)+strings.Repeat("]", 60), "over 48 deep")
	f("words:\n"+strings.Repeat("- ", 100_000)+"a", "over 48 deep (line 2)")
	f(nestedBlocks(100), "over 48 deep (line 49)")
	f(strings.Repeat("k", 300)+": a", "a key is longer than 256 bytes (line 1)")
	f(strings.Repeat("text: b\n", 100_000), "a mapping has more than 1000 keys (line 1001)")
	hundred := func(item string) string { return "[" + strings.Repeat(item+",", 99) + item + "]" }
	f("words: &a "+hundred("x")+"\ndeep:\n- &b "+hundred("*a")+"\n"+strings.Repeat("- *b\n", 100), "over 200000 values, aliases followed")
	f("set: &a {"+manyKeys(900)+"}\nboxes:\n"+strings.Repeat("- <<: *a\n", 10_000), "merge keys bring over 200000 values")
	f("boxes:\n"+strings.Repeat("- {nope: 1}\n", 1200), "and 200 more mistakes (line 1002)")
}

func nestedBlocks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func manyKeys(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%d: x", i)
	}
	return strings.Join(keys, ", ")
}

func TestDecodeKeepsSecretsOut(t *testing.T) {
	_, got := decodeSample(t, "names: ${PASSWORD}\nbox: {token: [abcdefgh]}\ntarget: x")
	want := []string{`names: must be all or a list of names, not "${PASSWORD}" (line 1)`, "box.token: must be a text, not a list (line 2)"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestHide(t *testing.T) {
	var m masks
	m.add("se\"cret", "***")
	m.add("secret-and-longer", "${LONG}")
	m.add("secret", "${SHORT}")
	m.add("no", "never hidden: too short")
	got := m.hider()(`no se"cret "se\"cret" secret-and-longer secret at https://user:pw@host/x`)
	if want := `no *** "***" ${LONG} ${SHORT} at https://***@host/x`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestParseSize(t *testing.T) {
	f := func(s string, want int64) {
		t.Helper()
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("%q: got %d, %v; want %d", s, got, err, want)
		}
	}
	f("0", 0)
	f("12B", 12)
	f("1KiB", 1024)
	f("64MiB", 64<<20)
	f("20GiB", 20<<30)
	f("1TiB", 1<<40)
	f("3KB", 3000)
	f("3MB", 3e6)
	f("5GB", 5e9)
	f("2TB", 2e12)
	for _, s := range []string{"", "-1", "1.5GiB", "1 KiB", "1kb", "KiB", "1iB", "1KiBB", "0x10", "1_000", "9223372036854775808", "9000000TiB"} {
		if n, err := parseSize(s); err == nil {
			t.Errorf("%q: got %d, want an error", s, n)
		}
	}
}
