package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// maxRules bounds the rules of a site that are changed while it serves.
const maxRules = 1000

// Written is the rules of a site as they were written: only fields that are given, and ${NAME} as such. The zero value
// stands for no list at all. It does not change.
type Written struct {
	list *node // of kindList
}

// ParseRules reads a JSON list of rules, or {"rules": the list}, with the lines that mistakes are reported at. Whether
// the rules are of use is for With to say. The error is a Mistakes.
func ParseRules(data []byte) (Written, error) {
	j := newJournal()
	at := ""
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		at = "rules"
	}
	root := parseJSON(data, at, j)
	if root != nil && root.kind == kindMapping && len(root.pairs) == 1 && root.pairs[0].key == "rules" {
		root = root.pairs[0].value
	}
	var w Written
	if root != nil {
		w = writtenOf(root, j)
	}
	if err := j.err(); err != nil {
		return Written{}, err
	}
	return w, nil
}

// writtenOf takes a value for a list of rules.
func writtenOf(n *node, j *journal) Written {
	switch {
	case n.kind != kindList:
		j.add("rules", n.line, "must be a list of rules, not "+n.kind.String())
	case len(n.items) > maxRules:
		j.add("rules", n.line, fmt.Sprintf("at most %d rules", maxRules))
	}
	return Written{n}
}

// Written is the rules of a site as they are in force: the file's, or what a Live has put in their place.
func (c *Config) Written(site string) Written { return c.source.rules[site] }

// variables names the environment variables that the rules use.
func (w Written) variables() map[string]bool {
	used := make(map[string]bool)
	w.list.eachVariable(func(name string) { used[name] = true })
	return used
}

func (n *node) eachVariable(note func(name string)) {
	if n == nil {
		return
	}
	if n.kind == kindText {
		expand(n.text, func(name string) (string, string) { note(name); return "", "" }, new(masks))
	}
	for _, item := range n.items {
		item.eachVariable(note)
	}
	for _, p := range n.pairs {
		p.value.eachVariable(note)
	}
}

// IsZero tells whether there is no list.
func (w Written) IsZero() bool { return w.list == nil }

// MarshalJSON gives a list, with what is secret, and not a ${NAME}, as "***".
func (w Written) MarshalJSON() ([]byte, error) {
	if w.list == nil {
		return []byte("[]"), nil
	}
	var out bytes.Buffer
	w.list.writeJSON(&out, "rules")
	return out.Bytes(), nil
}

// writeJSON writes a node that stands at path.
func (n *node) writeJSON(out *bytes.Buffer, path string) {
	switch n.kind {
	case kindNull:
		out.WriteString("null")
	case kindList:
		out.WriteByte('[')
		for i, item := range n.items {
			separate(out, i)
			item.writeJSON(out, fmt.Sprintf("%s[%d]", path, i))
		}
		out.WriteByte(']')
	case kindMapping:
		out.WriteByte('{')
		for i, p := range n.given() {
			separate(out, i)
			writeText(out, p.key)
			out.WriteByte(':')
			p.value.writeJSON(out, join(path, segment(p.key)))
		}
		out.WriteByte('}')
	default:
		n.writeScalar(out, path)
	}
}

// given is the pairs of a mapping that say something: a heading with nothing beneath it says nothing.
func (n *node) given() []pair {
	var pairs []pair
	for _, p := range n.pairs {
		if p.value.kind != kindNull {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

func (n *node) writeScalar(out *bytes.Buffer, path string) {
	if plain := n.kind == kindBool || n.kind == kindNumber; plain && !n.spelled(path) && json.Valid([]byte(n.text)) {
		out.WriteString(n.text)
		return
	}
	writeText(out, n.shown(path))
}

func separate(out *bytes.Buffer, i int) {
	if i > 0 {
		out.WriteByte(',')
	}
}

func writeText(out *bytes.Buffer, text string) {
	raw, _ := json.Marshal(text) // a string never fails
	out.Write(raw)
}

// hidden stands for a secret.
const hidden = "***"

// reference finds secrets that are a variable, perhaps behind a word, as in "Bearer ${TOKEN}".
var reference = regexp.MustCompile(`^([A-Za-z]+ )?\$\{[A-Za-z_][A-Za-z0-9_]*\}$`)

// spelled tells whether a scalar has a secret that is written out.
func (n *node) spelled(path string) bool {
	if secretPath(path) {
		return n.text != "" && !reference.MatchString(n.text)
	}
	return urlPath(path) && userinfo.MatchString(n.text)
}

// shown is the text of a scalar with what is secret in it hidden.
func (n *node) shown(path string) string {
	switch {
	case !n.spelled(path):
		return n.text
	case secretPath(path):
		return hidden
	}
	return userinfo.ReplaceAllString(n.text, "//"+hidden+"@")
}

// urlPath tells whether the value at a path is a URL.
func urlPath(path string) bool {
	switch path[strings.LastIndexByte(path, '.')+1:] {
	case "primary", "backup", "url", "endpoint":
		return true
	}
	return false
}

// refuseSecrets reports every secret that is written out: what is put is kept where others may read it.
func (n *node) refuseSecrets(path string, j *journal) {
	for i, item := range n.items {
		item.refuseSecrets(fmt.Sprintf("%s[%d]", path, i), j)
	}
	for _, p := range n.pairs {
		p.value.refuseSecrets(join(path, segment(p.key)), j)
	}
	switch {
	case !n.spelled(path):
	case strings.Contains(n.text, hidden):
		j.lose(path, n.line, hidden+" stands for a secret that is not shown: write ${NAME}, an environment variable")
	default:
		j.lose(path, n.line, "a secret can only be ${NAME}, an environment variable: what is put is kept in the bucket")
	}
}
