package configs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"mirrorgate/origin"
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

// refuseOwnKeys reports every target that is asked with the gateway's own keys, those of its environment or role,
// unless the file's rules have such a target: who may put rules could read with them what is not his.
func refuseOwnKeys(file, put []Rule, report func(path, problem string)) {
	if slices.ContainsFunc(file, func(r Rule) bool { return ownKeys(r.Origin.Primary) || ownKeys(r.Origin.Backup) }) {
		return
	}
	for i, r := range put {
		for name, target := range map[string]origin.Target{"primary": r.Origin.Primary, "backup": r.Origin.Backup} {
			if ownKeys(target) {
				report(fmt.Sprintf("rules[%d].origin.%s.s3.access_key", i, name), "is missing: rules that do not come "+
					"from the file may use the gateway's own keys only if the file's own rules of the site do; give keys, "+
					"or anonymous: true")
			}
		}
	}
}

func ownKeys(t origin.Target) bool {
	return t.S3 != nil && !t.S3.Anonymous && t.S3.AccessKey+t.S3.SecretKey+t.S3.SessionToken == ""
}

// Gone names the rules that are switched and that the site, changed or not, does not have.
func (l Live) Gone(site *Site) []string {
	gone := maps.Clone(l.Switches)
	for _, rule := range site.Rules {
		delete(gone, rule.ID)
	}
	return slices.Sorted(maps.Keys(gone))
}
