package lint

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// How long things may be, in lines. Tests may be longer than that.
const (
	maxFile     = 350
	maxFunction = 60
	maxWidth    = 120 // characters; a tab is one
	median      = 12  // of the functions of the whole tree
	ninetieth   = 30
)

func TestSizes(t *testing.T) {
	var found []string
	var lengths []int
	for _, s := range tree(t) {
		found = append(found, sizes(s)...)
		if !s.test {
			for _, f := range functions(s) {
				lengths = append(lengths, length(s, f))
			}
		}
	}
	complain(t, found)
	complain(t, spread(lengths))
}

func sizes(s source) []string {
	if s.test {
		return nil
	}
	var found []string
	for n, line := range strings.Split(s.text, "\n") {
		if width := utf8.RuneCountInString(line); width > maxWidth {
			found = append(found, fmt.Sprintf("%s:%d: %d characters wide, at most %d", s.path, n+1, width, maxWidth))
		}
	}
	if lines := strings.Count(s.text, "\n"); lines > maxFile {
		found = append(found, fmt.Sprintf("%s: %d lines, at most %d: it is two files", s.path, lines, maxFile))
	}
	for _, f := range functions(s) {
		if lines := length(s, f); lines > maxFunction {
			found = append(found, fmt.Sprintf("%s: %s has %d lines, at most %d", s.at(f.Pos()), f.Name.Name, lines, maxFunction))
		}
	}
	return found
}

func functions(s source) []*ast.FuncDecl {
	var all []*ast.FuncDecl
	for _, d := range s.syntax.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			all = append(all, f)
		}
	}
	return all
}

func length(s source, f *ast.FuncDecl) int { return s.line(f.End()) - s.line(f.Pos()) + 1 }

// spread looks at the lengths of all functions together: short is the rule, long the exception.
func spread(lengths []int) []string {
	if len(lengths) == 0 {
		return []string{"no function in the whole tree"}
	}
	slices.Sort(lengths)
	var found []string
	if m := lengths[len(lengths)/2]; m > median {
		found = append(found, fmt.Sprintf("functions have a median of %d lines, at most %d", m, median))
	}
	if p := lengths[len(lengths)*9/10]; p > ninetieth {
		found = append(found, fmt.Sprintf("one function in ten has %d lines or more, at most %d", p, ninetieth))
	}
	return found
}

func TestSizesAreMeasured(t *testing.T) {
	body := func(lines int) string {
		return "package x\n\nfunc f() {\n" + strings.Repeat("\t_ = 0\n", lines-2) + "}\n"
	}
	expect(t, sizes, 0, "cache/x.go", body(maxFunction))
	expect(t, sizes, 1, "cache/x.go", body(maxFunction+1))
	expect(t, sizes, 0, "cache/x_test.go", body(maxFunction+1))
	expect(t, sizes, 0, "cache/x.go", "package x\n"+strings.Repeat("\n", maxFile-1))
	expect(t, sizes, 1, "cache/x.go", "package x\n"+strings.Repeat("\n", maxFile))
	expect(t, sizes, 0, "cache/x.go", "package x\n//"+strings.Repeat("é", maxWidth-2)+"\n")
	expect(t, sizes, 1, "cache/x.go", "package x\n//"+strings.Repeat("é", maxWidth-1)+"\n")

	if found := spread([]int{1, 1, 40}); len(found) != 1 {
		t.Errorf("a long tail: %q", found)
	}
	if found := spread([]int{13, 13, 13}); len(found) != 1 {
		t.Errorf("a high median: %q", found)
	}
}
