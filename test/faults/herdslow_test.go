package faults_test

import (
	"net"
	"sync"
	"testing"
	"time"
)

// slowRate, in bytes per second, is how fast the slow client reads.
const slowRate = 10_000

// TestHerdWithASlowClient: one that reads slowly holds up neither the others nor the object's way into the bucket.
func TestHerdWithASlowClient(t *testing.T) {
	without := herdBeside(t, nil)
	with := herdBeside(t, slowly)
	if most := 2*without + 2*time.Second; with > most {
		t.Errorf("the others took %v, at most %v are due", with, most)
	}
}

// herdBeside runs a herd, with another client beside it that reads until the object is saved. It returns how long the
// herd took.
func herdBeside(t *testing.T, other func(t *testing.T, h *herd, conn net.Conn, saved <-chan struct{})) time.Duration {
	h := newHerd(t)
	saved := make(chan struct{})
	end := sync.OnceFunc(func() { close(saved) })
	var beside sync.WaitGroup
	defer beside.Wait()
	defer end()
	if other != nil {
		conn := h.connect(t)
		beside.Go(func() { other(t, h, conn, saved) })
		h.waitAsked(t)
	}
	h.each(t, func(_ int, conn net.Conn) error { return h.get(conn, h.whole()) })
	took := h.took(t)
	h.waitSaved(t)
	end()
	beside.Wait()
	h.check(t, 1)
	return took
}

// slowly reads and compares a tenth of a second's bytes at a time, until the object is saved and then once more.
func slowly(t *testing.T, h *herd, conn net.Conn, saved <-chan struct{}) {
	defer conn.Close()
	body, err := h.begin(conn, h.whole())
	tick := time.NewTicker(time.Second / 10)
	defer tick.Stop()
	at, last := 0, false
	for err == nil && !last {
		select {
		case <-saved:
			last = true
		case <-tick.C:
		}
		err = compare(body, h.body[at:at+slowRate/10])
		at += slowRate / 10
	}
	t.Logf("the slow client had read %d of %d bytes when the object was saved", at, len(h.body))
	if err != nil {
		t.Errorf("the slow client: %v", err)
	}
}
