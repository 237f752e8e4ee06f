package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"mirrorgate/benchmarks/peers"
	"mirrorgate/cache"
	"mirrorgate/cache/bucket"
)

// server is one that runs and can be measured.
type server struct {
	*process
	name    string
	addr    string
	proxies bool                    // each answer costs the backend one
	proves  func(http.Header) error // the answer comes from where it should
}

func (s *server) url(size int64) string { return "http://" + s.addr + "/" + keyOf(size) }

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
func (b *bed) launch(s *server, size int64, c spec, v peers.Values) (_ *server, err error) {
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
	s.addr = v.Listen
	s.process, err = b.start(command{name: s.name, core: b.cores.server, env: c.env, path: c.path,
		args: c.args(config, v)})
	if err != nil {
		return nil, err
	}
	ready := s.url(size)
	if c.ready != "" {
		ready = "http://" + s.addr + c.ready
	}
	if err := b.waitFor(s.process, ready); err != nil {
		_ = s.stop() // the first error says more
		return nil, err
	}
	return s, nil
}

func (b *bed) startMirrorgate(size int64, proxies bool, v peers.Values) (*server, error) {
	s := &server{name: "mirrorgate", proxies: proxies, proves: says("Cache-Status", "mirrorgate; hit; detail=bucket")}
	return b.launch(s, size, spec{path: b.mirrorgate, template: "mirrorgate.yaml.tmpl", env: []string{"GOMAXPROCS=1"},
		args:  func(config string, _ peers.Values) []string { return []string{"serve", "--config", config} },
		ready: "/.mirrorgate/health"}, v)
}

// startBucket is mirrorgate with the light backend as its bucket.
func startBucket(b *bed, size int64) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	v.Bucket = fmt.Sprintf("{s3: {endpoint: %q, name: %s, access_key: key, secret_key: secret}}",
		"http://"+b.backendAt, bucketName)
	return b.startMirrorgate(size, true, v)
}

// startDir is mirrorgate with a directory bucket.
func startDir(b *bed, size int64) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	files := b.files()
	if err := fillFiles(b.ctx, files, size); err != nil {
		return nil, err
	}
	v.Bucket = fmt.Sprintf("{dir: %q}", files)
	return b.startMirrorgate(size, false, v)
}

func (b *bed) files() string { return filepath.Join(b.dir, "files") }

// fillFiles saves the object in the directory bucket as a pull would, with what is known of its origin.
func fillFiles(ctx context.Context, dir string, size int64) error {
	d, err := bucket.NewDir(dir, "", slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer d.Close()
	o := newObject(size)
	return d.Put(ctx, keyOf(size), bytes.NewReader(o.body), cache.Meta{
		Size: size, ContentType: "application/octet-stream", Origin: cache.Provenance{
			Validators: cache.Validators{ETag: o.etag, LastModified: modified()},
			Target:     "primary", Rule: "all", Time: time.Now().Truncate(time.Second), Size: size, MD5: o.etag[1:33],
		},
	}, cache.PutOptions{})
}
