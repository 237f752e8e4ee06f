package configs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Live is what is changed of a site while it serves, in place of what the file says. nil is the file's.
type Live struct {
	Serve    *string               `yaml:"serve" json:"serve,omitempty"`
	Save     *bool                 `yaml:"save" json:"save,omitempty"`
	Rules    Written               `yaml:"-" json:"rules,omitzero"`
	Switches map[string]RuleSwitch `yaml:"switches" json:"switches,omitempty"` // by rule id, over Rules or the file's
}

// RuleSwitch is what is changed of one rule.
type RuleSwitch struct {
	Enabled *bool   `yaml:"enabled" json:"enabled,omitempty"`
	State   *string `yaml:"state" json:"state,omitempty"`
}

// liveVersion is that of the document. Another one is not understood: what it leaves out may be what counts.
const liveVersion = 1

// liveDocument is how a Live is kept.
type liveDocument struct {
	Version int `yaml:"version" json:"version"`
	Live    `yaml:",inline"`
}

// MaxLive bounds the document that a Live is kept in, in bytes.
const MaxLive = maxFile

// Encode gives the document that ParseLive reads.
func (l Live) Encode() ([]byte, error) {
	raw, err := json.MarshalIndent(liveDocument{liveVersion, l}, "", "  ")
	if err == nil && len(raw) > MaxLive {
		err = Mistakes{{Path: "rules", Problem: fmt.Sprintf("with the switches they need more than %d bytes", MaxLive)}}
	}
	return raw, err
}

// ParseLive reads the document in which a Live is kept. Its bytes may be anybody's. The error is a Mistakes.
func ParseLive(data []byte) (Live, error) {
	j := newJournal()
	root := parseJSON(data, "", j)
	var doc liveDocument
	if root != nil && knownVersion(root, j) {
		doc.decode(root, j)
	}
	if err := j.err(); err != nil {
		return Live{}, err
	}
	return doc.Live, nil
}

// knownVersion comes before all else: of another version nothing is known, not even which fields it has.
func knownVersion(root *node, j *journal) bool {
	text := ""
	for _, p := range root.pairs {
		if p.key == "version" && p.value.kind == kindNumber {
			text = p.value.text
		}
	}
	if text == strconv.Itoa(liveVersion) {
		return true
	}
	problem := "is missing: not a document of mirrorgate's"
	if text != "" {
		problem = fmt.Sprintf("this mirrorgate understands %d, not %.20s", liveVersion, text)
	}
	j.add("version", root.line, problem)
	return false
}

func (doc *liveDocument) decode(root *node, j *journal) {
	rest := &node{kind: root.kind, line: root.line}
	for _, p := range root.pairs {
		if p.key == "rules" {
			doc.Rules = writtenOf(p.value, j)
		} else {
			rest.pairs = append(rest.pairs, p)
		}
	}
	(&decoder{journal: j, env: noVariables}).decode(rest, doc)
}

// Gone names the rules that are switched and that the site, changed or not, does not have.
func (l Live) Gone(site *Site) []string {
	gone := maps.Clone(l.Switches)
	for _, rule := range site.Rules {
		delete(gone, rule.ID)
	}
	return slices.Sorted(maps.Keys(gone))
}
