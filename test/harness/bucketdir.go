package harness

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// BucketFiles lists the files of a directory bucket by their object's key, without what the bucket knows of them. A key
// that is no path has the name that the bucket gives its file.
func BucketFiles(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		key, err := filepath.Rel(dir, name)
		if !strings.HasPrefix(key, ".mirrorgate/meta/") {
			files[key] = name
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
