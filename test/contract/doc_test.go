// Package contract_test shows the contract that users and tests of mirrorgate depend on, table by table: errors,
// Cache-Status, what is not stored, hostile clients, hosts, ranges and conditions, faults of origins, what is
// forwarded, the modes, metadata, and a bucket that fails.
//
// It drives the program as its users run it, over real sockets, between origins that are written here and a directory
// as bucket. Nothing of it knows the program's code.
package contract_test
