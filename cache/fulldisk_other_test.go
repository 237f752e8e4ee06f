//go:build !linux

package cache_test

import "testing"

// smallDisk has no disk of so many bytes: its faults are made up.
func smallDisk(t *testing.T, _ int) (dir string, mounted bool) { return t.TempDir(), false }
