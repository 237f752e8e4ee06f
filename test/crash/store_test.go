package crash_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"mirrorgate/test/harness"
)

// store is a bucket, as an application sees it that knows nothing of the gateway. Its methods may be called from several
// goroutines.
type store interface {
	// config is how a site names the bucket.
	config() string
	// prepare is called before objects below a prefix are asked for.
	prepare(prefix string) error
	// overwrite writes an object, whatever is there.
	overwrite(key string, body harness.Truth) error
	// open reads an object.
	open(key string) (io.ReadCloser, error)
	// keys lists the objects below a prefix.
	keys(prefix string) ([]string, error)
	// clear removes what is below a prefix.
	clear(prefix string) error
	// isOpen tells whether an upload in parts is held open.
	isOpen(key, upload string) (bool, error)
	// left counts what was begun and neither completed nor given up.
	left() (int, error)
}

const bucketName = "assets"

// server is a bucket on a server, behind a front.
type server struct {
	*harness.S3Server
	front *front
	t     *testing.T
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{S3Server: harness.StartMinIO(t), t: t}
	s.CreateBucket(t, bucketName)
	s.front = startFront(t, s.Endpoint)
	return s
}

func (s *server) config() string {
	return fmt.Sprintf("{s3: {endpoint: %q, name: %s, access_key: %q, secret_key: %q}}",
		s.front.url, bucketName, s.AccessKey, s.SecretKey)
}

func (s *server) prepare(string) error { return nil }

func (s *server) overwrite(key string, body harness.Truth) error {
	_, err := s.Client().PutObject(s.t.Context(), bucketName, key, body.Reader(), body.Size,
		minio.PutObjectOptions{DisableMultipart: true})
	return err
}

func (s *server) core() minio.Core { return minio.Core{Client: s.Client()} }

func (s *server) open(key string) (io.ReadCloser, error) {
	body, _, _, err := s.core().GetObject(s.t.Context(), bucketName, key, minio.GetObjectOptions{})
	return body, err
}

func (s *server) keys(prefix string) (keys []string, err error) {
	for o := range s.list(prefix) {
		if o.Err != nil {
			return nil, o.Err
		}
		keys = append(keys, o.Key)
	}
	return keys, nil
}

func (s *server) list(prefix string) <-chan minio.ObjectInfo {
	return s.Client().ListObjects(s.t.Context(), bucketName, minio.ListObjectsOptions{Prefix: prefix, Recursive: true})
}

func (s *server) clear(prefix string) error {
	var all error
	for failed := range s.Client().RemoveObjects(s.t.Context(), bucketName, s.list(prefix), minio.RemoveObjectsOptions{}) {
		all = errors.Join(all, failed.Err)
	}
	return all
}

func (s *server) isOpen(key, upload string) (bool, error) {
	_, err := s.core().ListObjectParts(s.t.Context(), bucketName, key, upload, 0, 1)
	if minio.ToErrorResponse(err).Code == minio.NoSuchUpload {
		return false, nil
	}
	return err == nil, err
}

// left counts MinIO's own folders of uploads: it lists those of one key only.
func (s *server) left() (int, error) {
	open, err := filepath.Glob(filepath.Join(s.Dir, ".minio.sys", "multipart", "*", "*"))
	return len(open), err
}

// directory is a directory bucket.
type directory string

func newDirectory(t *testing.T) directory {
	t.Helper()
	return directory(t.TempDir())
}

func (d directory) config() string          { return fmt.Sprintf("{dir: %q}", string(d)) }
func (d directory) path(key string) string  { return filepath.Join(string(d), key) }
func (d directory) prepare(p string) error  { return os.MkdirAll(d.path(p), 0o755) }
func (d directory) clear(p string) error    { return os.RemoveAll(d.path(p)) }
func (d directory) temp(name string) string { return d.path(filepath.Join(".mirrorgate", "tmp", name)) }

// overwrite moves a new file over the old one.
func (d directory) overwrite(key string, body harness.Truth) error {
	temp := d.path("new-" + strings.ReplaceAll(key, "/", "-"))
	if err := os.WriteFile(temp, body.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Rename(temp, d.path(key))
}

func (d directory) open(key string) (io.ReadCloser, error) {
	body, err := os.ReadFile(d.path(key))
	return io.NopCloser(bytes.NewReader(body)), err
}

func (d directory) keys(prefix string) (keys []string, err error) {
	err = filepath.WalkDir(d.path(prefix), func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			keys = append(keys, strings.TrimPrefix(name, string(d)+"/"))
		}
		return err
	})
	return keys, err
}

func (d directory) isOpen(string, string) (bool, error) { return false, nil }

func (d directory) left() (int, error) {
	files, err := os.ReadDir(d.temp(""))
	return len(files), err
}
