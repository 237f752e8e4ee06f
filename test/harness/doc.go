// Package harness starts the real programs that the tests need, each on free ports of 127.0.0.1 and in a temporary
// folder: MinIO and versitygw as buckets, nginx as origin, and the mirrorgate program itself.
//
// What it promises: a started program answers when the call returns; it is gone when the test has ended, even if the
// test panics, times out or is killed (Linux only); what it printed is in the test's log if the test failed. A program
// that is not installed fails the test and names `make setup`: nothing is skipped.
//
// It does not inject faults: the fault-injecting origin is a package of its own.
package harness
