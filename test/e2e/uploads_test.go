package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"mirrorgate/test/harness"
)

// leave begins an upload in parts with one part and leaves it, as a process does that is killed. It returns its id.
func (s *store) leave(t *testing.T, key string) string {
	t.Helper()
	core := minio.Core{Client: s.server.Client()}
	id, err := core.NewMultipartUpload(t.Context(), bucketName, key, minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	part := strings.NewReader("a part")
	if _, err := core.PutObjectPart(t.Context(), bucketName, key, id, 1, part, part.Size(), minio.PutObjectPartOptions{}); err != nil {
		t.Fatal(err)
	}
	return id
}

// openIDs are the uploads of exactly one key that the server still has: every server lists those.
func (s *store) openIDs(t *testing.T, key string) []string {
	t.Helper()
	core := minio.Core{Client: s.server.Client()}
	list, err := core.ListMultipartUploads(t.Context(), bucketName, key, "", "", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, u := range list.Uploads {
		if u.Key == key {
			ids = append(ids, u.UploadID)
		}
	}
	return ids
}

// waitOld waits until the uploads are old enough to be found.
func (r *rig) waitOld(t *testing.T, ids ...string) (stdout string) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		var code int
		code, stdout, _ = r.queue(t, "", "abort-uploads", "--older-than", "1s")
		for _, id := range ids {
			if code != 1 || !strings.Contains(stdout, id) {
				return fmt.Errorf("%d, %s is not found: %s", code, id, stdout)
			}
		}
		return nil
	})
	return stdout
}

// Uploads in parts that are open under the site's prefix, and that nobody remembers, are listed, and given up after a
// yes; a gateway may run meanwhile. Others' stay.
func TestAbortUploads(t *testing.T) {
	onEveryServer(t, func(t *testing.T, s *store) {
		config := strings.Replace(config(s, mirrorAll("http://127.0.0.1:1")), "{s3:", "{prefix: site-a/, s3:", 1)
		g := &rig{harness.StartGateway(t, config), s}
		keys := []string{"site-a/left.bin", "site-a/folder/l\tb.bin", "site-b/other.bin"}
		ids := make([]string, len(keys))
		for i, key := range keys {
			ids[i] = s.leave(t, key)
		}
		wantOpen := func(want ...int) {
			t.Helper()
			for i, key := range keys {
				if got := s.openIDs(t, key); slices.Contains(want, i) != slices.Equal(got, ids[i:i+1]) {
					t.Errorf("open of %q: %q, of all %q should be open %v", key, got, ids, want)
				}
			}
		}
		stdout := g.waitOld(t, ids[0], ids[1])
		for _, want := range []string{"  left.bin\n", "  \"folder/l\\tb.bin\"\n", "abort 2 uploads? [y/N] "} {
			if !strings.Contains(stdout, want) {
				t.Errorf("%q is not in %s", want, stdout)
			}
		}
		f := func(code int, stdin, wantOut, wantErr string, args ...string) {
			t.Helper()
			got, stdout, stderr := g.queue(t, stdin, append([]string{"abort-uploads", "--older-than"}, args...)...)
			if got != code || !strings.Contains(stdout, wantOut) || !strings.Contains(stderr, wantErr) || strings.Contains(stdout, ids[2]) {
				t.Errorf("%q: %d, %s%s", args, got, stdout, stderr)
			}
		}
		f(1, "n\n", "abort 2 uploads? [y/N] ", "nothing was aborted", "1s")
		f(1, "", "abort 2 uploads? [y/N] ", "nothing was aborted", "1s")
		f(0, "y\n", "site site: nothing to abort: no upload in parts is that old\n", "", "1h")
		f(2, "", "", "at least 1s", "0s", "--yes")
		f(2, "", "", "no such site", "1s", "--yes", "--site", "other")
		wantOpen(0, 1, 2)
		f(0, "y\n", ids[0]+"  left.bin: aborted\n", "", "1s", "--site", "site")
		wantOpen(2)
		f(0, "", "nothing to abort", "", "1s", "--yes")
		wantOpen(2)
	})
}

// What the server lists after a restart. MinIO lists all uploads of a bucket from memory only: of those that were begun
// before, it knows no more than what it is asked by their exact key.
func TestAbortUploadsAfterARestart(t *testing.T) {
	onEveryServer(t, func(t *testing.T, s *store) {
		g := serve(t, s, mirrorAll("http://127.0.0.1:1"))
		id := s.leave(t, "left.bin")
		g.waitOld(t, id)
		s.server.Restart(t)
		equal(t, "open by its key", fmt.Sprint(s.openIDs(t, "left.bin")), fmt.Sprint([]string{id}))
		want := map[string]string{"minio": "no upload in parts is that old\n", "versitygw": id + "  left.bin: aborted\n"}[s.kind]
		code, stdout, stderr := g.queue(t, "", "abort-uploads", "--older-than", "1s", "--yes")
		if code != 0 || !strings.HasSuffix(stdout, want) {
			t.Errorf("after a restart of %s: %d, %s%s, want %s", s.kind, code, stdout, stderr, want)
		}
	})
}

// An upload that a killed gateway remembers is left out: it goes on with the next start.
func TestAbortUploadsLeavesWhatIsRemembered(t *testing.T) {
	s := newMinIO(t)
	body := harness.Truth{Seed: 30, Size: partsSize}.Bytes()
	old := startOrigin(t, fixed(body))
	hold := startHold(t, s)
	g := serve(t, s, mirrorAll(old.url))
	g.wantObject(t, "/parts", body)
	receive(t, "the end of an upload", hold.arrived)
	g.Kill()
	ids := s.openIDs(t, "parts")
	if len(ids) != 1 {
		t.Fatalf("open uploads: %q", ids)
	}
	harness.Eventually(t, patience, func() error {
		code, stdout, stderr := g.queue(t, "", "abort-uploads", "--older-than", "1s", "--yes")
		if code != 0 || stdout != "left out: 1 upload that the spool remembers\n" {
			return fmt.Errorf("%d, %s%s", code, stdout, stderr)
		}
		return nil
	})
	equal(t, "open uploads", fmt.Sprint(s.openIDs(t, "parts")), fmt.Sprint(ids))

	away := filepath.Join(t.TempDir(), "away")
	if err := os.Rename(g.DataDir, away); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := g.queue(t, "", "abort-uploads", "--older-than", "1s", "--yes")
	if code != 1 || stdout != "" || !strings.Contains(stderr, "read which uploads the spool remembers") {
		t.Errorf("without data_dir: %d, %s%s", code, stdout, stderr)
	}
	if err := os.Rename(away, g.DataDir); err != nil {
		t.Fatal(err)
	}
	hold.open()
	g.Restart(t)
	s.wait(t, "parts", body)
	equal(t, "open uploads", fmt.Sprint(s.openIDs(t, "parts")), "[]")
	g.stopSaved(t)
}

// A directory has nothing to give up.
func TestAbortUploadsOfADirectory(t *testing.T) {
	g := serve(t, newDir(t), mirrorAll("http://127.0.0.1:1"))
	code, stdout, stderr := g.queue(t, "", "abort-uploads", "--older-than", "1s")
	equal(t, "exit code", code, 0)
	equal(t, "stdout", stdout, "site site: nothing to abort: a directory has no uploads in parts\n")
	equal(t, "stderr", stderr, "")
}
