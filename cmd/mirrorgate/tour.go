package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// tour makes the demo's sample requests, and prints what came of them.
type tour struct {
	ctx    context.Context
	out    io.Writer
	base   string // the gateway's URL
	origin *sampleOrigin
	bucket string
}

// stops are the requests, in order, with what they show.
func (t tour) stops() []struct{ path, says string } {
	return []struct{ path, says string }{
		{"/docs/hello.txt", "not in the bucket: pulled from the origin, streamed, and saved behind the answer"},
		{"/docs/hello.txt", "now it is in the bucket: the origin is not asked"},
		{"/photos/cat.svg", `rule "photos" rewrites the path: the origin knows it as /old-photos/cat.svg`},
		{"/downloads/big.txt", `rule "downloads" sends the client to the origin, and pulls the object behind its back`},
		{"/live/now.txt", `rule "live" passes through, and keeps nothing`},
		{"/private/notes.txt", `rule "private" denies`},
		{"/missing.png", "the origin has it neither"},
	}
}

// walk makes every stop. It waits for each save, so that what it prints of the bucket is true.
func (t tour) walk() error {
	fmt.Fprintf(t.out, "An old web server runs on %s, a gateway before it on %s.\n", t.origin.url, t.base)
	for _, stop := range t.stops() {
		if err := t.visit(stop.path, stop.says); err != nil {
			return err
		}
	}
	fmt.Fprintf(t.out, "\nThe bucket (%s) holds now:\n", t.bucket)
	return t.listBucket()
}

func (t tour) visit(path, says string) error {
	req, err := http.NewRequestWithContext(t.ctx, http.MethodGet, t.base+path, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // follows no redirects
	if err != nil {
		return fmt.Errorf("ask the gateway for %s: %w", path, err)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return fmt.Errorf("read the gateway's answer for %s: %w", path, err)
	}
	fmt.Fprintf(t.out, "\nGET %s\n  %s\n  HTTP %s\n", path, says, resp.Status)
	for _, name := range []string{"Cache-Status", "Location", "Etag"} {
		if v := resp.Header.Get(name); v != "" {
			fmt.Fprintf(t.out, "  %s: %s\n", name, v)
		}
	}
	if strings.Contains(resp.Header.Get("Cache-Status"), "stored") || resp.StatusCode == http.StatusFound {
		if err := t.awaitSaved(path); err != nil {
			return err
		}
	}
	for _, asked := range t.origin.requests() {
		fmt.Fprintf(t.out, "  the origin was asked: %s\n", asked)
	}
	return nil
}

// awaitSaved waits until the object is in the bucket, which is a file of its name.
func (t tour) awaitSaved(path string) error {
	ctx, cancel := context.WithTimeout(t.ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(filepath.Join(t.bucket, filepath.FromSlash(path))); err == nil {
			fmt.Fprintf(t.out, "  saved: %s is in the bucket\n", strings.TrimPrefix(path, "/"))
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s was not saved: %w", path, ctx.Err())
		}
	}
}

func (t tour) listBucket() error {
	return filepath.WalkDir(t.bucket, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == ".mirrorgate" {
			return filepath.SkipDir
		}
		if !entry.IsDir() {
			name, _ := filepath.Rel(t.bucket, path)
			fmt.Fprintln(t.out, " ", name)
		}
		return nil
	})
}

// lines are the same requests for a shell.
func (t tour) lines() string {
	var b strings.Builder
	seen := make(map[string]bool)
	for _, stop := range t.stops() {
		if !seen[stop.path] {
			seen[stop.path] = true
			fmt.Fprintf(&b, "  curl -i %s%s\n", t.base, stop.path)
		}
	}
	fmt.Fprintf(&b, "  curl -i -r 0-9 %s/docs/hello.txt\n", t.base)
	return b.String()
}
