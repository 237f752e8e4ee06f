package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"mirrorgate/cache/bucket"
	"mirrorgate/configs"
	"mirrorgate/origin"
	"mirrorgate/rules"
)

type demoCmd struct {
	Listen string `help:"The gateway's address." default:"127.0.0.1:8080" placeholder:"ADDR"`
	Dir    string `help:"Where to keep bucket and spool; without it they are removed at the end." placeholder:"DIR"`
	Once   bool   `help:"End after the sample requests."`
}

// Run starts a sample origin and a gateway before it, makes the sample requests, and serves until it is told to stop.
func (c *demoCmd) Run(s *streams) (err error) {
	dir := c.Dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "mirrorgate-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	old, err := startSampleOrigin()
	if err != nil {
		return err
	}
	defer old.Close()
	cfg, err := c.configuration(dir, old.url)
	if err != nil {
		return err
	}
	p, err := start(cfg, slog.New(slog.NewTextHandler(s.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	return c.serve(s, p, old, cfg.Sites[0].Bucket.Dir)
}

// serve runs the gateway, and beside it the tour.
func (c *demoCmd) serve(s *streams, p *process, old *sampleOrigin, bucketDir string) error {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	var gateway sync.WaitGroup
	var served error
	gateway.Go(func() {
		defer cancel()
		served = p.run(ctx)
	})
	t := tour{ctx: ctx, out: s.stdout, base: "http://" + p.ln.Addr().String(), origin: old, bucket: bucketDir}
	err := t.walk()
	if err == nil && !c.Once {
		_, _ = fmt.Fprintf(s.stdout, "\nThe gateway serves on until Ctrl-C. Try for yourself:\n%s", t.lines())
		<-ctx.Done()
	}
	cancel()
	gateway.Wait()
	return errors.Join(err, served)
}

// configuration is one site for all hosts with a rule of each mode.
func (c *demoCmd) configuration(dir, originURL string) (*configs.Config, error) {
	cfg := configs.DefaultConfig()
	cfg.Admin.Listen = "" // nothing to steer
	cfg.Server.Listen, cfg.DataDir = c.Listen, filepath.Join(dir, "data")
	var site configs.Site
	site.SetDefaults()
	site.Name, site.Hosts = "demo", []string{"*"}
	site.Bucket = bucket.Config{Dir: filepath.Join(dir, "bucket")}
	rule := func(id string, mode rules.Mode, prefix string) *configs.Rule {
		var r configs.Rule
		r.SetDefaults()
		r.ID, r.Match.Prefix = id, prefix
		if r.Mode = mode; mode != rules.ModeDeny {
			r.Origin.Primary = origin.Target{URL: originURL}
		}
		site.Rules = append(site.Rules, r)
		return &site.Rules[len(site.Rules)-1]
	}
	rule("downloads", rules.ModeRedirect, "downloads/")
	rule("live", rules.ModeProxy, "live/")
	rule("private", rules.ModeDeny, "private/")
	rule("photos", rules.ModeMirror, "photos/").Rewrite.Replace = "old-photos/"
	rule("all", rules.ModeMirror, "")
	cfg.Sites = []configs.Site{site}
	return &cfg, cfg.Validate()
}

// sampleOrigin is an old web server with a few files.
type sampleOrigin struct {
	url    string
	server *http.Server
	done   sync.WaitGroup

	mu    sync.Mutex
	asked []string
}

func startSampleOrigin() (*sampleOrigin, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &sampleOrigin{url: "http://" + ln.Addr().String()}
	o.server = &http.Server{Handler: o, ReadHeaderTimeout: 10 * time.Second}
	o.done.Go(func() { _ = o.server.Serve(ln) }) // it only ends by Close
	return o, nil
}

// Close stops the server.
func (o *sampleOrigin) Close() {
	_ = o.server.Close()
	o.done.Wait()
}

// ServeHTTP answers with files that are made up from their names.
func (o *sampleOrigin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.asked = append(o.asked, r.Method+" "+r.URL.RequestURI())
	o.mu.Unlock()
	var body string
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, ".svg"):
		w.Header().Set("Content-Type", "image/svg+xml")
		body = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><title>` + filepath.Base(path) +
			`</title><circle cx="4.5" cy="4.5" r="4"/></svg>` + "\n"
	case strings.HasSuffix(path, ".txt"):
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		body = "This is " + path + " as the old server has it.\n"
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Etag", fmt.Sprintf(`"demo-%x"`, len(body)))
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Header().Set("Last-Modified", time.Date(2020, 2, 2, 20, 20, 20, 0, time.UTC).Format(http.TimeFormat))
	_, _ = io.WriteString(w, body)
}

// requests returns what the origin was asked since the last call.
func (o *sampleOrigin) requests() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	asked := o.asked
	o.asked = nil
	return asked
}
