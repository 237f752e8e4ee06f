package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"mirrorgate/cache/bucket"
	"mirrorgate/configs"
	"mirrorgate/origin"
)

// configuration is the file's, or one made from flags: all hosts, one bucket, one rule that mirrors everything.
func (c *serveCmd) configuration() (*configs.Config, error) {
	if c.Config != "" && (c.Bucket != "" || c.Listen != "" || c.DataDir != "") {
		return nil, &usageError{errors.New("with --config the file alone says what to serve: leave out the other flags")}
	}
	if c.Config != "" {
		return load(c.Config)
	}
	if c.Origin == "" || c.Bucket == "" {
		return nil, &usageError{errors.New("mirrorgate serve needs --config FILE, or --origin URL and --bucket DIR")}
	}
	cfg := configs.DefaultConfig()
	cfg.Server.Listen, cfg.DataDir = cmp.Or(c.Listen, cfg.Server.Listen), cmp.Or(c.DataDir, cfg.DataDir)
	cfg.Admin.Listen = "" // without a file there is no token, and nothing to steer
	var rule configs.Rule
	rule.SetDefaults()
	rule.ID = "all"
	rule.Origin.Primary = origin.Target{URL: c.Origin}
	var site configs.Site
	site.SetDefaults()
	site.Name, site.Hosts, site.Rules = "site", []string{"*"}, []configs.Rule{rule}
	var err error
	if site.Bucket, err = c.bucket(); err != nil {
		return nil, &usageError{err}
	}
	cfg.Sites = []configs.Site{site}
	return &cfg, cfg.Validate()
}

// load reads a configuration file. A file that cannot be read is a mistake in the command line.
func load(path string) (*configs.Config, error) {
	cfg, err := configs.Load(path)
	var mistakes configs.Mistakes
	if err != nil && !errors.As(err, &mistakes) {
		return nil, &usageError{err}
	}
	return cfg, err
}

// bucket reads --bucket.
func (c *serveCmd) bucket() (bucket.Config, error) {
	rest, isS3 := strings.CutPrefix(c.Bucket, "s3://")
	if !isS3 {
		return bucket.Config{Dir: c.Bucket}, nil
	}
	name, prefix, _ := strings.Cut(rest, "/")
	if name == "" || strings.ContainsAny(rest, "?#") {
		return bucket.Config{}, fmt.Errorf("--bucket %s: must be s3://NAME or s3://NAME/PREFIX", c.Bucket)
	}
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/" // it is a folder, as in every other tool that takes such names
	}
	endpoint := c.Endpoint
	if endpoint == "" {
		endpoint = "https://s3." + url.PathEscape(c.Region) + ".amazonaws.com"
	}
	var s3 bucket.S3Config
	s3.SetDefaults()
	s3.Endpoint, s3.Name, s3.Region = endpoint, name, c.Region
	return bucket.Config{Prefix: prefix, S3: &s3}, nil
}
