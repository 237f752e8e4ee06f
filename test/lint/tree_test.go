package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// source is one parsed Go file of the repository. path and dir are relative to its root, with slashes.
type source struct {
	path, dir string
	test      bool
	text      string
	fset      *token.FileSet
	syntax    *ast.File
}

// at says where a node is, in the way that editors understand.
func (s source) at(pos token.Pos) string {
	return fmt.Sprintf("%s:%d", s.path, s.line(pos))
}

func (s source) line(pos token.Pos) int { return s.fset.Position(pos).Line }

// under tells whether the file lies in the folder or somewhere below it.
func (s source) under(folder string) bool { return within(s.dir, folder) }

func within(dir, folder string) bool { return dir == folder || strings.HasPrefix(dir, folder+"/") }

func parse(name, text string) (source, error) {
	s := source{path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), text: text}
	s.fset = token.NewFileSet()
	syntax, err := parser.ParseFile(s.fset, name, text, parser.SkipObjectResolution)
	s.syntax = syntax
	return s, err
}

// tree parses every Go file of the repository, but for dot folders and testdata.
func tree(t *testing.T) []source {
	t.Helper()
	var all []source
	top := root(t)
	err := filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != top && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		s, err := read(top, name)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func read(top, name string) (source, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return source{}, err
	}
	relative, err := filepath.Rel(top, name)
	if err != nil {
		return source{}, err
	}
	return parse(filepath.ToSlash(relative), string(text))
}

// root is the repository's folder: the tests run in test/lint.
func root(t *testing.T) string {
	t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return top
}

// complain reports what check found, in order and each thing once.
func complain(t *testing.T, found []string) {
	t.Helper()
	slices.Sort(found)
	for _, problem := range slices.Compact(found) {
		t.Error(problem)
	}
}

// expect fails unless check finds in a file of that name and text as many problems as wanted.
func expect(t *testing.T, check func(source) []string, want int, name, text string) {
	t.Helper()
	s, err := parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	if found := check(s); len(found) != want {
		t.Errorf("%s: found %q, want %d problems in:\n%s", name, found, want, text)
	}
}
