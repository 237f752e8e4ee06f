package faults_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"testing"
)

// mostForRanges is what a herd of ranges costs the origin at most: the whole pull, and the default of
// limits.max_range_pulls.
const mostForRanges = 1 + 4

// TestHerdRanges: a herd in which each wants another part of the object costs the origin a few requests, all together.
func TestHerdRanges(t *testing.T) {
	h := newHerd(t)
	parts := h.parts(t)
	h.each(t, func(n int, conn net.Conn) error {
		if err := h.get(conn, parts[n]); err != nil {
			return fmt.Errorf("%q: %w", parts[n].header, err)
		}
		return nil
	})
	h.took(t)
	h.check(t, mostForRanges)
}

// parts are random ranges, one for each client: many short ones, which soon make room for others, longer ones, open
// ones, and some of the end.
func (h *herd) parts(t *testing.T) []part {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	parts := make([]part, h.clients)
	for n := range parts {
		p := part{status: http.StatusPartialContent, start: random.IntN(len(h.body))}
		left := len(h.body) - p.start
		p.length = min(left, 1+random.IntN(4<<10))
		switch n % 8 {
		case 1:
			p.length = min(left, 1+random.IntN(1<<20))
		case 2, 3:
			p.length = left
		}
		p.header = fmt.Sprintf("Range: bytes=%d-%d\r\n", p.start, p.start+p.length-1)
		switch n % 8 {
		case 2:
			p.header = fmt.Sprintf("Range: bytes=%d-\r\n", p.start)
		case 3:
			p.header = fmt.Sprintf("Range: bytes=-%d\r\n", p.length)
		}
		parts[n] = p
	}
	return parts
}
