// Command fleet says what Redis costs gateways that work as one, and how many of them one Redis can hold: `make
// bench-fleet`. It measures what gateways ask of Redis with a redis-server of its own, by the CPU time of that server's
// main thread, and counts from there to more keys and misses than any machine has room for. It writes both into
// benchmarks/README.md.
//
//	member.go   a gateway, as far as Redis is concerned
//	scripts.go  what it asks
//	server.go   the Redis that is asked, and what it says of itself
//	measure.go  what a miss costs, and what members cost who only stand there
//	model.go    from there to fleets of any size; pure
//	text.go     the tables
//	readme.go   where they go
package main
