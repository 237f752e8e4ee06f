package writeback

// SpoolConfig bounds the directory in which bodies arrive and wait.
type SpoolConfig struct {
	MaxBytes   int64 `yaml:"max_bytes"`   // bytes of bodies, arriving and waiting
	MaxEntries int   `yaml:"max_entries"` // objects, arriving and waiting
	Fsync      bool  `yaml:"fsync"`       // flush body, record and directory before a commit returns
}

// DefaultSpoolConfig returns the bounds of a gateway without configuration.
func DefaultSpoolConfig() SpoolConfig {
	return SpoolConfig{MaxBytes: 20 << 30, MaxEntries: 1_000_000}
}

// Validate reports every bound that is not positive.
func (c SpoolConfig) Validate(report func(path, problem string)) {
	if c.MaxBytes <= 0 {
		report("max_bytes", "must be more than 0: every pull passes through the spool")
	}
	if c.MaxEntries <= 0 {
		report("max_entries", "must be at least 1")
	}
}

// Config says how the queue is worked off.
type Config struct {
	Uploads       int   `yaml:"uploads"`        // objects uploaded at one time
	InflightBytes int64 `yaml:"inflight_bytes"` // bytes being sent to S3 buckets at one time
	PartSize      int64 `yaml:"part_size"`      // bytes; larger objects go up in parts of this size
	MaxBandwidth  int64 `yaml:"max_bandwidth"`  // bytes per second to all S3 buckets; 0: no limit
	Paused        bool  `yaml:"paused"`         // nothing is saved for the time being (see Spool.PauseByConfig)
}

// DefaultConfig returns the settings of a gateway without configuration.
func DefaultConfig() Config { return Config{Uploads: 8, InflightBytes: 256 << 20, PartSize: 16 << 20} }

// minBandwidth leaves each of some dozens of connections, which share it, a few KiB/s: with less, servers take a body
// for stalled and cut it off, and nothing is ever saved.
const minBandwidth = 64 << 10

// Validate reports what S3 would not take (its parts have at least 5 MiB and at most 5 GiB), and bounds under which
// nothing would move.
func (c Config) Validate(report func(path, problem string)) {
	if c.Uploads <= 0 {
		report("uploads", "must be at least 1")
	}
	if c.InflightBytes < c.PartSize {
		report("inflight_bytes", "must be at least part_size: a part is sent whole")
	}
	if c.PartSize < 5<<20 || c.PartSize > 5<<30 {
		report("part_size", "must be between 5MiB and 5GiB, the limits of S3")
	}
	if c.MaxBandwidth != 0 && c.MaxBandwidth < minBandwidth {
		report("max_bandwidth", "must be 0 (no limit) or at least 64KiB: with less, servers take uploads for stalled")
	}
}
