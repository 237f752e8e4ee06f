// Package faults_test shows that no way in which an origin misbehaves reaches a client or the bucket, and that a herd
// of clients costs an origin one request.
//
// It drives the program as its users run it, between the fault-injecting origin and a directory as bucket. The faults,
// and what a correct cache makes of each, are the table of that origin's package; nothing here knows a fault by name.
package faults_test
