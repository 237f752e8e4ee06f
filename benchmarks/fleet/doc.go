// Command fleet says what Redis costs gateways that work as one, and how many of them one Redis can hold: `make
// bench-fleet`. It has the part of gateways that asks Redis, cache/shared, ask a redis-server of its own, measures that
// by the CPU time of the server's main thread, and counts from there to more keys and misses than any machine has room
// for. It writes both into benchmarks/README.md.
//
//	member.go   a gateway, as far as Redis is concerned
//	server.go   the Redis that is asked, and what it says of itself
//	miss.go     what the steps of a miss cost
//	measure.go  what members cost who only stand there, and what a save costs that they hear of
//	crowd.go    those who hear of it
//	model.go    from there to fleets of any size; pure
//	text.go     the tables
//	readme.go   where they go
package main
