package configs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// parseJSON gives the value of a JSON document as parseYAML gives that of a file, with the same bounds. It is nil if
// there is a mistake in the document as such. path is where the value stands, for mistakes inside it.
func parseJSON(data []byte, path string, j *journal) *node {
	if !checkBytes(data, j) {
		return nil
	}
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		j.add("", 1+bytes.Count(data[:syntaxAt(err, data)], []byte("\n")), "not JSON: "+err.Error())
		return nil
	}
	r := jsonReader{journal: j, data: data, tokens: json.NewDecoder(bytes.NewReader(data)), line: 1}
	r.tokens.UseNumber()
	root := r.value(r.next(), path, 0)
	if len(j.mistakes) > 0 {
		return nil
	}
	return root
}

// syntaxAt is where an error of syntax is.
func syntaxAt(err error, data []byte) int {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return min(int(syntax.Offset), len(data))
	}
	return 0
}

// jsonReader makes nodes of tokens that are known to be one JSON value.
type jsonReader struct {
	*journal
	data   []byte
	tokens *json.Decoder
	at     int // where the last token ended
	line   int // of the last token
}

// next is the next token; io.EOF, as a token, when there is none.
func (r *jsonReader) next() json.Token {
	t, err := r.tokens.Token()
	if err != nil {
		return io.EOF
	}
	end := int(r.tokens.InputOffset())
	r.line += bytes.Count(r.data[r.at:end], []byte("\n"))
	r.at = end
	return t
}

// value makes the node that begins with a token.
func (r *jsonReader) value(t json.Token, path string, depth int) *node {
	n := &node{line: r.line}
	switch t := t.(type) {
	case json.Delim:
		switch {
		case depth >= maxDepth:
			r.add("", r.line, fmt.Sprintf("lists and mappings inside one another over %d deep", maxDepth))
		case t == '[':
			r.list(n, path, depth)
		case t == '{':
			r.mapping(n, path, depth)
		}
	case bool:
		n.kind, n.text = kindBool, fmt.Sprint(t)
	case json.Number:
		n.kind, n.text = kindNumber, t.String()
	case string:
		n.kind, n.text = kindText, t
	}
	return n
}

// list ends at its bracket, or where a mistake was found.
func (r *jsonReader) list(n *node, path string, depth int) {
	n.kind = kindList
	for t := r.next(); t != json.Delim(']') && len(r.mistakes) == 0; t = r.next() {
		n.items = append(n.items, r.value(t, fmt.Sprintf("%s[%d]", path, len(n.items)), depth+1))
	}
}

// mapping ends at its bracket, or where a mistake was found.
func (r *jsonReader) mapping(n *node, path string, depth int) {
	n.kind = kindMapping
	seen := make(map[string]int)
	for t := r.next(); t != json.Delim('}') && len(r.mistakes) == 0; t = r.next() {
		key, _ := t.(string)
		at, line := join(path, segment(key)), r.line
		first, dup := seen[key]
		switch {
		case dup:
			r.add(at, line, fmt.Sprintf("given twice, first in line %d", first))
		case len(key) > maxKey:
			r.add(path, line, fmt.Sprintf("a key is longer than %d bytes", maxKey))
		case len(seen) == maxKeys:
			r.add(path, line, fmt.Sprintf("a mapping has more than %d keys", maxKeys))
		}
		seen[key] = line
		n.pairs = append(n.pairs, pair{key, line, r.value(r.next(), at, depth+1)})
	}
}
