package faults_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

const (
	gigabit = 1_000_000_000 / 8 // bytes per second

	// mostRSS is what the gateway may take at its peak: far less than the herd's bodies, which are 4 GB and more.
	mostRSS = 200 << 20
)

// herd is many clients of one cold object, each on a connection of its own.
type herd struct {
	*rig
	herdForm
	origin *origin.Server
	key    string
	body   []byte
	conns  []net.Conn
	began  time.Time
}

// TestHerd: however many ask for one cold object, and whoever of them leaves, the origin is asked once and the bucket
// gets the object.
func TestHerd(t *testing.T) {
	t.Run("range from 0", fromZero)
	t.Run("the first leaves", func(t *testing.T) { leaving(t, 1) })
	t.Run("all leave", func(t *testing.T) { leaving(t, formOf().clients) })
}

// newHerd connects the clients; none has asked yet.
func newHerd(t *testing.T) *herd {
	t.Helper()
	h := &herd{herdForm: formOf(), origin: origin.Start(t, origin.Config{Rate: gigabit})}
	h.key = fmt.Sprintf("~sound,size=%s/herd.bin", h.size)
	h.rig = serve(t, fmt.Sprintf(`{id: r, origin: {primary: %q}}`, h.origin.URL()))
	h.body = h.origin.Truth("/" + h.key).Bytes()
	for range h.clients {
		h.conns = append(h.conns, h.connect(t))
	}
	h.began = time.Now()
	return h
}

func (h *herd) connect(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", h.Addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(h.patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// fromZero: every client gets the whole object as players ask for it.
func fromZero(t *testing.T) {
	h := newHerd(t)
	all := h.whole()
	all.header, all.status = "Range: bytes=0-\r\n", http.StatusPartialContent
	h.each(t, func(_ int, conn net.Conn) error { return h.get(conn, all) })
	h.took(t)
	h.check(t, 1)
}

// each runs what every client does, all at once, and returns when all are done.
func (h *herd) each(t *testing.T, do func(n int, conn net.Conn) error) {
	var running sync.WaitGroup
	for n, conn := range h.conns {
		running.Go(func() {
			if err := do(n, conn); err != nil {
				t.Errorf("client %d: %v", n, err)
			}
		})
	}
	running.Wait()
}

// leaving: the first clients, among them the one for which the origin is asked, leave at a tenth of the object, while
// the origin's answer is held at its half.
func leaving(t *testing.T, leavers int) {
	h := newHerd(t)
	gate := h.origin.Hold("/"+h.key, int64(len(h.body)/2))
	defer gate.Release()
	var left sync.WaitGroup
	left.Add(leavers)
	go func() {
		left.Wait()
		gate.Release()
	}()
	asked := sync.OnceFunc(func() { h.waitAsked(t) })
	h.each(t, func(n int, conn net.Conn) error {
		if n > 0 {
			asked()
		}
		if n >= leavers {
			return h.get(conn, h.whole())
		}
		defer left.Done()
		defer conn.Close() // what has come is checked already
		return h.take(conn, len(h.body)/10)
	})
	h.took(t)
	h.check(t, 1)
}

// waitAsked waits until the first request has arrived at the origin.
func (h *herd) waitAsked(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := h.origin.Wait(ctx, "/"+h.key, 1); err != nil {
		t.Error(err)
	}
}

// took tells how long the herd took up to now.
func (h *herd) took(t *testing.T) time.Duration {
	t.Helper()
	took := time.Since(h.began)
	t.Logf("%d clients of %s took %v", h.clients, h.size, took.Round(time.Millisecond))
	return took
}

// check compares what the herd cost, and what the bucket has in the end.
func (h *herd) check(t *testing.T, mostAsked int) {
	t.Helper()
	peak := h.PeakRSS(t)
	if peak > mostRSS {
		t.Errorf("the gateway took %d bytes, at most %d were due", peak, mostRSS)
	}
	h.waitSaved(t)
	files := h.drain(t)
	asked := h.origin.Count("")
	if asked.Requests > mostAsked {
		t.Errorf("the origin was asked %d times: %v", asked.Requests, asked.Methods)
	}
	if writes := h.writes(t); len(files) != 1 || writes != 1 {
		t.Errorf("the bucket has %v after %d writes, not one object after one", files, writes)
	}
	body, err := os.ReadFile(files[h.key])
	if err != nil || !bytes.Equal(body, h.body) {
		t.Errorf("the bucket has %d bytes that are not the object: %v", len(body), err)
	}
	t.Logf("%d requests at the origin, %d writes to the bucket, the gateway took %d MiB at its peak",
		asked.Requests, h.writes(t), peak>>20)
}

// waitSaved waits until the bucket has the object, while the gateway runs: what is saved when it stops is not meant.
func (h *herd) waitSaved(t *testing.T) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		_, err := os.Stat(h.bucket + "/" + h.key)
		return err
	})
}
