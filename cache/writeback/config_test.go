package writeback

import (
	"slices"
	"testing"
)

func TestSpoolConfigValidate(t *testing.T) {
	f := func(c SpoolConfig, want ...string) {
		t.Helper()
		var got []string
		c.Validate(func(path, _ string) { got = append(got, path) })
		if !slices.Equal(got, want) {
			t.Errorf("%+v: got %v, want %v", c, got, want)
		}
	}
	f(DefaultSpoolConfig())
	f(SpoolConfig{MaxBytes: 1, MaxEntries: 1, Fsync: true})
	f(SpoolConfig{}, "max_bytes", "max_entries")
	f(SpoolConfig{MaxBytes: -1, MaxEntries: 1}, "max_bytes")
}

func TestConfigValidate(t *testing.T) {
	f := func(c Config, want ...string) {
		t.Helper()
		var got []string
		c.Validate(func(path, _ string) { got = append(got, path) })
		if !slices.Equal(got, want) {
			t.Errorf("%+v: got %v, want %v", c, got, want)
		}
	}
	f(DefaultConfig())
	f(Config{Uploads: 1, PartSize: 5 << 20, InflightBytes: 5 << 20, MaxBandwidth: 64 << 10})
	f(Config{Uploads: 1, PartSize: 5 << 30, InflightBytes: 5 << 30})
	f(Config{}, "uploads", "part_size")
	f(Config{Uploads: 1, InflightBytes: 6 << 30, PartSize: 5<<20 - 1}, "part_size")
	f(Config{Uploads: 1, InflightBytes: 6 << 30, PartSize: 5<<30 + 1}, "part_size")
	f(Config{Uploads: 1, InflightBytes: 5<<20 - 1, PartSize: 5 << 20}, "inflight_bytes")
	f(Config{Uploads: 1, InflightBytes: 5 << 20, PartSize: 5 << 20, MaxBandwidth: 64<<10 - 1}, "max_bandwidth")
	f(Config{Uploads: 1, InflightBytes: 5 << 20, PartSize: 5 << 20, MaxBandwidth: -1}, "max_bandwidth")
}

func TestDefaults(t *testing.T) {
	if got := DefaultSpoolConfig(); got != (SpoolConfig{MaxBytes: 20 << 30, MaxEntries: 1_000_000}) {
		t.Errorf("got %+v", got)
	}
	if got := DefaultConfig(); got != (Config{Uploads: 8, InflightBytes: 256 << 20, PartSize: 16 << 20}) {
		t.Errorf("got %+v", got)
	}
}
