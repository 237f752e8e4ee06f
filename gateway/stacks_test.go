package gateway_test

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"

	"mirrorgate/cache"
)

// A client's goroutine keeps the stack that its largest answer took, and stacks double: a frame that is a little too
// large on the way of a hit costs each idle client 8 KiB.
const hitStack = 8 << 10

// TestHitStack counts what stacks take with many clients that have had a hit of the bucket, and are idle.
func TestHitStack(t *testing.T) {
	const clients, others = 256, 512 << 10 // others: what the runtime keeps for the next stacks, and all else here
	addr := startHits(t, cache.Memory{})
	asker(t, addr, hitSize)() // connects to the bucket, which takes more
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection halves the stacks that are hardly used
	before := stacks()
	for range clients {
		asker(t, addr, hitSize)()
	}
	each := (stacks() - before) / clients
	t.Logf("%d bytes of stack for each client", each)
	if pools && each > hitStack+others/clients {
		t.Errorf("%d bytes of stack for each client, want at most %d and a few", each, hitStack)
	}
}

func stacks() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}
