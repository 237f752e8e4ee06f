package configs

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// kind is what a value is to YAML.
type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindText
	kindList
	kindMapping
)

// String names the kind as messages do.
func (k kind) String() string {
	return [...]string{"nothing", "true or false", "a number", "a text", "a list", "a mapping"}[k]
}

// node is one value of the file, its aliases and merge keys resolved. What an anchor names may stand in many places,
// as one and the same node: nodes are not changed once made.
type node struct {
	kind  kind
	line  int
	text  string // of a scalar
	items []*node
	pairs []pair
}

type pair struct {
	key   string
	line  int
	value *node
}

// builder makes nodes of the parser's tree.
type builder struct {
	*journal
	anchors map[string]*node // nil while what the anchor names is still being made
	copied  int              // keys that merge keys brought
}

func (b *builder) value(n ast.Node, path string, depth int) *node {
	if depth > maxDepth {
		b.add(path, lineOf(n), fmt.Sprintf("lists and mappings inside one another over %d deep", maxDepth))
		return &node{line: lineOf(n)}
	}
	switch n := n.(type) {
	case *ast.AnchorNode:
		name := n.Name.GetToken().Value
		b.anchors[name] = nil
		b.anchors[name] = b.value(n.Value, path, depth+1)
		return b.anchors[name]
	case *ast.AliasNode:
		return b.alias(n, path)
	case *ast.TagNode:
		return b.tagged(n, path, depth)
	case *ast.MappingNode:
		return b.mapping(n, path, depth)
	case *ast.SequenceNode:
		list := &node{kind: kindList, line: lineOf(n)}
		for i, item := range n.Values {
			list.items = append(list.items, b.value(item, fmt.Sprintf("%s[%d]", path, i), depth+1))
		}
		return list
	}
	return b.scalar(n, path)
}

func (b *builder) scalar(n ast.Node, path string) *node {
	s := &node{line: lineOf(n), text: n.GetToken().Value}
	switch n := n.(type) {
	case *ast.NullNode:
		s.kind = kindNull
	case *ast.BoolNode:
		s.kind = kindBool
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		s.kind = kindNumber
	case *ast.StringNode:
		s.kind, s.text = kindText, n.Value
	case *ast.LiteralNode:
		s.kind, s.text = kindText, n.Value.Value
	default:
		b.lose(path, s.line, "not a value")
	}
	return s
}

func (b *builder) alias(n *ast.AliasNode, path string) *node {
	name := n.Value.GetToken().Value
	target, ok := b.anchors[name]
	switch {
	case !ok:
		b.lose(path, lineOf(n), fmt.Sprintf("no anchor &%s stands above this alias", name))
	case target == nil:
		b.lose(path, lineOf(n), fmt.Sprintf("alias *%s lies in what its own anchor names", name))
	default:
		return target
	}
	return &node{line: lineOf(n)}
}

// tagged knows one tag, which says that what looks like a number is a text.
func (b *builder) tagged(n *ast.TagNode, path string, depth int) *node {
	tag := n.Start.Value
	if n.Value == nil || tag != "!!str" {
		b.lose(path, lineOf(n), fmt.Sprintf("the YAML tag %s is not supported", tag))
		return &node{line: lineOf(n)}
	}
	v := b.value(n.Value, path, depth+1)
	if v.kind == kindList || v.kind == kindMapping {
		b.lose(path, v.line, "!!str on "+v.kind.String())
		return &node{line: v.line}
	}
	return &node{kind: kindText, line: v.line, text: v.text}
}

func (b *builder) mapping(n *ast.MappingNode, path string, depth int) *node {
	m := &node{kind: kindMapping, line: lineOf(n)}
	seen := make(map[string]int, len(n.Values))
	var merged []*node
	for i, v := range n.Values {
		line := lineOf(v.Key)
		if i == 0 {
			m.line = min(m.line, line)
		}
		key, ok := keyText(v.Key)
		if !ok {
			b.add(path, line, "a key is neither a text nor a number")
			continue
		}
		at := join(path, segment(key))
		if first, dup := seen[key]; dup {
			b.add(at, line, fmt.Sprintf("given twice, first in line %d", first))
			continue
		}
		seen[key] = line
		value := b.value(v.Value, at, depth+1)
		if v.Key.IsMergeKey() {
			merged = b.merged(value, at)
			continue
		}
		m.pairs = append(m.pairs, pair{key, line, value})
	}
	b.merge(m, merged, seen)
	return m
}

// merge adds the keys that m lacks.
func (b *builder) merge(m *node, merged []*node, seen map[string]int) {
	for _, from := range merged {
		if b.copied += len(from.pairs); b.copied > maxValues {
			return // the file is refused as a whole
		}
		for _, p := range from.pairs {
			if _, own := seen[p.key]; !own {
				seen[p.key] = p.line
				m.pairs = append(m.pairs, p)
			}
		}
	}
}

// merged gives the mappings that a merge key names, the strongest first (https://yaml.org/type/merge.html).
func (b *builder) merged(v *node, path string) []*node {
	from := []*node{v}
	if v.kind == kindList {
		from = v.items
	}
	for _, m := range from {
		if m.kind != kindMapping {
			if !b.lost[path] {
				b.lose(path, v.line, "a merge key takes a mapping or a list of mappings")
			}
			return nil
		}
	}
	return from
}

// keyText is the text of a key that is a plain value.
func keyText(key ast.MapKeyNode) (string, bool) {
	switch k := key.(type) {
	case *ast.StringNode:
		return k.Value, true
	case *ast.IntegerNode, *ast.BoolNode, *ast.FloatNode, *ast.NullNode, *ast.MergeKeyNode:
		return k.GetToken().Value, true
	}
	return "", false
}

// segment is a key as paths show it: as it is, or quoted when that would be hard to read.
func segment(key string) string {
	for _, r := range key {
		if r <= ' ' || r > '~' || strings.ContainsRune(`"[]`, r) {
			return fmt.Sprintf("%q", key)
		}
	}
	if key == "" {
		return `""`
	}
	return key
}
