// Command bench measures mirrorgate beside its peers: `make bench`. It runs on Linux, and wants two cores or three: the
// server that is measured has the first to itself, the load the second, and the backend the third, or else the load's.
//
// What it reports are ratios between servers that were measured in turns, a few seconds each, in one run: those say
// more on another machine, or on one that is not quiet, than the figures of one server do. It writes them into
// benchmarks/README.md.
//
//	catalogue.go   the cases: which object, who is measured beside whom
//	compare.go     a case of answers as fast as they come: turns, CPU per answer, answers per second
//	steady.go      a case at a constant rate: how long answers take, from when they were due
//	servers.go     how each server is started; the configurations are in benchmarks/peers
//	check.go       before each measurement: the bytes are right, and come from where they should
//	backend.go     the light backend: a bucket that answers from memory
//	readme.go      the tables
package main
