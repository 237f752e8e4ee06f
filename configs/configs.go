package configs

import (
	"fmt"
	"io"
	"os"

	"mirrorgate/cache"
	"mirrorgate/cache/shared"
	"mirrorgate/cache/writeback"
	"mirrorgate/gateway"
	"mirrorgate/gateway/admin"
	"mirrorgate/gateway/telemetry"
	"mirrorgate/origin"
)

// Config is the whole configuration. Its fields stand in the order of example.yaml, which says what each means.
type Config struct {
	Server    gateway.Config        `yaml:"server"`
	Admin     admin.Config          `yaml:"admin"`
	Log       Log                   `yaml:"log"`
	Telemetry telemetry.Config      `yaml:"telemetry"`
	DataDir   string                `yaml:"data_dir"`
	Spool     writeback.SpoolConfig `yaml:"spool"`
	Writeback writeback.Config      `yaml:"writeback"`
	Memory    cache.Memory          `yaml:"memory"`
	Limits    Limits                `yaml:"limits"`
	Shared    shared.Config         `yaml:"shared"`
	Sites     []Site                `yaml:"sites"`

	source source // zero for a Config that was put together in code
}

// DefaultConfig is the configuration of an empty file. It lacks what only the user knows, a site, and so is not valid.
func DefaultConfig() Config {
	return Config{
		Server:    gateway.DefaultConfig(),
		Admin:     admin.DefaultConfig(),
		Log:       Log{Level: "info", Format: "text", AccessFormat: string(gateway.AccessText)},
		Telemetry: telemetry.DefaultConfig(),
		DataDir:   "./data",
		Spool:     writeback.DefaultSpoolConfig(),
		Writeback: writeback.DefaultConfig(),
		Memory:    cache.DefaultMemory(),
		Limits:    DefaultLimits(),
	}
}

// Load reads a file and Parses it with the environment of the process. The error is a Mistakes when the file could be
// read.
func Load(path string) (*Config, error) {
	data, err := Read(path)
	if err != nil {
		return nil, err
	}
	return Parse(data, os.LookupEnv)
}

// Read reads a file, and no more of it than it takes for Parse to refuse it.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return data, nil
}

// Parse reads a configuration; env looks up environment variables. It is strict: what it does not know is a mistake.
// The error is a Mistakes that holds all of them. Relative paths are left as they are, and count from the working
// directory; directories are looked at, to learn whether two are one.
func Parse(data []byte, env func(string) (string, bool)) (*Config, error) {
	c := DefaultConfig()
	j := newJournal()
	j.lines[""] = 1
	root := parseYAML(data, j)
	if root == nil && len(j.mistakes) > 0 {
		return nil, j.err()
	}
	if root != nil {
		(&decoder{journal: j, env: variablesOf(env)}).decode(root, &c)
	}
	c.check(j.report)
	if err := j.err(); err != nil {
		return nil, err
	}
	c.source = newSource(root, c.Sites, env)
	return &c, nil
}

// Validate does for a Config that was put together in code what Parse does for one from a file: it sets what follows
// from other fields (the rules' Targets), and reports all mistakes as a Mistakes.
func (c *Config) Validate() error {
	j := newJournal()
	c.check(j.report)
	return j.err()
}

// check reports every mistake in what was decoded.
func (c *Config) check(report func(path, problem string)) {
	c.Server.Validate(under("server", report))
	c.Admin.Validate(under("admin", report))
	c.Log.Validate(under("log", report))
	c.Telemetry.Validate(under("telemetry", report))
	if c.DataDir == "" {
		report("data_dir", "must name a directory")
	}
	c.Spool.Validate(under("spool", report))
	c.Writeback.Validate(under("writeback", report))
	c.Memory.Validate(under("memory", report))
	c.Limits.Validate(under("limits", report))
	c.Shared.Validate(under("shared", report))
	if len(c.Sites) == 0 {
		report("sites", "none is given: a gateway needs at least one site with its hosts and bucket")
	}
	if len(c.Sites) > maxSites {
		report("sites", fmt.Sprintf("at most %d", maxSites))
		return
	}
	for i := range c.Sites {
		c.Sites[i].setTargets()
		c.Sites[i].Validate(under(sitePath(i), report))
	}
	checkNames(c.Sites, report)
	checkHosts(c.Sites, report)
	checkBuckets(c, report)
	checkLoops(c, report)
	checkScopes(c, report)
}

// checkScopes reports limits of all gateways where there is one alone.
func checkScopes(c *Config, report func(path, problem string)) {
	if c.Shared.On() {
		return
	}
	for i, site := range c.Sites {
		for k, rule := range site.Rules {
			if rule.Origin.Scope == origin.ScopeFleet {
				report(fmt.Sprintf("%s.rules[%d].origin.scope", sitePath(i), k), "fleet needs shared.redis, over which "+
					"gateways share limits; set it, or use gateway and give each gateway its part of the limits")
			}
		}
	}
}

// maxSites bounds the work of comparing sites with each other.
const maxSites = 1000

func sitePath(i int) string { return fmt.Sprintf("sites[%d]", i) }
