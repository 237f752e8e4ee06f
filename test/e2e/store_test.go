package e2e_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"mirrorgate/test/harness"
)

// patience is how long anything may take that is expected to happen.
const patience = 30 * time.Second

// bucketName is the bucket of a store that is a server.
const bucketName = "assets"

// store is an empty bucket of one kind, and what an application does with it behind the gateway's back.
type store struct {
	kind   string            // dir, minio or versitygw
	dir    string            // a directory bucket
	server *harness.S3Server // any other
	via    string            // where the gateway reaches the server, if not straight
	limit  string            // how long the gateway waits for the server; "": as by default
}

func newDir(t *testing.T) *store {
	t.Helper()
	return &store{kind: "dir", dir: t.TempDir()}
}

func newMinIO(t *testing.T) *store {
	t.Helper()
	return newServer(t, harness.StartMinIO(t))
}

func newVersityGW(t *testing.T) *store {
	t.Helper()
	return newServer(t, harness.StartVersityGW(t))
}

func newServer(t *testing.T, server *harness.S3Server) *store {
	t.Helper()
	server.CreateBucket(t, bucketName)
	return &store{kind: server.Name, server: server}
}

// onEveryStore runs f with a store of each kind.
func onEveryStore(t *testing.T, f func(t *testing.T, s *store)) {
	t.Helper()
	t.Run("dir", func(t *testing.T) { f(t, newDir(t)) })
	onEveryServer(t, f)
}

// onEveryServer runs f with a store of each kind that is a server.
func onEveryServer(t *testing.T, f func(t *testing.T, s *store)) {
	t.Helper()
	t.Run("minio", func(t *testing.T) { f(t, newMinIO(t)) })
	t.Run("versitygw", func(t *testing.T) { f(t, newVersityGW(t)) })
}

// config is how a site names the store as its bucket.
func (s *store) config() string {
	if s.server == nil {
		return fmt.Sprintf("{dir: %q}", s.dir)
	}
	endpoint := s.via
	if endpoint == "" {
		endpoint = s.server.Endpoint
	}
	timeouts := ""
	if s.limit != "" {
		timeouts = fmt.Sprintf(", timeouts: {first_byte: %s, stall: %s}", s.limit, s.limit)
	}
	return fmt.Sprintf("{s3: {endpoint: %q, name: %s, access_key: %q, secret_key: %q%s}}",
		endpoint, bucketName, s.server.AccessKey, s.server.SecretKey, timeouts)
}

// file is where a directory bucket keeps the object of a key: at the key as a path, else aside under its hash.
func (s *store) file(key string) string {
	plain := filepath.Join(s.dir, filepath.FromSlash(key))
	if isPath(key) {
		if info, err := os.Stat(plain); err == nil && info.Mode().IsRegular() {
			return plain
		}
	}
	if aside := s.aside(key); !isPath(key) || isFile(aside) {
		return aside
	}
	return plain
}

func (s *store) aside(key string) string {
	sum := sha256.Sum256([]byte(key))
	name := hex.EncodeToString(sum[:])
	return filepath.Join(s.dir, ".mirrorgate", "aside", name[:2], name[2:])
}

func isPath(key string) bool {
	segments := strings.Split(key, "/")
	odd := func(segment string) bool {
		return segment == "" || segment == "." || segment == ".." || len(segment) > 255
	}
	return !slices.ContainsFunc(segments, odd)
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// put stores an object as an application does. The headers may be nil; a directory keeps none.
func (s *store) put(t *testing.T, key string, body []byte, header http.Header) {
	t.Helper()
	if s.server != nil {
		s.server.Put(t, bucketName, key, body, header)
		return
	}
	name := s.file(key)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(t.TempDir(), "part")
	if err := os.WriteFile(part, body, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(part, name); err != nil {
		t.Fatal(err)
	}
}

var errAbsent = errors.New("not in the bucket")

// open opens an object, whose body the caller closes. errAbsent means that there is none.
func (s *store) open(ctx context.Context, key string) (io.ReadCloser, error) {
	if s.server == nil {
		body, err := os.Open(s.file(key))
		if errors.Is(err, fs.ErrNotExist) {
			err = errAbsent
		}
		return body, err
	}
	core := minio.Core{Client: s.server.Client()}
	body, _, _, err := core.GetObject(ctx, bucketName, key, minio.GetObjectOptions{})
	if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		err = errAbsent
	}
	return body, err
}

// get returns an object's bytes.
func (s *store) get(ctx context.Context, key string) ([]byte, error) {
	body, err := s.open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// want fails the test unless the bucket has these bytes under the key.
func (s *store) want(t *testing.T, key string, want []byte) {
	t.Helper()
	got, err := s.get(t.Context(), key)
	if err != nil {
		t.Errorf("%.80q in the bucket: %v", key, err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%.80q in the bucket has %s, want %s", key, brief(got), brief(want))
	}
}

// wait waits until the bucket has something under the key, which must be these bytes.
func (s *store) wait(t *testing.T, key string, want []byte) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		_, err := s.get(t.Context(), key)
		return err
	})
	s.want(t, key, want)
}

// wantAbsent fails the test if the bucket has something under the key.
func (s *store) wantAbsent(t *testing.T, key string) {
	t.Helper()
	if got, err := s.get(t.Context(), key); !errors.Is(err, errAbsent) {
		t.Errorf("%.80q in the bucket: %s, %v; nothing should be there", key, brief(got), err)
	}
}

// brief shows the beginning of a body.
func brief(body []byte) string {
	if len(body) > 60 {
		return fmt.Sprintf("%d bytes that begin with %q", len(body), body[:60])
	}
	return fmt.Sprintf("%q", body)
}
