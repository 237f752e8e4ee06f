package configs

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// Bounds on a file. Each is far above any configuration that people write; together they keep the YAML parser, which
// recurses and copies, from running for minutes on a file of another kind.
const (
	maxFile  = 1 << 20 // bytes
	maxDepth = 48      // lists and mappings inside one another
	maxKey   = 256     // bytes of one key
	maxKeys  = 1000    // keys of one mapping
)

// checkBytes refuses what cannot be YAML before it is cut into tokens.
func checkBytes(data []byte, j *journal) bool {
	if len(data) > maxFile {
		j.add("", 1, fmt.Sprintf("the file is larger than %d bytes", maxFile))
		return false
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			j.add("", 1+bytes.Count(data[:i], []byte("\n")), "not valid UTF-8")
			return false
		}
		i += size
	}
	return true
}

// tokenBounds walks once over the tokens, before they are parsed.
type tokenBounds struct {
	flow   int         // brackets that are open
	blocks []int       // columns at which open blocks began
	inRow  int         // tokens since the line began that nest without indenting: "- - -", tags, anchors
	line   int         // of the token before
	keys   map[int]int // keys in the open block mapping at a column
}

// checkTokens reports the first bound that the tokens are over.
func checkTokens(tokens token.Tokens, j *journal) bool {
	b := tokenBounds{keys: make(map[int]int)}
	for _, t := range tokens {
		if t.Position == nil {
			continue
		}
		if problem := b.next(t); problem != "" {
			j.add("", t.Position.Line, problem)
			return false
		}
	}
	return true
}

func (b *tokenBounds) next(t *token.Token) string {
	if t.Position.Line != b.line {
		b.line, b.inRow = t.Position.Line, 0
		b.indent(t.Position.Column)
	}
	switch t.Type {
	case token.MappingStartType, token.SequenceStartType:
		b.flow++
	case token.MappingEndType, token.SequenceEndType:
		b.flow--
	case token.SequenceEntryType, token.TagType, token.AnchorType:
		b.inRow++
	case token.MappingKeyType:
		return `"? key" is not supported: write "key: value"`
	case token.MappingValueType:
		return b.key(t)
	}
	if b.flow+b.inRow+len(b.blocks) > maxDepth {
		return fmt.Sprintf("lists and mappings inside one another over %d deep", maxDepth)
	}
	return ""
}

// indent notes that a line begins at a column: blocks that are deeper have ended.
func (b *tokenBounds) indent(column int) {
	if b.flow > 0 {
		return
	}
	for len(b.blocks) > 0 && b.blocks[len(b.blocks)-1] > column {
		b.blocks = b.blocks[:len(b.blocks)-1]
	}
	for c := range b.keys {
		if c > column {
			delete(b.keys, c)
		}
	}
	if len(b.blocks) == 0 || b.blocks[len(b.blocks)-1] < column {
		b.blocks = append(b.blocks, column)
	}
}

func (b *tokenBounds) key(colon *token.Token) string {
	key := colon.Prev
	if key == nil || key.Position == nil {
		return ""
	}
	if len(key.Value) > maxKey {
		return fmt.Sprintf("a key is longer than %d bytes", maxKey)
	}
	if b.flow > 0 {
		return ""
	}
	b.keys[key.Position.Column]++
	if b.keys[key.Position.Column] > maxKeys {
		return fmt.Sprintf("a mapping has more than %d keys", maxKeys)
	}
	return ""
}
