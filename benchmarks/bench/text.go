package main

// The tables, in their order.
const (
	speedTable = iota
	steadyTable
	missTable
	fillTable
	herdTable
	crowdTable
	startupTable
)

// tables are the texts that stand before the lines of each.
func tables() []string {
	return []string{speedTable: speedHead, steadyTable: steadyHead, missTable: missHead, fillTable: fillHead,
		herdTable: herdHead, crowdTable: crowdHead, startupTable: startupHead}
}

// The texts around the figures.
const (
	introduction = `## Answers, beside other servers

The server that is measured has a core to itself; the load (wrk) and the backend share the next, or have one each if the
machine has three. wrk asks over 32 connections, for large objects over 8, as fast as answers come. Each case runs all
its servers and gives them turns, one after the other, every other round in reverse. A ratio is of two turns of one
round, mirrorgate to the peer: median (least to most) of all rounds. CPU is user and system time of all processes of the
server, by answer, as the kernel accounts for it. Answers per second are bounded by what the load's core can do, too;
what counts is CPU. Before each turn the bytes of an answer are compared, and where they come from.

- bucket: an S3 bucket, which is a light server that answers from memory. mirrorgate signs its requests, the peers do
  not. Its objects have no user metadata. "range" is the middle 64 KiB of an object of 10 MiB.
- dir: a directory bucket, whose files nginx sends with sendfile and keeps open.
- memory: all answer from their caches; mirrorgate's memory tier, which is off in all other cases, keeps no object over
  1 MiB by default: that of 10 MiB is a bucket hit.
- minio: an S3 bucket of a MinIO, which anybody may read. mirrorgate signs its requests, and the objects are as it has
  saved them. MinIO's own CPU is not counted.
- rules: a bucket hit of a mirrorgate with 1,000 sites, where the one that is asked has 20 rules, and the last matches.
- shared: a hit of a mirrorgate that is one of a fleet, beside one that is on its own; at least 10 rounds.

Of 1 GiB each turn is four objects over two connections, rather than a time with wrk. Those who cache nothing are asked
for one object before each turn, those who do for two.

Bare fasthttp is a server that does nothing but send the object: what a gateway made with it cannot go below.

The peers' configurations are in [peers](peers). "Aim" is what is to be reached, at most: in the first table, a ratio
of CPU.

`
	speedHead = "| case | beside | CPU ratio | aim | answers/s ratio | CPU us | its CPU us | answers/s | " +
		"its answers/s | rounds | run |\n" + `|---|---|---|---|---|---|---|---|---|---|---|
`
	steadyHead = `
How long answers take at a constant rate, half of what the slowest of them reaches. Each time runs from when its
request was due, whether or not a connection was free then. Microseconds, median (least to most) of the turns. What
load and backend wait for each other on their core is part of it: the bare server's figures show the load's part.

| case | server | answers/s | p50 | p99 | p99.9 | aim | turns | run |
|---|---|---|---|---|---|---|---|---|
`
	missHead = `
Objects that nobody has but the origin (the light server): how long their first and last byte take, asked for one after
the other over one connection to each server, and in turns. mirrorgate has an empty directory bucket and nginx an empty
folder (proxy_store). "Later" is how much later than the origin's own first byte, for the same key: the median.
Milliseconds.

| case | server | first byte p50 | first byte p99 | later | aim | last byte p50 | last byte p99 | objects | run |
|---|---|---|---|---|---|---|---|---|---|
`
	fillHead = `
The same with many clients (32, for 10 MiB 8): seconds until all objects are answered, and until all are in the
directory bucket or the folder; CPU of the server until then, in microseconds by object. mirrorgate flushes each object
to the disk before it counts as saved; nginx does not.

` + "| case | beside | answered s | its s | ratio | aim | saved s | its s | ratio | CPU us | its CPU us | ratio | " +
		"objects | rounds | run |\n" + `|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
`
	herdHead = `
Many clients who ask for one object at once that nobody has but the origin. Seconds until half of them have the first
bytes, and until the last has the last; the most memory that the server had, in MiB. Load and origin share a core, and
the load compares each client's bytes.

| case | server | clients | questions to the origin | aim | first byte s | last byte s | peak MiB | turns | run |
|---|---|---|---|---|---|---|---|---|---|
`
	crowdHead = `
Memory: what the server has in RAM before there are clients and with them, in MiB, and more for each client, in KiB.
Idle clients have had a bucket hit of 1 KiB and stay; slow ones read 10 kB a second of 10 MiB, the bucket as slowly. Of
those the most that was seen counts. "Sockets" is what the kernel holds more for the server's TCP sockets, in MiB.
nginx has small buffers here.

| case | server | clients | before MiB | with MiB | KiB by client | aim | sockets MiB | pipes | run |
|---|---|---|---|---|---|---|---|---|---|
`
	startupHead = `
From the start of the program until its first answer with an object, in milliseconds. mirrorgate has an empty spool; for
a start with 300,000 objects in it see "make startup".

| case | beside | ms | its ms | ratio | starts | run |
|---|---|---|---|---|---|---|
`
	runsHead = "\nRuns:\n\n"
)
