package origin

import (
	"time"
)

// Config is where a rule's objects come from and how much may be asked of it.
type Config struct {
	Primary Target `yaml:"primary"`
	Backup  Target `yaml:"backup"`

	FailoverOn      []string `yaml:"failover_on"` // connect, timeout, 4xx, 5xx or a status; 404 includes 410
	PassStatus      []int    `yaml:"pass_status"` // answers that become ours
	FollowRedirects int      `yaml:"follow_redirects"`
	Timeouts        Timeouts `yaml:"timeouts"`

	Breaker BreakerConfig `yaml:"breaker"` // of each target

	MaxConcurrent         int     `yaml:"max_concurrent"` // pulls, from their begin until their body is closed
	MaxRate               float64 `yaml:"max_rate"`       // requests per second, 0 none
	MaxBandwidth          int64   `yaml:"max_bandwidth"`  // bytes per second, 0 none
	Scope                 string  `yaml:"scope"`          // whose these three limits are
	AllowPrivateRedirects bool    `yaml:"allow_private_redirects"`
}

// Timeouts bounds the waiting for origins.
type Timeouts struct {
	Answer    time.Duration `yaml:"answer"`     // one budget over waits, redirects and targets, up to the answer's header
	Connect   time.Duration `yaml:"connect"`    // name, connection and TLS, for each request
	FirstByte time.Duration `yaml:"first_byte"` // from there to the whole header
	Stall     time.Duration `yaml:"stall"`      // without a byte of the body
}

// BreakerConfig says when a target that fails is left alone, and for how long.
type BreakerConfig struct {
	Failures int           `yaml:"failures"` // so many open it; 0: it never opens
	Window   time.Duration `yaml:"window"`   // the time within which they count
	Open     time.Duration `yaml:"open"`     // then one request tries whether the target is back
}

// Target is one origin: a URL (how to get there is in the other fields) or a private bucket. In YAML it is a URL alone
// or a mapping.
type Target struct {
	URL       string `yaml:"url"`
	ConnectTo string `yaml:"connect_to"` // dial this instead of what the name resolves to
	Host      string `yaml:"host"`       // another Host header
	TLS       TLS    `yaml:"tls"`
	S3        *S3    `yaml:"s3"`

	scalar bool // it was given as a URL alone, which is where mistakes are then reported
}

// TLS is how the certificate of a target's own host is checked.
type TLS struct {
	CAFile             string `yaml:"ca_file"`     // PEM; instead of the system's certificates
	ServerName         string `yaml:"server_name"` // for SNI and the check, instead of the URL's host
	InsecureSkipVerify bool   `yaml:"insecure_skip_verify"`
}

// S3 is a bucket as an origin. Without keys they come from the environment or the instance's role.
type S3 struct {
	Endpoint     string `yaml:"endpoint"`
	Name         string `yaml:"name"`
	Prefix       string `yaml:"prefix"` // put before the rewritten path, as it is
	Region       string `yaml:"region"`
	AccessKey    string `yaml:"access_key"`
	SecretKey    string `yaml:"secret_key"`
	SessionToken string `yaml:"session_token"`
	Lookup       string `yaml:"lookup"` // auto, path or dns
	CAFile       string `yaml:"ca_file"`
	Anonymous    bool   `yaml:"anonymous"`
	MissingIs    []int  `yaml:"missing_is"` // 404, and 403 where the bucket may not be listed
}

// The ways to name a bucket in a URL.
const (
	lookupAuto = "auto"
	lookupPath = "path"
	lookupDNS  = "dns"
)

// DefaultConfig returns the limits of a rule that sets none. It has no target.
func DefaultConfig() Config {
	var c Config
	c.SetDefaults()
	return c
}

// SetDefaults makes c what DefaultConfig returns.
func (c *Config) SetDefaults() {
	*c = Config{
		FailoverOn:      []string{onConnect, onTimeout, on5xx, "404"},
		PassStatus:      []int{401, 403, 451},
		FollowRedirects: 10,
		Timeouts: Timeouts{
			Answer: 15 * time.Second, Connect: 3 * time.Second, FirstByte: 10 * time.Second, Stall: 30 * time.Second,
		},
		Breaker:       BreakerConfig{Failures: 5, Window: 10 * time.Second, Open: 5 * time.Second},
		MaxConcurrent: 256,
		Scope:         ScopeGateway,
	}
}

// SetDefaults makes s a bucket of which only the place and the keys are open.
func (s *S3) SetDefaults() {
	*s = S3{Lookup: lookupAuto, MissingIs: []int{404}}
}

// UnmarshalText takes a target that is a URL alone. It never fails: Validate looks at the URL.
func (t *Target) UnmarshalText(text []byte) error {
	*t = Target{URL: string(text), scalar: true}
	return nil
}

// Zero tells whether no target was configured.
func (t Target) Zero() bool {
	t.scalar = false
	return t == Target{}
}

// Base returns the URL before which an object's path is put, without a "/" at its end, and for a bucket, which is
// signed, what goes before the path within the bucket. base is "" for a target that Validate refuses.
func (t Target) Base() (base, keyPrefix string, signed bool) {
	if t.S3 != nil {
		u, problem := t.S3.base()
		if problem != "" {
			return "", "", true
		}
		return u.String(), t.S3.Prefix, true
	}
	u, problem := parseBase(t.URL)
	if problem != "" {
		return "", "", false
	}
	return u.String(), "", false
}
