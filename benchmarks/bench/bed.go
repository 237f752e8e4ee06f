package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"mirrorgate/benchmarks/peers"
)

// bed is what all cases stand on: a folder, the cores, the programs, and the light backend, which runs all the time.
type bed struct {
	ctx        context.Context
	opts       options
	dir        string // temporary
	self       string // this program
	mirrorgate string
	cores      cores
	backend    *process
	backendAt  string   // host:port
	minio      *minio   // nil: no case wanted it so far
	thrifty    *process // in the same way
	thriftyAt  string
	redis      *process // likewise
	redisAt    string
	client     *http.Client
	started    int // servers, for their folders' names
	cold       int // the next number of coldKey
}

func newBed(ctx context.Context, o options) (_ *bed, err error) {
	dir, err := os.MkdirTemp("", "mirrorgate-bench-")
	if err != nil {
		return nil, err
	}
	b := &bed{ctx: ctx, opts: o, dir: dir, mirrorgate: filepath.Join(dir, "mirrorgate"),
		client: &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: time.Minute}}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if err := b.build(); err != nil {
		return nil, err
	}
	if b.cores, err = ownCores(); err != nil {
		return nil, err
	}
	if err := pin(b.cores.load); err != nil {
		return nil, err
	}
	return b, b.startBackend()
}

// build builds mirrorgate from the tree that is measured.
func (b *bed) build() error {
	cmd := exec.CommandContext(b.ctx, "go", "build", "-buildvcs=false", "-o", b.mirrorgate, "./cmd/mirrorgate")
	cmd.Dir = b.opts.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return nil
}

func (b *bed) startBackend() (err error) {
	if b.backendAt, err = freeAddr(); err != nil {
		return err
	}
	b.backend, err = b.startLight("backend", b.backendAt)
	return err
}

// startLight starts a light server of this program.
func (b *bed) startLight(name, addr string) (*process, error) {
	p, err := b.start(command{name: name, core: b.cores.backend, env: []string{"GOMAXPROCS=1"}, path: b.self,
		args: []string{name, addr}})
	if err != nil {
		return nil, err
	}
	if err := b.waitFor(p, "http://"+addr+countPath); err != nil {
		_ = p.stop() // the first error says more
		return nil, err
	}
	return p, nil
}

// close stops what all share and removes the folder.
func (b *bed) close() error {
	var err error
	if b.backend != nil {
		err = b.backend.stop()
	}
	if b.thrifty != nil {
		err = errors.Join(err, b.thrifty.stop())
	}
	if b.redis != nil {
		err = errors.Join(err, b.redis.stop())
	}
	if b.minio != nil {
		err = errors.Join(err, b.minio.stop())
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}

// sent is how many objects the backend has sent so far.
func (b *bed) sent() (int64, error) {
	_, body, err := b.get("http://" + b.backendAt + countPath)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(body), 10, 64)
}

// get asks once. Any status but 200 is an error.
func (b *bed) get(url string) (http.Header, []byte, error) {
	response, err := b.request(url, nil)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, response.Status)
	}
	return response.Header, body, err
}

// request asks with these header lines.
func (b *bed) request(url string, headers []string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(b.ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if request.Header.Set(name, value); name == "Host" {
			request.Host = value
		}
	}
	return b.client.Do(request)
}

// waitFor waits until the server answers, unless it ends.
func (b *bed) waitFor(p *process, url string) error {
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		_, _, err := b.get(url)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.done:
			return fmt.Errorf("%s has ended:\n%s", p.name, p.printed())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w\n%s", p.name, err, p.printed())
		}
	}
}

// values are those of a server that is about to start: an address and a folder of its own.
func (b *bed) values() (v peers.Values, err error) {
	b.started++
	v.Dir = filepath.Join(b.dir, strconv.Itoa(b.started))
	if err := os.Mkdir(v.Dir, 0o755); err != nil {
		return v, err
	}
	v.Backend, v.Origin, v.User = b.backendAt, "http://127.0.0.1:1", os.Getenv("USER")
	v.Hosts, v.Memory = "*", "memory: {max_bytes: 0}" // but for the cases of memory
	v.Clients, v.Buffers, v.Busy = 4096, "16 64k", "256k"
	if os.Getuid() == 0 {
		v.User = "root"
	}
	if v.User == "" {
		v.User = "nobody"
	}
	if v.Host, v.Port, err = net.SplitHostPort(b.backendAt); err != nil {
		return v, err
	}
	v.Listen, err = freeAddr()
	return v, err
}
