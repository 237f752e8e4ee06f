// Package bucket holds the places where a site's objects live: a directory, or a bucket that speaks the S3 protocol.
//
// Every bucket keeps the contract of cache.Bucket: only a proven "no such key" is cache.ErrNotFound, a write never
// replaces an object that it was not told to replace, and a key that the bucket cannot keep apart from other keys is
// never sent to it. What a bucket can do is learnt by a probe at start, see Bucket.Run.
//
// It does not cache, does not retry writes and does not list objects.
package bucket

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"mirrorgate/cache"
)

// Bucket is an opened bucket. All methods may be called concurrently.
type Bucket interface {
	cache.Bucket

	// Run probes the bucket until it has answered, keeps credentials fresh, and blocks until ctx ends. It is called
	// once. Reads of ordinary keys work without it.
	Run(ctx context.Context) error

	// Ready is nil once the bucket may be written. Until then it says why not, Put gives cache.ErrNotReady, and keys
	// with an unusual form give cache.ErrKeyForm.
	Ready() error

	// Own is the part of the bucket that mirrorgate keeps for itself, below the bucket's prefix: the keys that begin with
	// cache.InternalPrefix, which Open and Put of the bucket refuse. Its Put refuses to write where the condition is not
	// known to hold.
	Own() cache.Bucket
}

var (
	_ Bucket = (*Dir)(nil)
	_ Bucket = (*S3)(nil)

	_ cache.Parted = (*S3)(nil)
)

// Config says where a site's objects live: in exactly one of Dir and S3.
type Config struct {
	Dir    string    `yaml:"dir"`
	Prefix string    `yaml:"prefix"` // put before every key
	S3     *S3Config `yaml:"s3"`
}

// Validate reports every mistake in c with its path relative to c.
func (c Config) Validate(report func(path, problem string)) {
	switch {
	case c.Dir == "" && c.S3 == nil:
		report("", "needs dir or s3: where the objects are kept")
	case c.Dir != "" && c.S3 != nil:
		report("", "has both dir and s3: choose one")
	}
	if problem := prefixProblem(c.Prefix); problem != "" {
		report("prefix", problem)
	}
	if c.S3 != nil {
		c.S3.Validate(func(path, problem string) { report("s3."+path, problem) })
	}
}

// maxPrefix leaves most of cache.MaxKey to the keys.
const maxPrefix = 512

// prefixProblem names what would make keys under the prefix unsafe on servers that clean paths.
func prefixProblem(prefix string) string {
	switch {
	case len(prefix) > maxPrefix:
		return "is longer than 512 bytes"
	case prefix != "" && formOf(prefix) != 0:
		return `must be UTF-8 without a leading "/", "//", "." and ".." segments, such as "site-a/"`
	case strings.HasPrefix(prefix, cache.InternalPrefix):
		return "must not begin with " + cache.InternalPrefix + ", which mirrorgate keeps for itself"
	}
	return ""
}

// New opens the bucket that c describes. Buckets that are opened with the same uploads share its bounds (S3 only; the
// limits of S3, 5 MiB to 5 GiB and 10,000 parts, overrule its part size). New does no I/O over the network.
func New(c Config, uploads *Uploads, log *slog.Logger) (Bucket, error) {
	var problems []error
	c.Validate(func(path, problem string) {
		problems = append(problems, errors.New(strings.TrimPrefix(path+": "+problem, ": ")))
	})
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	if c.S3 != nil {
		return NewS3(*c.S3, c.Prefix, uploads, log)
	}
	return NewDir(c.Dir, c.Prefix, log)
}
