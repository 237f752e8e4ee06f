package bucket

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// S3Config describes a bucket that is reached over the S3 protocol.
type S3Config struct {
	Endpoint string `yaml:"endpoint"` // URL without a path
	Name     string `yaml:"name"`
	Region   string `yaml:"region"` // empty: told by an Amazon endpoint, else us-east-1

	// AccessKey and SecretKey may both be empty: then the environment (AWS_*, MINIO_*) or the instance's role gives them.
	AccessKey    string `yaml:"access_key"`
	SecretKey    string `yaml:"secret_key"`
	SessionToken string `yaml:"session_token"`
	Anonymous    bool   `yaml:"anonymous"` // requests are not signed

	Lookup string `yaml:"lookup"`  // auto | path | dns
	CAFile string `yaml:"ca_file"` // PEM; replaces the system's authorities

	MissingIs    []int    `yaml:"missing_is"`    // 404, or 404 and 403
	DeleteMarker string   `yaml:"delete_marker"` // gone | miss
	Timeouts     Timeouts `yaml:"timeouts"`
}

// Timeouts limit lack of progress, never a whole transfer.
type Timeouts struct {
	Connect   time.Duration `yaml:"connect"`    // TCP and TLS
	FirstByte time.Duration `yaml:"first_byte"` // from the request to the first byte of the answer
	Stall     time.Duration `yaml:"stall"`      // without a byte in mid-transfer
}

// SetDefaults gives c the defaults of a configuration that says nothing.
func (c *S3Config) SetDefaults() {
	*c = S3Config{
		Lookup: lookupAuto, MissingIs: []int{404}, DeleteMarker: markerGone,
		Timeouts: Timeouts{Connect: 2 * time.Second, FirstByte: 10 * time.Second, Stall: 30 * time.Second},
	}
}

// The closed sets of values.
const (
	lookupAuto = "auto"
	lookupPath = "path"
	lookupDNS  = "dns"

	markerGone = "gone"
	markerMiss = "miss"
)

// Validate reports every mistake in c with its path relative to c.
func (c S3Config) Validate(report func(path, problem string)) {
	u, problem := parseEndpoint(c.Endpoint)
	if problem != "" {
		report("endpoint", problem)
	}
	if err := s3utils.CheckValidBucketName(c.Name); err != nil {
		report("name", strings.ToLower(err.Error()))
	}
	if strings.ContainsAny(c.Region, "/ \t\r\n") {
		report("region", "must not contain spaces or slashes")
	}
	if c.CAFile != "" && u != nil && u.Scheme != "https" {
		report("ca_file", "is of no use without https in endpoint")
	}
	c.validateKeys(report)
	c.validateLookup(u, report)
	c.validateAnswers(report)
	for path, d := range map[string]time.Duration{
		"timeouts.connect": c.Timeouts.Connect, "timeouts.first_byte": c.Timeouts.FirstByte,
		"timeouts.stall": c.Timeouts.Stall,
	} {
		if d <= 0 {
			report(path, "must be above 0")
		}
	}
}

func (c S3Config) validateKeys(report func(path, problem string)) {
	if c.AccessKey != "" && c.SecretKey == "" {
		report("secret_key", "is missing beside access_key")
	}
	if c.AccessKey == "" && c.SecretKey != "" {
		report("access_key", "is missing beside secret_key")
	}
	if c.AccessKey == "" && c.SessionToken != "" {
		report("session_token", "needs access_key and secret_key")
	}
	if c.Anonymous && (c.AccessKey != "" || c.SecretKey != "") {
		report("anonymous", "excludes access_key and secret_key")
	}
	for path, value := range map[string]string{"access_key": c.AccessKey, "session_token": c.SessionToken} {
		if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			report(path, "must be printable ASCII without spaces")
		}
	}
}

func (c S3Config) validateLookup(u *url.URL, report func(path, problem string)) {
	switch c.Lookup {
	case lookupAuto, lookupPath:
	case lookupDNS:
		if u != nil && net.ParseIP(u.Hostname()) != nil {
			report("lookup", "dns needs a host name in endpoint, not an IP address")
		} else if s3utils.CheckValidBucketNameStrict(c.Name) != nil {
			report("lookup", "dns needs a bucket name that is a DNS label: use path")
		}
	default:
		report("lookup", "must be auto, path or dns")
	}
}

func (c S3Config) validateAnswers(report func(path, problem string)) {
	for i, status := range c.MissingIs {
		if status != 404 && status != 403 {
			report(fmt.Sprintf("missing_is[%d]", i), "must be 404 or 403")
		}
	}
	if !slices.Contains(c.MissingIs, 404) {
		report("missing_is", "must contain 404")
	}
	if c.DeleteMarker != markerGone && c.DeleteMarker != markerMiss {
		report("delete_marker", "must be gone or miss")
	}
}

// parseEndpoint reads an endpoint, or says what is wrong with it.
func parseEndpoint(s string) (*url.URL, string) {
	if s == "" {
		return nil, "is missing: the URL of the S3 server, such as https://s3.eu-west-1.amazonaws.com"
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, "is not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, "must begin with http:// or https://"
	case u.Hostname() == "":
		return nil, "has no host"
	case u.User != nil:
		return nil, "must not hold a user or password: use access_key and secret_key"
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, "must not have a path or query: the bucket goes into name, a path inside it into prefix"
	}
	return u, ""
}
