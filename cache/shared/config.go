package shared

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Config says how the gateways of a fleet find each other.
type Config struct {
	Redis     Addresses `yaml:"redis"`     // empty: one gateway on its own
	Advertise string    `yaml:"advertise"` // the URL by which the others reach this gateway; "": they cannot
	Secret    string    `yaml:"secret"`    // the fleet's own; needed for Advertise
}

// Addresses are the URLs of Redis: redis:// or rediss:// (TLS). In YAML they are one URL or a list. One is a single
// server, several are the nodes of a Cluster; with the parameter sentinel=NAME they are the sentinels of the master of
// that name, and with cluster=true one is a node of a Cluster, too.
type Addresses []string

// UnmarshalText takes one URL. It never fails: Validate looks at it.
func (a *Addresses) UnmarshalText(text []byte) error {
	*a = nil
	if len(text) > 0 {
		*a = Addresses{string(text)}
	}
	return nil
}

// On tells whether this gateway is one of a fleet.
func (c Config) On() bool { return len(c.Redis) > 0 }

// minSecret is the shortest secret, in bytes, that is taken: it must not be guessed from what it signs.
const minSecret = 16

// Validate reports every mistake.
func (c Config) Validate(report func(path, problem string)) {
	if _, path, err := c.options(); err != nil {
		report(path, err.Error())
	}
	if c.Secret != "" && len(c.Secret) < minSecret {
		report("secret", fmt.Sprintf("must have at least %d bytes; make one with: openssl rand -hex 32", minSecret))
	}
	switch {
	case c.Advertise == "":
		return
	case c.Secret == "":
		report("secret", "is needed with advertise: by it the gateways know each other")
	}
	if !c.On() {
		report("advertise", "is of no use without shared.redis")
	}
	if problem := checkAdvertise(c.Advertise); problem != "" {
		report("advertise", problem)
	}
}

func checkAdvertise(advertise string) string {
	u, err := url.Parse(advertise)
	switch {
	case len(advertise) > maxAdvertise, !consistsOf(advertise, isPrintable): // it stands in notes
		return fmt.Sprintf("must be at most %d printable ASCII characters", maxAdvertise)
	case err != nil:
		return "is not a URL such as http://10.0.0.5:8080"
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.Hostname() == "":
		return "must be a URL such as http://10.0.0.5:8080"
	case u.User != nil, strings.Trim(u.Path, "/") != "", u.RawQuery != "", u.Fragment != "":
		return "must be scheme, host and port alone, such as http://10.0.0.5:8080"
	}
	return ""
}

// options makes of the addresses what the client takes. path is where a mistake is.
func (c Config) options() (o *redis.UniversalOptions, path string, err error) {
	o = new(redis.UniversalOptions)
	for i, address := range c.Redis {
		path = "redis"
		if len(c.Redis) > 1 {
			path = fmt.Sprintf("redis[%d]", i)
		}
		if err := addAddress(o, address); err != nil {
			return nil, path, err
		}
	}
	if o.MasterName == "" && len(o.Addrs) > 1 {
		o.IsClusterMode = true
	}
	if o.IsClusterMode && o.MasterName != "" {
		return nil, "redis", fmt.Errorf("sentinel and cluster exclude each other")
	}
	if o.IsClusterMode && o.DB != 0 {
		return nil, "redis", fmt.Errorf("a Cluster has database 0 only")
	}
	return o, "", nil
}

// addAddress adds one URL. All but the host is the same in all.
func addAddress(o *redis.UniversalOptions, address string) error {
	u, err := url.Parse(address)
	if err != nil { // the error would show a password
		return fmt.Errorf("is not a URL such as redis://127.0.0.1:6379")
	}
	query := u.Query()
	for name := range query {
		if name != "sentinel" && name != "cluster" {
			return fmt.Errorf("has an unknown parameter %q: sentinel and cluster are known", name)
		}
	}
	if value := query.Get("cluster"); query.Has("cluster") && value != "true" {
		return fmt.Errorf("cluster must be true")
	}
	if query.Has("sentinel") && query.Get("sentinel") == "" {
		return fmt.Errorf("sentinel must name the master")
	}
	u.RawQuery = ""
	one, err := redis.ParseURL(u.String())
	if err != nil || u.Scheme == "unix" || u.Hostname() == "" || one.DB < 0 {
		return fmt.Errorf("must be a URL such as redis://user:password@127.0.0.1:6379/0, or rediss:// for TLS")
	}
	if one.TLSConfig != nil {
		one.TLSConfig.ServerName = "" // of each server its own
	}
	if len(o.Addrs) > 0 && !alike(o, one, query) {
		return fmt.Errorf("must be like the first, except for the host")
	}
	o.Addrs = append(o.Addrs, one.Addr)
	o.Username, o.Password, o.DB, o.TLSConfig = one.Username, one.Password, one.DB, one.TLSConfig
	if name := query.Get("sentinel"); name != "" {
		o.MasterName, o.SentinelUsername, o.SentinelPassword = name, one.Username, one.Password
	}
	o.IsClusterMode = query.Has("cluster")
	return nil
}

func alike(all *redis.UniversalOptions, one *redis.Options, query url.Values) bool {
	return all.Username == one.Username && all.Password == one.Password && all.DB == one.DB &&
		(all.TLSConfig == nil) == (one.TLSConfig == nil) &&
		all.MasterName == query.Get("sentinel") && all.IsClusterMode == query.Has("cluster")
}
