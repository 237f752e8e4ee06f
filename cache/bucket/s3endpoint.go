package bucket

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// endpoint is where the requests of one bucket go.
type endpoint struct {
	scheme string
	server string // host and port of the S3 server, as the SDK wants it
	host   string // the Host header, lower case, without a default port
	dial   string // host:port
	base   string // the path before the key: "/" or "/bucket/"
	region string
	bucket string
	lookup minio.BucketLookupType
	tls    *tls.Config // nil for http
}

// newEndpoint resolves the lookup style of a validated configuration.
func newEndpoint(c S3Config) (endpoint, error) {
	u, problem := parseEndpoint(c.Endpoint)
	if problem != "" {
		return endpoint{}, fmt.Errorf("endpoint %s", problem)
	}
	u = &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
	e := endpoint{scheme: u.Scheme, bucket: c.Name, region: regionOf(c.Region, *u), lookup: minio.BucketLookupPath}
	if u.Host == "s3.amazonaws.com" && e.region != defaultRegion {
		u.Host = "s3." + e.region + ".amazonaws.com" // the global name redirects for other regions
	}
	e.server, e.base = u.Host, "/"+c.Name+"/"
	host := u.Hostname()
	if byHostName(c, *u) {
		host, e.base, e.lookup = c.Name+"."+host, "/", minio.BucketLookupDNS
	}
	e.host, e.dial = hostHeader(u.Scheme, host, u.Port()), net.JoinHostPort(host, portOf(*u))
	if u.Scheme == "http" {
		return e, nil
	}
	pool, err := authorities(c.CAFile)
	e.tls = &tls.Config{ServerName: host, RootCAs: pool, MinVersion: tls.VersionTLS12}
	return e, err
}

const defaultRegion = "us-east-1"

func regionOf(configured string, u url.URL) string {
	if configured != "" {
		return configured
	}
	if region := s3utils.GetRegionFromURL(u); region != "" {
		return region
	}
	return defaultRegion
}

// byHostName tells whether the bucket's name becomes part of the host name. A name with a dot would not fit the
// server's wildcard certificate.
func byHostName(c S3Config, u url.URL) bool {
	switch c.Lookup {
	case lookupDNS:
		return true
	case lookupPath:
		return false
	}
	return net.ParseIP(u.Hostname()) == nil && s3utils.CheckValidBucketNameStrict(c.Name) == nil &&
		s3utils.IsVirtualHostSupported(u, c.Name)
}

func portOf(u url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// hostHeader leaves out a default port: proxies drop it, and the signature covers the header.
func hostHeader(scheme, host, port string) string {
	if port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}

// authorities reads a PEM file; without one the system's authorities hold.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file %s: holds no certificate in PEM form", file)
	}
	return pool, nil
}
