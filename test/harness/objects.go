package harness

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

// Stored is what the bucket says of an object. Header has every response header; ETag is without quotes.
type Stored struct {
	Size         int64
	ETag         string
	LastModified time.Time
	Header       http.Header
}

// Put stores a small object as an application would. The headers may be nil.
func (s *S3Server) Put(t testing.TB, bucket, key string, body []byte, header http.Header) {
	t.Helper()
	s.PutReader(t, bucket, key, bytes.NewReader(body), int64(len(body)), header)
}

// PutReader is Put for a body of any size.
func (s *S3Server) PutReader(t testing.TB, bucket, key string, body io.Reader, size int64, header http.Header) {
	t.Helper()
	o := putOptions(header)
	if text := header.Get("Expires"); text != "" {
		at, err := http.ParseTime(text)
		if err != nil {
			t.Fatalf("Expires of %s/%s: %v", bucket, key, err)
		}
		o.Expires = at
	}
	if _, err := s.client.PutObject(t.Context(), bucket, key, body, size, o); err != nil {
		t.Fatalf("putting %s/%s: %v", bucket, key, err)
	}
}

// putOptions sends the headers of S3 objects as such, and all others as user metadata (x-amz-meta-).
func putOptions(header http.Header) minio.PutObjectOptions {
	o := minio.PutObjectOptions{
		ContentType:        header.Get("Content-Type"),
		ContentEncoding:    header.Get("Content-Encoding"),
		ContentDisposition: header.Get("Content-Disposition"),
		ContentLanguage:    header.Get("Content-Language"),
		CacheControl:       header.Get("Cache-Control"),
		StorageClass:       header.Get("X-Amz-Storage-Class"),
		UserMetadata:       map[string]string{},
		PartSize:           16 << 20,
		NumThreads:         1,
	}
	for name, values := range header {
		switch name {
		case "Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Cache-Control", "Expires",
			"X-Amz-Storage-Class":
		default:
			o.UserMetadata[strings.TrimPrefix(name, "X-Amz-Meta-")] = values[0]
		}
	}
	return o
}

// Get returns a small object. It fails the test if there is none.
func (s *S3Server) Get(t testing.TB, bucket, key string) ([]byte, Stored) {
	t.Helper()
	body, stored := s.Open(t, bucket, key)
	defer body.Close()
	all, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("reading %s/%s: %v", bucket, key, err)
	}
	return all, stored
}

// Open is Get for an object of any size. The caller closes the body.
func (s *S3Server) Open(t testing.TB, bucket, key string) (io.ReadCloser, Stored) {
	t.Helper()
	core := minio.Core{Client: s.client}
	body, info, header, err := core.GetObject(t.Context(), bucket, key, minio.GetObjectOptions{})
	if err != nil {
		t.Fatalf("getting %s/%s: %v", bucket, key, err)
	}
	return body, Stored{Size: info.Size, ETag: info.ETag, LastModified: info.LastModified, Header: header}
}

// Head returns what the bucket says of an object, and whether there is one.
func (s *S3Server) Head(t testing.TB, bucket, key string) (Stored, bool) {
	t.Helper()
	stored, err := s.head(t, bucket, key)
	if minio.ToErrorResponse(err).StatusCode == http.StatusNotFound {
		return Stored{}, false
	}
	if err != nil {
		t.Fatalf("head of %s/%s: %v", bucket, key, err)
	}
	return stored, true
}

func (s *S3Server) head(t testing.TB, bucket, key string) (Stored, error) {
	info, err := s.client.StatObject(t.Context(), bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return Stored{}, err
	}
	return Stored{Size: info.Size, ETag: info.ETag, LastModified: info.LastModified, Header: info.Metadata}, nil
}

// WaitStored waits until the bucket has the object, and returns what it says of it.
func (s *S3Server) WaitStored(t testing.TB, bucket, key string, timeout time.Duration) Stored {
	t.Helper()
	var stored Stored
	Eventually(t, timeout, func() (err error) {
		if stored, err = s.head(t, bucket, key); err != nil {
			return fmt.Errorf("%s/%s: %w", bucket, key, err)
		}
		return nil
	})
	return stored
}

// Delete removes an object, if there is one.
func (s *S3Server) Delete(t testing.TB, bucket, key string) {
	t.Helper()
	if err := s.client.RemoveObject(t.Context(), bucket, key, minio.RemoveObjectOptions{}); err != nil {
		t.Fatalf("deleting %s/%s: %v", bucket, key, err)
	}
}

// Keys lists the keys of a bucket that begin with the prefix, in order.
func (s *S3Server) Keys(t testing.TB, bucket, prefix string) []string {
	t.Helper()
	var keys []string
	all := minio.ListObjectsOptions{Prefix: prefix, Recursive: true}
	for object := range s.client.ListObjects(t.Context(), bucket, all) {
		if object.Err != nil {
			t.Fatalf("listing %s: %v", bucket, object.Err)
		}
		keys = append(keys, object.Key)
	}
	return keys
}
