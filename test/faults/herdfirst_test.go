package faults_test

import (
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// tries is how many herds may have their first bytes too far apart, because the machine is busy with something else.
const tries = 3

// TestHerdFirstBytes: nobody waits for the first byte longer than the others do, although all who have it are sent more
// at once; and all get the whole object.
func TestHerdFirstBytes(t *testing.T) {
	most := formOf().apart
	apart := []time.Duration{firstBytes(t, finish)}
	for len(apart) < tries && slices.Min(apart) > most {
		apart = append(apart, firstBytes(t, func(io.Reader, []byte) error { return nil }))
	}
	t.Logf("between the first and the last first byte: %v", apart)
	if slices.Min(apart) > most {
		t.Errorf("at best %v, at most %v are due", slices.Min(apart), most)
	}
}

// firstBytes has every client stop behind its first byte until all have theirs, and then do what is to be done with the
// rest before it leaves. It returns how far apart the first bytes came.
func firstBytes(t *testing.T, rest func(body io.Reader, want []byte) error) time.Duration {
	h := newHerd(t)
	came := make([]time.Time, h.clients)
	var coming sync.WaitGroup
	coming.Add(h.clients)
	h.each(t, func(n int, conn net.Conn) error {
		defer conn.Close() // what has come is checked already
		body, err := h.first(conn)
		came[n] = time.Now()
		coming.Done()
		if err != nil {
			return err
		}
		coming.Wait()
		return rest(body, h.body[1:])
	})
	h.took(t)
	h.check(t, 1)
	return slices.MaxFunc(came, time.Time.Compare).Sub(slices.MinFunc(came, time.Time.Compare))
}

// first reads and compares one byte of the whole, and returns the rest.
func (h *herd) first(conn net.Conn) (rest io.Reader, err error) {
	rest, err = h.begin(conn, h.whole())
	if err == nil {
		err = compare(rest, h.body[:1])
	}
	return rest, err
}
