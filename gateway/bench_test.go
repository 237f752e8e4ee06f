package gateway_test

import (
	"testing"

	"mirrorgate/cache"
)

// BenchmarkMemoryHit asks over one connection for an object that memory holds. Its time holds the client's part, too.
func BenchmarkMemoryHit(b *testing.B) {
	ask := asker(b, startHits(b, cache.DefaultMemory()), hitSize)
	ask()
	b.ReportAllocs()
	for b.Loop() {
		ask()
	}
}
