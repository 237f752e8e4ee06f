// Package fleet_test shows that several gateways before one bucket behave as one, and what is left of that when parts of
// them fail.
//
// The real program runs several times, before a real MinIO and a real Redis. A proxy before the bucket's server counts
// what is written, and the fault-injecting origin what is pulled. What is shown: one pull and one save of an object,
// however many gateways are asked for it, streamed to all while it arrives; no object lost with a gateway that is killed;
// no answer that Redis spoils, whatever becomes of it; and no wrong byte from a gateway that is killed or frozen
// halfway, nor from whoever claims to be one.
//
// What proves coordination fails without it; what proves that it is not needed holds also where Redis is away.
//
//	make fleet        500 clients of 200 MiB, 2,000 keys, kills for a minute
package fleet_test
