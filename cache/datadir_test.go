package cache_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// prepared are data directories that tests have given back empty: to make the 256 folders of a spool anew takes longer
// than most tests do.
var prepared struct {
	sync.Mutex
	dirs []string
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, dir := range prepared.dirs {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// dataDir returns a directory for one spool, without a file in it, until the end of the test.
func dataDir(t *testing.T) string {
	t.Helper()
	prepared.Lock()
	defer prepared.Unlock()
	if n := len(prepared.dirs); n > 0 {
		dir := prepared.dirs[n-1]
		prepared.dirs = prepared.dirs[:n-1]
		t.Cleanup(func() { giveBack(t, dir) })
		return dir
	}
	dir, err := os.MkdirTemp("", "mirrorgate-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { giveBack(t, dir) })
	return dir
}

// giveBack leaves the folders, and nothing in them. What a test that failed has left is not used again.
func giveBack(t *testing.T, dir string) {
	left, err := filepath.Glob(filepath.Join(dir, "spool", "pending", "*", "*"))
	for _, folder := range []string{"tmp", "dead"} {
		left = append(left, filepath.Join(dir, "spool", folder))
	}
	for _, path := range left {
		if err == nil {
			err = os.RemoveAll(path)
		}
	}
	if err != nil || t.Failed() {
		t.Log(err, os.RemoveAll(dir))
		return
	}
	prepared.Lock()
	defer prepared.Unlock()
	prepared.dirs = append(prepared.dirs, dir)
}
