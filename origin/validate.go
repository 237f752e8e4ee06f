package origin

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/minio/minio-go/v7/pkg/s3utils"
	"golang.org/x/net/http/httpguts"
)

const (
	maxFollow   = 50   // redirects
	maxFailures = 1000 // that a breaker keeps in mind
)

// reporter takes a mistake: where it is, in the names of the configuration, and what to do about it.
type reporter func(path, problem string)

// under returns a reporter for the fields below prefix.
func (r reporter) under(prefix string) reporter {
	return func(path, problem string) { r(prefix+"."+path, problem) }
}

// Validate reports every mistake. It reads the ca_files. A target that is absent is none: whether there must be one
// depends on the rule.
func (c Config) Validate(report func(path, problem string)) {
	if !c.Primary.Zero() {
		c.Primary.validate("primary", report)
	}
	if !c.Backup.Zero() {
		c.Backup.validate("backup", report)
	}
	c.validateStatuses(report)
	c.Timeouts.validate(reporter(report).under("timeouts"))
	c.Breaker.validate(reporter(report).under("breaker"))
	if c.FollowRedirects < 0 || c.FollowRedirects > maxFollow {
		report("follow_redirects", fmt.Sprintf("must be from 0 to %d", maxFollow))
	}
	if c.MaxConcurrent < 1 {
		report("max_concurrent", "must be at least 1")
	}
	if c.MaxRate < 0 || math.IsNaN(c.MaxRate) || math.IsInf(c.MaxRate, 0) {
		report("max_rate", "must be a number of requests per second, or 0 for no limit")
	}
	if c.MaxBandwidth < 0 {
		report("max_bandwidth", "must be a number of bytes per second, or 0 for no limit")
	}
	if c.Scope != ScopeGateway && c.Scope != ScopeFleet {
		report("scope", "must be gateway (each gateway's own limits) or fleet (those of all gateways together)")
	}
}

func (c Config) validateStatuses(report reporter) {
	for i, on := range c.FailoverOn {
		status, err := strconv.Atoi(on)
		class := slices.Contains([]string{onConnect, onTimeout, on4xx, on5xx}, on)
		if !class && (err != nil || status <= 200 || status > 599) {
			report(fmt.Sprintf("failover_on[%d]", i), "must be connect, timeout, 4xx, 5xx or a status other than 200")
		}
	}
	for i, status := range c.PassStatus {
		path := fmt.Sprintf("pass_status[%d]", i)
		switch {
		case status < 400 || status > 599:
			report(path, "must be a status from 400 to 599")
		case status == 404 || status == 410:
			report(path, "404 and 410 already mean that the object is not there; remove it")
		case status == 508:
			report(path, "508 means that requests go in a circle, which is always a failure; remove it")
		}
	}
}

func (t Timeouts) validate(report reporter) {
	for _, f := range []struct {
		path  string
		value time.Duration
	}{{"answer", t.Answer}, {"connect", t.Connect}, {"first_byte", t.FirstByte}, {"stall", t.Stall}} {
		if f.value <= 0 {
			report(f.path, "must be more than 0")
		}
	}
}

func (c BreakerConfig) validate(report reporter) {
	if c.Failures < 0 || c.Failures > maxFailures {
		report("failures", fmt.Sprintf("must be from 1 to %d, or 0 for no breaker", maxFailures))
	}
	if c.Window <= 0 {
		report("window", "must be more than 0")
	}
	if c.Open <= 0 {
		report("open", "must be more than 0")
	}
}

// validate reports the mistakes of a target that is at path.
func (t Target) validate(path string, report reporter) {
	below := report.under(path)
	if t.ConnectTo != "" {
		t.validateConnectTo(below)
	}
	switch {
	case t.S3 != nil && t.URL != "":
		report(path, "must be either a url or an s3 bucket, not both")
	case t.S3 != nil:
		t.validateS3(below)
	case t.URL == "":
		report(path, "needs a url or an s3 bucket")
	default:
		t.validateURL(path, report)
	}
}

func (t Target) validateURL(path string, report reporter) {
	below := report.under(path)
	at := path + ".url"
	if t.scalar {
		at = path
	}
	if _, problem := parseBase(t.URL); problem != "" {
		report(at, problem)
	}
	if t.Host != "" && !httpguts.ValidHostHeader(t.Host) {
		below("host", "must be what a Host header may hold: a host and perhaps a port")
	}
	if t.TLS.ServerName != "" && !validHost(t.TLS.ServerName) {
		below("tls.server_name", "must be the name of a host")
	}
	if _, err := t.TLS.config(); err != nil {
		below("tls.ca_file", err.Error())
	}
}

func (t Target) validateConnectTo(report reporter) {
	host, port, ok := splitConnectTo(t.ConnectTo)
	if !ok {
		report("connect_to", "must be a host or an IP, with or without a port, such as 203.0.113.7:443")
		return
	}
	u, problem := parseBase(joinHost(host, port))
	if problem == "" {
		problem = authorityProblem(u)
	}
	if problem != "" {
		report("connect_to", problem)
	}
}

func (t Target) validateS3(report reporter) {
	if t.Host != "" {
		report("host", "a bucket's requests are signed for its own host; remove it")
	}
	if t.TLS != (TLS{}) {
		report("tls", "a bucket has s3.ca_file only; remove it")
	}
	t.S3.validate(report.under("s3"))
}

func (s S3) validate(report reporter) {
	if _, problem := s.base(); problem != "" {
		report("endpoint", problem)
	}
	if err := s3utils.CheckValidBucketName(s.Name); err != nil {
		report("name", err.Error())
	}
	switch s.Lookup {
	case "", lookupAuto, lookupPath, lookupDNS:
	default:
		report("lookup", "must be auto, path or dns")
	}
	if !utf8.ValidString(s.Prefix) || !httpguts.ValidHeaderFieldValue(s.Prefix) {
		report("prefix", "must be UTF-8 without control characters")
	}
	if !httpguts.ValidHeaderFieldName(s.region()) {
		report("region", "must be a name such as eu-central-1")
	}
	if _, err := (TLS{CAFile: s.CAFile}).config(); err != nil {
		report("ca_file", err.Error())
	}
	s.validateKeys(report)
	for i, status := range s.MissingIs {
		if status != 404 && status != 403 {
			report(fmt.Sprintf("missing_is[%d]", i), "must be 404 or 403")
		}
	}
}

func (s S3) validateKeys(report reporter) {
	keys := s.AccessKey != "" || s.SecretKey != "" || s.SessionToken != ""
	switch {
	case s.Anonymous && keys:
		report("anonymous", "must not be true beside keys")
	case keys && s.AccessKey == "":
		report("access_key", "is missing beside the other keys")
	case keys && s.SecretKey == "":
		report("secret_key", "is missing beside access_key")
	case !httpguts.ValidHeaderFieldValue(s.AccessKey + s.SessionToken):
		report("access_key", "must not hold control characters, nor may session_token")
	}
}
