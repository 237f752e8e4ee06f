// Package outage proves what clients and the queue see of a bucket that takes no writes, or takes them badly, for a
// while: the real program before a real MinIO, and between the two something that fails as buckets do. Clients ask for
// new objects at a steady rate meanwhile.
//
// Each outage lasts a few seconds in every test run, and a minute with `make outage`.
package outage_test
