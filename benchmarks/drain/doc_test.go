// Package drain measures how fast a full spool is saved, beside rclone, which copies the same files into the same
// server with the same settings. `make bench-drain` runs it and writes the result into benchmarks/README.md.
package drain_test
