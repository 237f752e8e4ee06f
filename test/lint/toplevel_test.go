package lint

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The top level, as section 1 of the design has it. A folder comes with the first file in it; the files are there.
func topFolders() []string {
	return []string{"cmd", "configs", "gateway", "rules", "origin", "cache", "benchmarks", "test"}
}

func topFiles() []string {
	return []string{"go.mod", "go.sum", "README.md", "Makefile", "LICENSE"}
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(root(t))
	if err != nil {
		t.Fatal(err)
	}
	ignored := ignoredNames(t)
	lacking := topFiles()
	for _, entry := range entries {
		name := entry.Name()
		wanted := topFiles()
		if entry.IsDir() {
			wanted = topFolders()
		}
		switch {
		case strings.HasPrefix(name, "."), matchesAny(ignored, name):
		case slices.Contains(wanted, name):
			lacking = slices.DeleteFunc(lacking, func(file string) bool { return file == name })
		default:
			t.Errorf("%s does not belong at the top level: it holds %s, %s and dotfiles", name,
				strings.Join(topFolders(), ", "), strings.Join(topFiles(), ", "))
		}
	}
	if len(lacking) > 0 {
		t.Errorf("the top level lacks %s", strings.Join(lacking, ", "))
	}
}

// ignoredNames are the patterns of .gitignore that speak of one path element: what a run leaves there is no part of
// the tree.
func ignoredNames(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		line = strings.Trim(strings.TrimSpace(line), "/")
		if line != "" && !strings.HasPrefix(line, "#") && !strings.Contains(line, "/") {
			names = append(names, line)
		}
	}
	return names
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := filepath.Match(pattern, name)
		return ok && err == nil
	})
}
