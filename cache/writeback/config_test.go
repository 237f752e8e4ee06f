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
	f(Config{Uploads: 1, PartSize: 5 << 20})
	f(Config{Uploads: 1, PartSize: 5 << 30})
	f(Config{}, "uploads", "part_size")
	f(Config{Uploads: 1, PartSize: 5<<20 - 1}, "part_size")
	f(Config{Uploads: 1, PartSize: 5<<30 + 1}, "part_size")
}

func TestDefaults(t *testing.T) {
	if got := DefaultSpoolConfig(); got != (SpoolConfig{MaxBytes: 20 << 30, MaxEntries: 1_000_000}) {
		t.Errorf("got %+v", got)
	}
	if got := DefaultConfig(); got != (Config{Uploads: 8, PartSize: 16 << 20}) {
		t.Errorf("got %+v", got)
	}
}
