// Package buckettest is the conformance suite that every cache.Bucket passes: the directory, and the S3 client against
// real servers.
//
// It asks only for what cache.Bucket promises. Servers differ in the forms of keys that they keep apart; Keeps says
// which ones this bucket does. For the others the suite asks that nothing else is read or changed.
package buckettest

import (
	"testing"

	"mirrorgate/cache"
)

// Keeps tells which forms of keys a bucket keeps apart from all others, and what else it does more than the contract
// asks for. The zero value is the least that a bucket may do.
type Keeps struct {
	EmptySegments bool // "a//b" beside "a/b"
	DotSegments   bool // "a/./b", "a/../b", ".", "..", "../x"
	LeadingSlash  bool // "/a" beside "a"
	TrailingSlash bool // "a/" beside "a"
	FolderAndFile bool // "a" beside "a/b", whichever comes first
	LongSegments  bool // segments of more than 255 bytes
	InvalidUTF8   bool // bytes that are not UTF-8
	ControlBytes  bool // bytes below 0x20, and 0x7f

	// LargeCreate: of several creators of one large object exactly one wins even when they race. Without it the suite
	// asks only that an object which was there before is not replaced.
	LargeCreate bool
	// LargeReplace: a large object can be the replacement of another. Without it such a write must be refused.
	LargeReplace bool
	// LargeSize is the size of a large object, over the size of a part where there are parts. 0 is 17 MiB.
	LargeSize int64
}

// large is the size of a large object.
func (k Keeps) large() int64 {
	if k.LargeSize > 0 {
		return k.LargeSize
	}
	return 17 << 20
}

// Run tests the buckets that open returns: each call gives one that is empty and ready, and the test's until t ends.
func Run(t *testing.T, open func(t *testing.T) cache.Bucket, keeps Keeps) {
	for _, test := range []struct {
		name string
		run  func(s suite)
	}{
		{"absent", suite.absent},
		{"round trip", suite.roundTrip},
		{"empty object", suite.emptyObject},
		{"metadata", suite.metadata},
		{"metadata over the limit", suite.metadataTrimmed},
		{"ranges", suite.ranges},
		{"read if match", suite.readIfMatch},
		{"create only", suite.createOnly},
		{"concurrent creators", suite.concurrentCreators},
		{"replace", suite.replace},
		{"concurrent replacers", suite.concurrentReplacers},
		{"readers during replacement", suite.readersDuringReplacement},
		{"short body", suite.shortBody},
		{"broken body", suite.brokenBody},
		{"damaged body", suite.damagedBody},
		{"growing body", suite.growingProven},
		{"growing body without proof", suite.growingUnproven},
		{"ended context", suite.endedContext},
		{"abandoned reader", suite.abandonedReader},
		{"internal keys", suite.internalKeys},
		{"own keys", suite.ownKeys},
		{"malformed keys", suite.malformedKeys},
		{"keys", suite.ordinaryKeys},
		{"odd keys", suite.oddKeys},
		{"folder and file", suite.folderAndFile},
		{"large object", suite.largeObject},
		{"large object create only", suite.largeCreate},
		{"large object replace", suite.largeReplace},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.run(suite{T: t, bucket: open(t), keeps: keeps})
		})
	}
}
