package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"mirrorgate/benchmarks/peers"
	"mirrorgate/cache"
	"mirrorgate/cache/bucket"
)

// minioCases are hits in a bucket of a MinIO. It has the backend's core, and its CPU is not counted.
func minioCases() (cases []benchCase) {
	for _, s := range sizes()[:3] {
		cases = append(cases, benchCase{name: "minio-" + s.name, ask: ask{size: s.bytes}, measure: (*bed).measureSpeed,
			title: "a hit in a bucket of MinIO, signed by mirrorgate, unsigned by its peers",
			ours:  ourselves(startMinioBucket), peers: []peer{
				beside("nginx proxy_pass", startNginxMinio, 0), beside("HAProxy", startHAProxyMinio, 0)}})
	}
	return cases
}

const (
	minioUser, minioSecret = "bench-access", "bench-secret-key"
	minioRegion            = "us-east-1"
)

// minio is the MinIO that all its cases share.
type minio struct {
	*process
	addr string
	has  map[int64]bool // sizes of objects
}

// storage is the MinIO with the object of that size, started when it is asked for first. Everybody may read it.
func (b *bed) storage(size int64) (*minio, error) {
	if b.minio == nil {
		m, err := b.startMinio()
		if err != nil {
			return nil, err
		}
		b.minio = m
	}
	if b.minio.has[size] {
		return b.minio, nil
	}
	b.minio.has[size] = true
	return b.minio, b.upload(b.minio, size)
}

func (b *bed) startMinio() (*minio, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Join(b.opts.root, ".cache", "bin"))
	if err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "minio")
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("%w: run test/setup.sh bench", err)
	}
	m := &minio{addr: addr, has: make(map[int64]bool)}
	m.process, err = b.start(command{name: "minio", core: b.cores.backend, path: program,
		args: []string{"server", "--quiet", "--address", addr, "--console-address", "127.0.0.1:0",
			filepath.Join(b.dir, "minio")},
		env: []string{"GOMAXPROCS=1", "MINIO_ROOT_USER=" + minioUser, "MINIO_ROOT_PASSWORD=" + minioSecret,
			"MINIO_BROWSER=off", "MINIO_UPDATE=off"}})
	if err == nil {
		err = b.waitFor(m.process, "http://"+addr+"/minio/health/live")
	}
	if err == nil {
		err = b.openBucket(m)
	}
	if err != nil && m.process != nil {
		_ = m.stop() // the first error says more
	}
	return m, err
}

// openBucket makes a bucket that everybody may read.
func (b *bed) openBucket(m *minio) error {
	if err := b.aws(m, "create-bucket", "--bucket", bucketName); err != nil {
		return err
	}
	return b.aws(m, "put-bucket-policy", "--bucket", bucketName, "--policy",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},`+
			`"Action":["s3:GetObject"],"Resource":["arn:aws:s3:::`+bucketName+`/*"]}]}`)
}

// aws asks the MinIO as its owner.
func (b *bed) aws(m *minio, args ...string) error {
	path, err := look("aws")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(b.ctx, path, append([]string{"--endpoint-url", "http://" + m.addr, "s3api"}, args...)...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+minioUser, "AWS_SECRET_ACCESS_KEY="+minioSecret,
		"AWS_DEFAULT_REGION="+minioRegion, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return nil
}

// upload saves the object as a pull would.
func (b *bed) upload(m *minio, size int64) error {
	var c bucket.S3Config
	c.SetDefaults()
	c.Endpoint, c.Name, c.Region = "http://"+m.addr, bucketName, minioRegion
	c.AccessKey, c.SecretKey = minioUser, minioSecret
	s, err := bucket.NewS3(c, "", bucket.NewUploads(bucket.UploadLimits{PartSize: 16 << 20, InflightBytes: 64 << 20}),
		slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Run(ctx) // it only ends with its context
	}()
	defer func() {
		cancel()
		<-ended
	}()
	for tick := time.Tick(20 * time.Millisecond); s.Ready() != nil; {
		select {
		case <-tick:
		case <-ctx.Done():
			return s.Ready()
		}
	}
	return s.Put(ctx, keyOf(size), newObject(size), pulled(size), cache.PutOptions{})
}

// minioValues are those of a server in front of the MinIO.
func (b *bed) minioValues(a ask) (v peers.Values, err error) {
	m, err := b.storage(a.size)
	if err != nil {
		return v, err
	}
	if v, err = b.values(); err != nil {
		return v, err
	}
	v.Backend, v.Prefix = m.addr, "/"+bucketName
	v.Bucket = fmt.Sprintf("{s3: {endpoint: %q, name: %s, region: %s, access_key: %s, secret_key: %s}}",
		"http://"+m.addr, bucketName, minioRegion, minioUser, minioSecret)
	return v, nil
}

func startMinioBucket(b *bed, a ask) (*server, error) {
	v, err := b.minioValues(a)
	if err != nil {
		return nil, err
	}
	return b.startMirrorgate(&server{}, a, v)
}

func startNginxMinio(b *bed, a ask) (*server, error) {
	v, err := b.minioValues(a)
	if err != nil {
		return nil, err
	}
	return b.startNginx(&server{proves: fromMinio}, a, "nginx-proxy.conf.tmpl", v)
}

func startHAProxyMinio(b *bed, a ask) (*server, error) {
	v, err := b.minioValues(a)
	if err != nil {
		return nil, err
	}
	return b.launchHAProxy(&server{proves: fromMinio}, a, v)
}

// fromMinio wants what MinIO says with every answer.
func fromMinio(h http.Header) error {
	if h.Get("X-Amz-Request-Id") == "" {
		return fmt.Errorf("no X-Amz-Request-Id: the answer is not MinIO's")
	}
	return nil
}
