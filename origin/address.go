package origin

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// parseBase reads a target's URL. The scheme may be absent, a "/" at the end does not count, and what a URL may not
// hold raw is encoded. The problem is for a person to read and never repeats the URL, which may hold a password.
func parseBase(s string) (base *url.URL, problem string) {
	if ip, err := netip.ParseAddr(s); err == nil && ip.Is6() {
		return nil, "an IPv6 address stands in brackets: http://[" + ip.String() + "]"
	}
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := parseURL(s)
	if err != nil {
		return nil, "is not a URL: " + err.Error()
	}
	if problem := baseProblem(u); problem != "" {
		return nil, problem
	}
	u.Host = strings.ToLower(u.Host)
	raw := strings.TrimSuffix(u.EscapedPath(), "/")
	u.Path, err = url.PathUnescape(raw)
	u.RawPath = raw
	if err != nil {
		return nil, "is not a URL: " + err.Error()
	}
	return u, ""
}

func baseProblem(u *url.URL) string {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "the scheme must be http or https"
	case u.User != nil:
		return "must not hold a user name or password; set them with forward.headers.set.Authorization"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return `must not hold a "?" or "#"`
	case dotted(u.Path) || strings.Contains(u.Path, `\`):
		return `the path must not hold ".", ".." or "\"`
	}
	return authorityProblem(u)
}

// authorityProblem says what is wrong with host and port; "" if nothing.
func authorityProblem(u *url.URL) string {
	host := u.Hostname()
	if host == "" {
		return "has no host"
	}
	if strings.HasSuffix(u.Host, ":") || u.Port() != "" && !validPort(u.Port()) {
		return "the port must be a number from 1 to 65535"
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" {
			return "an address with a zone cannot be asked"
		}
		if forbidden(ip) {
			return fmt.Sprintf("%s is never asked: it leads to metadata services or nowhere", ip)
		}
		return ""
	}
	if !validHost(host) {
		return "the host must be a name of letters, digits, dots and hyphens (other letters in punycode, xn--…) or an IP"
	}
	return ""
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func validHost(s string) bool {
	for i := range len(s) {
		c := s[i]
		alnum := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !alnum && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 253 && !strings.HasPrefix(s, ".") && !strings.Contains(s, "..")
}

func dotted(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// parseURL reads a URL of which every byte of path and query that may stand there stays as it is, and all others are
// encoded: url.URL on its own would encode a path anew once it holds a single byte that it does not like.
func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(encodeForbidden(s))
	if err != nil {
		return nil, withoutURL(err)
	}
	return u, nil
}

// withoutURL takes the URL out of an error of net/url: it may hold a password, and it is long.
func withoutURL(err error) error {
	var parsing *url.Error
	if errors.As(err, &parsing) {
		return parsing.Err
	}
	return err
}

// encodeForbidden replaces each byte that no part of a URL may hold raw (RFC 3986 appendix A) with %XX.
func encodeForbidden(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// base returns the URL of the bucket.
func (s S3) base() (*url.URL, string) {
	u, problem := parseBase(s.Endpoint)
	switch {
	case problem != "":
		return nil, problem
	case u.Path != "":
		return nil, "must not hold a path; the bucket's name and the prefix have fields of their own"
	case s.lookupIn(u) == lookupDNS && isIP(u.Hostname()):
		return nil, "an IP cannot be asked with lookup: dns"
	case s.lookupIn(u) == lookupDNS:
		u.Host = s.Name + "." + u.Host
	default:
		u.Path, u.RawPath = "/"+s.Name, ""
	}
	return u, ""
}

// lookupIn decides auto: by name where the provider asks for it, by path everywhere else.
func (s S3) lookupIn(endpoint *url.URL) string {
	switch {
	case s.Lookup == lookupPath || s.Lookup == lookupDNS:
		return s.Lookup
	case s3utils.IsVirtualHostSupported(*endpoint, s.Name):
		return lookupDNS
	}
	return lookupPath
}

// region returns the configured region, the one that the endpoint's name holds, or the one that servers which do not
// care expect.
func (s S3) region() string {
	if s.Region != "" {
		return s.Region
	}
	if u, problem := parseBase(s.Endpoint); problem == "" {
		if region := s3utils.GetRegionFromURL(*u); region != "" {
			return region
		}
	}
	return "us-east-1"
}

// hostOf returns a URL's host in the form in which hosts are compared.
func hostOf(u *url.URL) string {
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}

// portOf returns a URL's port, given or not.
func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

// splitConnectTo reads "host", "host:port", "[v6]" or "[v6]:port".
func splitConnectTo(s string) (host, port string, ok bool) {
	if ip, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return ip.String(), "", ip.Zone() == ""
	}
	host, port = s, ""
	if strings.Contains(s, ":") {
		var err error
		if host, port, err = net.SplitHostPort(s); err != nil || !validPort(port) {
			return "", "", false
		}
	}
	return host, port, isIP(host) || validHost(host)
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func joinHost(host, port string) string {
	if port == "" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}
