// Package chaos_test shows that what holds for each fault alone holds for all of them at once: random faults on random
// keys, asked for in every way that clients have, by many at one time, through a gateway with the race detector.
//
// Every body that ends cleanly is compared with its object, every other end must show, every refusal must be an honest
// one, and each answer must come in time. When the clients have left, the bucket has whole objects and nothing that may
// not be kept, and the gateway is what it was before: no pull, no file in the spool, no descriptor, no goroutine more,
// no data race and no panic in its log.
//
// The requests come out of one seed, which the test logs: always the same one in the short form, another each time else.
// How they interleave does not: a seed gives the same load, not the same run.
//
//	make chaos                    60 seconds
//	make chaos CHAOS=10m SEED=7   longer, with the load of that seed
package chaos_test
