package gateway

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"mirrorgate/cache"
)

// Config is the server's part of the configuration.
type Config struct {
	Listen      string        `yaml:"listen"`       // host:port
	HealthPath  string        `yaml:"health_path"`  // answered on any host
	IdleTimeout time.Duration `yaml:"idle_timeout"` // of keep-alive connections
	Drain       time.Duration `yaml:"drain"`        // for load balancers to see that it is about to stop
	Grace       time.Duration `yaml:"grace"`        // for what is under way at shutdown

	// TrustedProxies are the CIDRs of those whose X-Forwarded-For names the client, in the access log.
	TrustedProxies []string `yaml:"trusted_proxies"`
}

// DefaultConfig returns the settings of a gateway without configuration.
func DefaultConfig() Config {
	return Config{
		Listen: "127.0.0.1:8080", HealthPath: "/.mirrorgate/health",
		IdleTimeout: 620 * time.Second, Grace: 30 * time.Second,
	}
}

// maxTrusted bounds what each line of the access log is compared with.
const maxTrusted = 100

// Validate reports what cannot be served.
func (c Config) Validate(report func(path, problem string)) {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		report("listen", "must be HOST:PORT, for example 127.0.0.1:8080 or :8080")
	}
	if len(c.HealthPath) < 2 || c.HealthPath[0] != '/' || strings.ContainsAny(c.HealthPath, "?#% ") {
		report("health_path", `must be a path such as /.mirrorgate/health, without "?", "#", "%" or space`)
	}
	if c.HealthPath == cache.PeerPath {
		report("health_path", "must not be "+cache.PeerPath+", where other gateways ask")
	}
	if c.IdleTimeout <= 0 {
		report("idle_timeout", "must be more than 0")
	}
	if c.Drain < 0 {
		report("drain", "must not be negative")
	}
	for i, s := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(s); err != nil {
			report(fmt.Sprintf("trusted_proxies[%d]", i), "must be a CIDR, such as 10.0.0.0/8 or 2001:db8::1/128")
		}
	}
	if len(c.TrustedProxies) > maxTrusted {
		report("trusted_proxies", fmt.Sprintf("at most %d", maxTrusted))
	}
	if c.Grace < 0 {
		report("grace", "must not be negative")
	}
}

// DefaultMaxInflight is the default of limits.max_inflight: the requests that are answered at one time.
const DefaultMaxInflight = 20_000

// DefaultMinRate is the default of limits.min_rate, in bytes per second: clients and origins that move less over a
// minute are cut off.
const DefaultMinRate = 1 << 10
