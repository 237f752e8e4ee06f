package configs

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
)

// parseYAML gives the value of the only document in data. It is nil for an empty one, and when the file cannot be read
// at all. The YAML parser stops at the first error of syntax.
func parseYAML(data []byte, j *journal) *node {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !checkBytes(data, j) {
		return nil
	}
	file := parseFile(data, j)
	if file == nil {
		return nil
	}
	b := builder{journal: j, anchors: make(map[string]*node)}
	var root *node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.DirectiveType || doc.Body.Type() == ast.CommentType {
			continue
		}
		if root != nil {
			j.add("", lineOf(doc.Body), "a second document: a configuration is one document")
			break
		}
		root = b.value(doc.Body, "", 0)
	}
	if b.copied > maxValues {
		j.add("", 1, fmt.Sprintf("merge keys bring over %d values", maxValues))
		return nil
	}
	return root
}

// parseFile answers for the parser: whatever it does on bytes that nobody tried before, the user gets a mistake.
func parseFile(data []byte, j *journal) (file *ast.File) {
	defer func() {
		if recover() != nil {
			file = nil
			j.add("", 1, "the YAML parser cannot read this file")
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if !checkTokens(tokens, j) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, problem := syntaxError(err, data)
		j.add("", line, problem)
		return nil
	}
	return file
}

// syntaxError takes line and message only: the error's own text shows the lines around, which may hold secrets.
func syntaxError(err error, data []byte) (line int, problem string) {
	var e yaml.Error
	if !errors.As(err, &e) {
		return 1, "not YAML"
	}
	line = 1
	if t := e.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	problem = "not YAML: " + e.GetMessage()
	lines := bytes.SplitN(data, []byte("\n"), line+1)
	if line <= len(lines) && bytes.Contains(lines[line-1], []byte("${")) && bytes.ContainsAny(lines[line-1], "[{") {
		problem += `; inside [ ] and { } put "${NAME}" in quotes`
	}
	return line, problem
}

func lineOf(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
}
