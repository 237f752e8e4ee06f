// Package migration keeps the books of a move away from old origins: how many requests came, how many of them an
// origin answered, for which keys, when last, and how many objects were saved. It answers the question when an origin
// can be switched off, also in one sentence.
//
// A Ledger gets its numbers from counters that others keep, and is told of single answers only where a key matters. It
// keeps them for each rule by minutes (of two hours), hours (of two weeks) and days (of a year), and altogether. All of
// it is bounded, whatever keys clients invent and however many rules there are:
//
//   - The keys and folders that need an origin most are found by sketches of a few hundred counters, whose error is
//     told beside each count. They halve within a day, so that what was needed long ago fades. Keys are cut to 160
//     bytes.
//   - When there are more points in time than maxPoints, all rules keep shorter histories; each Span says where it
//     begins. The totals stay.
//   - When there are more counters than maxCounters, all sketches get smaller.
//
// It is kept in one file of at most 4 MiB, which is written every minute and at the end. After a crash at most a minute
// is lost. Thousands of rules with long keys may need more: those that had no traffic for longest are left out then,
// which the log says. A file that cannot be read is set aside, and counting begins anew. A clock that is set forward or
// back moves nothing that was counted before.
//
// It does not ask origins or buckets: what nobody asked for is in no count.
package migration
