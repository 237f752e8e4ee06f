package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"mirrorgate/benchmarks/peers"
	"mirrorgate/cache"
	"mirrorgate/cache/bucket"
)

// maxInMemory is the largest object that the memory tier keeps by default, in bytes.
const maxInMemory = 1 << 20

// server is one that runs and can be measured.
type server struct {
	*process
	name    string
	addr    string
	dir     string                  // its own, which goes with it
	files   string                  // where it saves what it has pulled; "": nowhere
	came    time.Duration           // from its start until it answered
	proxies bool                    // each answer costs the backend one
	keeps   bool                    // what was asked for once is in its cache
	proves  func(http.Header) error // the answer comes from where it should
}

func (s *server) url(a ask) string { return "http://" + s.addr + "/" + a.key() }

// asked is how often the backend is asked for so many answers.
func (s *server) asked(answers int64) int64 {
	if s.proxies {
		return answers
	}
	return 0
}

// spec says how a server is started from a template.
type spec struct {
	program  string // looked up; "": path
	path     string
	template string // "": none
	args     func(config string, v peers.Values) []string
	env      []string
	ready    string // the path that is answered when it is ready; "": the object
}

// launch starts it on the core of servers, and waits until it answers.
func (b *bed) launch(s *server, a ask, c spec, v peers.Values) (_ *server, err error) {
	if c.program != "" {
		if c.path, err = look(c.program); err != nil {
			return nil, err
		}
	}
	config := filepath.Join(v.Dir, "config")
	if c.template != "" {
		if err := peers.Write(config, c.template, v); err != nil {
			return nil, err
		}
	}
	s.addr, s.dir = v.Listen, v.Dir
	began := time.Now()
	s.process, err = b.start(command{name: s.name, core: b.cores.server, env: c.env, path: c.path,
		args: c.args(config, v)})
	if err != nil {
		return nil, err
	}
	ready := s.url(a)
	if c.ready != "" {
		ready = "http://" + s.addr + c.ready
	}
	if err := b.waitFor(s.process, ready); err != nil {
		_ = s.stop() // the first error says more
		return nil, err
	}
	s.came = time.Since(began)
	return s, nil
}

// end stops the server and removes what it has written.
func (b *bed) end(s *server) error { return errors.Join(s.stop(), os.RemoveAll(s.dir)) }

func (b *bed) startMirrorgate(s *server, a ask, v peers.Values) (*server, error) {
	s.name = "mirrorgate"
	if s.proves == nil {
		s.proves = says("Cache-Status", "mirrorgate; hit; detail=bucket")
	}
	return b.launch(s, a, spec{path: b.mirrorgate, template: "mirrorgate.yaml.tmpl", env: []string{"GOMAXPROCS=1"},
		args:  func(config string, _ peers.Values) []string { return []string{"serve", "--config", config} },
		ready: "/.mirrorgate/health"}, v)
}

// lightBucket is the light backend as a bucket, in YAML.
func (b *bed) lightBucket() string { return bucketAt(b.backendAt) }

func bucketAt(addr string) string {
	return fmt.Sprintf("{endpoint: %q, name: %s, access_key: key, secret_key: secret}", "http://"+addr, bucketName)
}

// startBucket is mirrorgate with the light backend as its bucket.
func startBucket(b *bed, a ask) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	return b.startMirrorgate(bucketServer(b, &v), a, v)
}

func bucketServer(b *bed, v *peers.Values) *server {
	v.Bucket = "{s3: " + b.lightBucket() + "}"
	return &server{proxies: true}
}

// startMemory is the same with its memory tier.
func startMemory(b *bed, a ask) (*server, error) {
	if a.size > maxInMemory {
		return startBucket(b, a)
	}
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	return b.startMirrorgate(memoryServer(b, &v), a, v)
}

func memoryServer(b *bed, v *peers.Values) *server {
	v.Bucket, v.Memory = "{s3: "+b.lightBucket()+"}", ""
	return &server{keeps: true, proves: says("Cache-Status", "mirrorgate; hit; detail=memory")}
}

// startDir is mirrorgate with a directory bucket.
func startDir(b *bed, a ask) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	files := b.files()
	if err := fillFiles(b.ctx, files, a.size); err != nil {
		return nil, err
	}
	v.Bucket = fmt.Sprintf("{dir: %q}", files)
	return b.startMirrorgate(&server{}, a, v)
}

func (b *bed) files() string { return filepath.Join(b.dir, "files") }

// fillFiles saves the object in the directory bucket as a pull would.
func fillFiles(ctx context.Context, dir string, size int64) error {
	d, err := bucket.NewDir(dir, "", slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Put(ctx, keyOf(size), newObject(size), pulled(size), cache.PutOptions{})
}

// pulled is what is saved with the object of that size, with what is known of its origin.
func pulled(size int64) cache.Meta {
	o := newObject(size)
	return cache.Meta{Size: size, ContentType: "application/octet-stream", Origin: cache.Provenance{
		Validators: cache.Validators{ETag: o.etag, LastModified: modified()},
		Target:     "primary", Rule: "all", Time: time.Now().Truncate(time.Second), Size: size, MD5: o.md5,
	}}
}
