package main

import (
	"os"
	"path/filepath"
	"testing"

	"mirrorgate/cache/shared"
)

// The ids of a gateway are its own, each is another one, and both outlive the process; what is no id is replaced.
func TestKeptIDs(t *testing.T) {
	dir := t.TempDir()
	f := func(of func(string) (string, error), dir string) string {
		t.Helper()
		id, err := of(dir)
		if err != nil || len(id) != 32 {
			t.Errorf("%q, %v", id, err)
		}
		return id
	}
	member := f(memberID, dir)
	if again := f(memberID, dir); again != member {
		t.Errorf("%s after %s", again, member)
	}
	if loop := f(func(dir string) (string, error) { return loopID(shared.Config{}, dir) }, dir); loop == member {
		t.Error("who knows the member knows its loop id")
	}
	if other := f(memberID, t.TempDir()); other == member {
		t.Error("two gateways have one id")
	}
	if err := os.WriteFile(filepath.Join(dir, "member-id"), []byte("no id"), 0o600); err != nil {
		t.Fatal(err)
	}
	if id := f(memberID, dir); id == member {
		t.Error("an id out of nothing")
	}
	if id, err := memberID(filepath.Join(dir, "none")); err == nil {
		t.Errorf("%s is kept nowhere", id)
	}
}
