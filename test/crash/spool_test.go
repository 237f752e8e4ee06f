package crash_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// spool is the gateway's folder, as it is found on the disk.
type spool string

// makeFolders makes those of the entries, so that they can be watched from the start.
func (s spool) makeFolders(t *testing.T, site string) {
	t.Helper()
	for n := range 256 {
		if err := os.MkdirAll(filepath.Join(string(s), "pending", site, fmt.Sprintf("%02x", n)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

// files lists what is in a folder and below it. A folder that is not there has none.
func (s spool) files(folder string) (files []string, err error) {
	err = filepath.WalkDir(filepath.Join(string(s), folder), func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, name)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return files, err
}

// drained is nil when nothing is left to be done.
func (s spool) drained() error { return s.empty("tmp", "pending", "uploads") }

// sound is nil when nothing was set aside.
func (s spool) sound() error { return s.empty("dead") }

func (s spool) empty(folders ...string) error {
	for _, folder := range folders {
		files, err := s.files(folder)
		if err == nil && len(files) > 0 {
			err = fmt.Errorf("the spool's folder %s has %d files: %q", folder, len(files), files[:min(3, len(files))])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// inspect looks at what a killed gateway has left: it counts it, and returns the uploads in parts that it has
// remembered.
func (s spool) inspect(t *tally) (uploads map[string]string, err error) {
	bodies, err := s.files("tmp")
	if err != nil {
		return nil, err
	}
	t.count("files in the spool's tmp after a kill", len(bodies))
	pending, err := s.files("pending")
	if err != nil {
		return nil, err
	}
	var records int
	for _, name := range pending {
		if strings.HasSuffix(name, ".json") {
			records++
		}
	}
	t.count("objects waiting in the spool after a kill", records)
	t.count("bodies without a record after a kill", len(pending)-2*records)
	uploads, err = s.uploads()
	t.count("uploads in parts remembered after a kill", len(uploads))
	return uploads, err
}

// uploads reads the keys of the uploads in parts that are remembered, by their id.
func (s spool) uploads() (map[string]string, error) {
	files, err := s.files("uploads")
	uploads := map[string]string{}
	for _, name := range files {
		raw, problem := os.ReadFile(name)
		if problem != nil {
			return nil, problem
		}
		line, _, _ := bytes.Cut(raw, []byte("\n"))
		var begun struct {
			ID  string
			Key []byte
		}
		if problem := json.Unmarshal(line, &begun); problem != nil {
			return nil, fmt.Errorf("%s: %w", name, problem)
		}
		uploads[begun.ID] = string(begun.Key)
	}
	return uploads, err
}
