package admin

import (
	"fmt"
	"net"
	"strings"
)

// Config is the listener's part of the configuration.
type Config struct {
	Listen string `yaml:"listen"` // host:port; "" for none
	Token  string `yaml:"token"`  // without one the API is read-only, or silent on other than loopback addresses
	// Hosts are more names under which it is reached, such as that of a proxy before it. Under a name that is not told
	// here anybody's page could reach it through a browser.
	Hosts []string `yaml:"hosts"`
}

// local tells whether nobody but this machine reaches the listener.
func (c Config) local() bool {
	host, _, _ := net.SplitHostPort(c.Listen)
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// DefaultConfig listens on this machine alone.
func DefaultConfig() Config { return Config{Listen: "127.0.0.1:9090"} }

// Validate reports what cannot be listened on, and tokens that can be guessed.
func (c Config) Validate(report func(path, problem string)) {
	if c.Listen != "" {
		if _, _, err := net.SplitHostPort(c.Listen); err != nil {
			report("listen", `must be HOST:PORT, for example 127.0.0.1:9090, or "" for no admin listener`)
		}
	}
	if c.Token != "" && len(c.Token) < 16 {
		report("token", "must have at least 16 characters")
	}
	for i, host := range c.Hosts {
		if host == "" || strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			report(fmt.Sprintf("hosts[%d]", i), "must be a host name alone, without port, such as admin.example.com")
		}
	}
}
