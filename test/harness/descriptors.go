package harness

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Descriptors says what the running program's open descriptors are, in order: files by their path, sockets without
// their number, so that two such lists can be compared.
func (p *Process) Descriptors(t testing.TB) []string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", p.PID())
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatalf("reading the descriptors of %s: %v", p.command.name, err)
	}
	var open []string
	for _, entry := range entries {
		name, err := os.Readlink(filepath.Join(dir, entry.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // closed meanwhile
		}
		if err != nil {
			t.Fatalf("reading a descriptor of %s: %v", p.command.name, err)
		}
		open = append(open, kindOf(name))
	}
	slices.Sort(open)
	return open
}

// kindOf is "socket" for "socket:[4711]", and a path as it is.
func kindOf(name string) string {
	for i := range name {
		if name[i] == '/' {
			return name
		}
		if name[i] == ':' {
			return name[:i]
		}
	}
	return name
}
