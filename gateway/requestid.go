package gateway

import (
	"crypto/rand"
	"encoding/hex"
	"sync/atomic"
)

// requestIDs makes ids that differ between requests, and between processes: eight random bytes for the process, mixed
// with a counter.
type requestIDs struct {
	prefix string
	count  *atomic.Uint64
}

func newRequestIDs() requestIDs {
	var random [6]byte
	_, _ = rand.Read(random[:]) // never fails
	return requestIDs{hex.EncodeToString(random[:]), new(atomic.Uint64)}
}

// requestID is one of them, in ASCII.
type requestID [20]byte

func (r requestIDs) next() string {
	var id requestID
	r.put(&id)
	return string(id[:])
}

// put makes the next id.
func (r requestIDs) put(id *requestID) {
	copy(id[:12], r.prefix)
	const digits = "0123456789abcdef"
	n := r.count.Add(1)
	for i := len(id) - 1; i >= 12; i-- {
		id[i] = digits[n&15]
		n >>= 4
	}
}
