package configs

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mirrorgate/cache/bucket"
)

// checkBuckets reports directory buckets that touch data_dir, and sites whose objects would get in each other's way.
func checkBuckets(c *Config, report func(path, problem string)) {
	data := newPlace(c.DataDir)
	places := make([]place, len(c.Sites))
	for i, site := range c.Sites {
		path := sitePath(i) + ".bucket"
		places[i] = newPlace(site.Bucket.Dir)
		if how := places[i].relation(data); how != "" {
			report(path+".dir", how+" data_dir: mirrorgate's own files and the objects need directories apart")
		}
		for k, other := range c.Sites[:i] {
			how := places[i].relation(places[k])
			switch {
			case how == "is" || sameBucket(site.Bucket.S3, other.Bucket.S3):
				if overlap(site.Bucket.Prefix, other.Bucket.Prefix) {
					report(path, fmt.Sprintf("is that of %s, and the prefixes overlap: give each site its own prefix", sitePath(k)))
				}
			case how != "":
				report(path+".dir", fmt.Sprintf("%s the bucket directory of %s", how, sitePath(k)))
			}
		}
	}
}

func sameBucket(a, b *bucket.S3Config) bool {
	return a != nil && b != nil && a.Name == b.Name && endpoint(a.Endpoint) == endpoint(b.Endpoint)
}

// overlap tells whether some key could lie under both prefixes.
func overlap(a, b string) bool {
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

// place is a directory, which need not exist yet.
type place struct {
	path  string        // absolute, without symbolic links as far as it exists; "" for no place
	above []os.FileInfo // the directory and those above it, as far as they exist
}

func newPlace(dir string) place {
	if dir == "" {
		return place{}
	}
	p := place{path: resolve(dir)}
	for d := p.path; ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err != nil {
			info = nil
		}
		p.above = append(p.above, info)
		if d == filepath.Dir(d) {
			return p
		}
	}
}

// relation tells how a directory stands to another: "is", "lies in" or "holds" it, or "".
func (p place) relation(other place) string {
	switch {
	case p.path == "" || other.path == "":
		return ""
	case p.path == other.path || sameFile(p.above[0], other.above[0]):
		return "is"
	case p.in(other):
		return "lies in"
	case other.in(p):
		return "holds"
	}
	return ""
}

// in looks at the path, and at what no path shows: file systems that do not tell case apart, and mounts.
func (p place) in(outer place) bool {
	if strings.HasPrefix(p.path, strings.TrimSuffix(outer.path, "/")+"/") {
		return true
	}
	return slices.ContainsFunc(p.above, func(info os.FileInfo) bool { return sameFile(info, outer.above[0]) })
}

func sameFile(a, b os.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b)
}

// resolve gives the absolute path without symbolic links. What does not exist yet stays as it is.
func resolve(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // before Abs, which would take ".." off a link's name rather than off what it leads to
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return filepath.Clean(path)
	}
	rest := ""
	for dir := abs; ; dir = filepath.Dir(dir) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			return filepath.Join(real, rest)
		}
		if dir == filepath.Dir(dir) {
			return abs
		}
		rest = filepath.Join(filepath.Base(dir), rest)
	}
}

// endpoint gives host and port of a server's URL in one form. The scheme does not count, except for the default port.
func endpoint(raw string) string {
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") + ":" + portOf(u)
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
