// Package crash_test shows what a crash of the gateway costs: nothing that was answered.
//
// The real gateway is killed with SIGKILL again and again, and started again on what it left, while clients ask for ever
// new objects: small ones, some that go into the bucket in parts, and some that are saved while they arrive. Many kills
// are aimed: at a request of an upload or its answer (a proxy stands before the bucket's server), at a step on the disk
// (the spool's folders are watched), at a client's last byte. The others come at random.
//
// What is shown: an object that a client got in full is in the bucket, or is served from the spool, with the right bytes
// and validators, without asking the origin again; nothing in the bucket is torn; what an application wrote meanwhile
// stays; no upload in parts that was remembered is left open, and of others no more than there were kills; the spool is
// empty in the end; the log has no panic, no damaged entry and no error. And a large object that was saved halfway is
// not sent from the beginning again.
//
// The load and the aims come out of one seed, which the test logs. How they meet does not: a seed gives the same load,
// not the same run.
//
//	make crash                       2,000 kills, and an object of 5 GiB
//	make crash KILLS=500 SEED=7      another number, with the load of that seed
package crash_test
