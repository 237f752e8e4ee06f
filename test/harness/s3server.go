package harness

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Region is the region of every S3 server started here.
const Region = "us-east-1"

// KMSKey is the id of the one key that MinIO encrypts with, for whoever asks for it.
const KMSKey = "test-key"

// S3Server is a real S3 server with an empty store. It is restarted with its objects.
type S3Server struct {
	*Process
	Name      string // minio or versitygw
	Endpoint  string // http://127.0.0.1:port
	AccessKey string
	SecretKey string
	Dir       string // where the objects are
	client    *minio.Client
}

// StartMinIO starts a MinIO server. It refuses to encrypt, having no key.
func StartMinIO(t testing.TB) *S3Server {
	t.Helper()
	return startMinIO(t)
}

// StartEncryptingMinIO starts a MinIO server that encrypts for whoever asks for it, with KMSKey.
func StartEncryptingMinIO(t testing.TB) *S3Server {
	t.Helper()
	return startMinIO(t, "MINIO_KMS_SECRET_KEY="+KMSKey+":bWlycm9yZ2F0ZS10ZXN0LWtleS1vZi0zMi1ieXRlcyE=")
}

func startMinIO(t testing.TB, env ...string) *S3Server {
	t.Helper()
	s := newS3Server(t, "minio")
	env = append(env,
		"MINIO_ROOT_USER="+s.AccessKey, "MINIO_ROOT_PASSWORD="+s.SecretKey, "MINIO_BROWSER=off", "MINIO_UPDATE=off",
		"MINIO_CI_CD=1", // objects may lie on the root file system
		"HOME="+t.TempDir())
	s.run(t, []string{"server", "--quiet", "--address", s.addr(), "--console-address", FreeAddr(t), s.Dir}, env...)
	return s
}

// StartVersityGW starts a versitygw server over a folder (its posix backend). The file system of the temporary folder
// has to keep extended attributes.
func StartVersityGW(t testing.TB) *S3Server {
	t.Helper()
	s := newS3Server(t, "versitygw")
	s.run(t, []string{"--access", s.AccessKey, "--secret", s.SecretKey, "--region", Region, "--port", s.addr(),
		"posix", s.Dir})
	return s
}

// newS3Server gives the server its own name in the secret: a test that looks for secrets in an output finds either.
func newS3Server(t testing.TB, name string) *S3Server {
	t.Helper()
	s := &S3Server{
		Name:      name,
		Endpoint:  "http://" + FreeAddr(t),
		AccessKey: name + "-access",
		SecretKey: name + "-secret-key",
		Dir:       t.TempDir(),
	}
	s.client = s.newClient(t)
	return s
}

func (s *S3Server) run(t testing.TB, args []string, env ...string) {
	t.Helper()
	s.Process = start(t, command{name: s.Name, path: Binary(t, s.Name), args: args, env: env, up: s.up}, true)
}

func (s *S3Server) addr() string { return s.Endpoint[len("http://"):] }

func (s *S3Server) up(ctx context.Context) error {
	_, err := s.client.ListBuckets(ctx)
	return err
}

func (s *S3Server) newClient(t testing.TB) *minio.Client {
	t.Helper()
	endpoint, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds:        credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""),
		Region:       Region,
		BucketLookup: minio.BucketLookupPath,
		MaxRetries:   1, // a test sees what happens
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Client is the server's owner, over the S3 SDK, for what the helpers here do not do.
func (s *S3Server) Client() *minio.Client { return s.client }

// AWS runs the aws command line client, e.g. "s3api", "head-object", …, against the server as its owner, and returns
// what it prints.
func (s *S3Server) AWS(t testing.TB, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), Binary(t, "aws"), append([]string{"--endpoint-url", s.Endpoint}, args...)...)
	cmd.Env = append(cleanEnv(), "AWS_ACCESS_KEY_ID="+s.AccessKey, "AWS_SECRET_ACCESS_KEY="+s.SecretKey,
		"AWS_DEFAULT_REGION="+Region, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("aws %v: %v\n%s", args, err, &stderr)
	}
	return out
}

// CreateBucket creates a private bucket.
func (s *S3Server) CreateBucket(t testing.TB, bucket string) {
	t.Helper()
	if err := s.client.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{Region: Region}); err != nil {
		t.Fatalf("creating bucket %s: %v", bucket, err)
	}
}

// AllowAnonymousReads lets everybody read the bucket's objects.
func (s *S3Server) AllowAnonymousReads(t testing.TB, bucket string) {
	t.Helper()
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},`+
		`"Action":["s3:GetObject"],"Resource":["arn:aws:s3:::%s/*"]}]}`, bucket)
	if err := s.client.SetBucketPolicy(t.Context(), bucket, policy); err != nil {
		t.Fatalf("policy of bucket %s: %v", bucket, err)
	}
}
