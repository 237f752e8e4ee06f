package bucket

import (
	"slices"
	"testing"
)

func TestConfigMistakes(t *testing.T) {
	valid := func() Config {
		var c S3Config
		c.SetDefaults()
		c.Endpoint, c.Name = "https://s3.eu-west-1.amazonaws.com", "assets"
		return Config{S3: &c}
	}
	for name, test := range map[string]struct {
		change func(*Config)
		want   []string
	}{
		"fine":              {func(*Config) {}, nil},
		"neither":           {func(c *Config) { c.S3 = nil }, []string{""}},
		"both":              {func(c *Config) { c.Dir = "x" }, []string{""}},
		"prefix":            {func(c *Config) { c.Prefix = "a/../b/" }, []string{"prefix"}},
		"leading prefix":    {func(c *Config) { c.Prefix = "/a/" }, []string{"prefix"}},
		"internal prefix":   {func(c *Config) { c.Prefix = ".mirrorgate/x/" }, []string{"prefix"}},
		"no endpoint":       {func(c *Config) { c.S3.Endpoint = "" }, []string{"s3.endpoint"}},
		"no scheme":         {func(c *Config) { c.S3.Endpoint = "127.0.0.1:9000" }, []string{"s3.endpoint"}},
		"path":              {func(c *Config) { c.S3.Endpoint = "http://h/bucket" }, []string{"s3.endpoint"}},
		"user":              {func(c *Config) { c.S3.Endpoint = "http://u:p@h" }, []string{"s3.endpoint"}},
		"name":              {func(c *Config) { c.S3.Name = "a/b" }, []string{"s3.name"}},
		"half a key":        {func(c *Config) { c.S3.AccessKey = "a" }, []string{"s3.secret_key"}},
		"other half":        {func(c *Config) { c.S3.SecretKey = "a" }, []string{"s3.access_key"}},
		"token alone":       {func(c *Config) { c.S3.SessionToken = "a" }, []string{"s3.session_token"}},
		"anonymous and key": {func(c *Config) { c.S3.Anonymous, c.S3.AccessKey, c.S3.SecretKey = true, "a", "b" }, []string{"s3.anonymous"}},
		"injected header":   {func(c *Config) { c.S3.AccessKey, c.S3.SecretKey = "a\r\nb", "b" }, []string{"s3.access_key"}},
		"lookup":            {func(c *Config) { c.S3.Lookup = "virtual" }, []string{"s3.lookup"}},
		"dns on an IP":      {func(c *Config) { c.S3.Lookup, c.S3.Endpoint = "dns", "http://10.0.0.1" }, []string{"s3.lookup"}},
		"ca_file for http":  {func(c *Config) { c.S3.CAFile, c.S3.Endpoint = "x", "http://h" }, []string{"s3.ca_file"}},
		"missing_is":        {func(c *Config) { c.S3.MissingIs = []int{403, 500} }, []string{"s3.missing_is", "s3.missing_is[1]"}},
		"delete_marker":     {func(c *Config) { c.S3.DeleteMarker = "keep" }, []string{"s3.delete_marker"}},
		"timeouts":          {func(c *Config) { c.S3.Timeouts = Timeouts{} }, []string{"s3.timeouts.connect", "s3.timeouts.first_byte", "s3.timeouts.stall"}},
	} {
		c := valid()
		test.change(&c)
		var got []string
		c.Validate(func(path, _ string) { got = append(got, path) })
		slices.Sort(got)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: mistakes at %q, want %q", name, got, test.want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	for _, test := range []struct{ endpoint, name, region, lookup, host, dial, base, wantRegion string }{
		{"http://127.0.0.1:9000", "b-1", "", "auto", "127.0.0.1:9000", "127.0.0.1:9000", "/b-1/", "us-east-1"},
		{"http://minio:9000", "b-1", "x", "auto", "minio:9000", "minio:9000", "/b-1/", "x"},
		{"http://minio:9000", "b-1", "", "dns", "b-1.minio:9000", "b-1.minio:9000", "/", "us-east-1"},
		{"https://s3.eu-west-1.amazonaws.com", "b-1", "", "auto", "b-1.s3.eu-west-1.amazonaws.com", "b-1.s3.eu-west-1.amazonaws.com:443", "/", "eu-west-1"},
		{"https://s3.amazonaws.com", "b-1", "eu-west-1", "auto", "b-1.s3.eu-west-1.amazonaws.com", "b-1.s3.eu-west-1.amazonaws.com:443", "/", "eu-west-1"},
		{"https://s3.eu-west-1.amazonaws.com", "b.1", "", "auto", "s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com:443", "/b.1/", "eu-west-1"},
		{"https://s3.eu-west-1.amazonaws.com", "Old_Name", "", "auto", "s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com:443", "/Old_Name/", "eu-west-1"},
		{"HTTPS://Storage.GoogleAPIs.com:443/", "b-1", "", "path", "storage.googleapis.com", "storage.googleapis.com:443", "/b-1/", "us-east-1"},
		{"http://[::1]:80", "b-1", "", "auto", "[::1]", "[::1]:80", "/b-1/", "us-east-1"},
	} {
		e, err := newEndpoint(S3Config{Endpoint: test.endpoint, Name: test.name, Region: test.region, Lookup: test.lookup})
		if err != nil || e.host != test.host || e.dial != test.dial || e.base != test.base || e.region != test.wantRegion {
			t.Errorf("%s %s %s: got %+v, %v", test.endpoint, test.name, test.lookup, e, err)
		}
	}
}
