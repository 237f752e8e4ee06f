package faults_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
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
	herdSize = 200
	herdKey  = "~sound,size=20MiB/herd.bin"
	gigabit  = 1_000_000_000 / 8 // bytes per second

	// mostRSS is what the gateway may take at its peak: far less than the herd's bodies, which are 4 GB.
	mostRSS = 200 << 20

	// herdPatience bounds one herd.
	herdPatience = 50 * time.Second
)

// herd is many clients of one cold object.
type herd struct {
	*rig
	origin *origin.Server
	body   []byte
	header string // another line of each request
	status int
	conns  []net.Conn
}

// TestHerd: however many ask for one cold object, and whoever of them leaves, the origin is asked once and the bucket
// gets the object.
func TestHerd(t *testing.T) {
	t.Run("whole", func(t *testing.T) { staying(t, "", http.StatusOK) })
	t.Run("range from 0", func(t *testing.T) { staying(t, "Range: bytes=0-\r\n", http.StatusPartialContent) })
	t.Run("the first leaves", func(t *testing.T) { leaving(t, 1) })
	t.Run("all leave", func(t *testing.T) { leaving(t, herdSize) })
}

// newHerd connects the clients; none has asked yet.
func newHerd(t *testing.T) *herd {
	t.Helper()
	h := &herd{origin: origin.Start(t, origin.Config{Rate: gigabit}), status: http.StatusOK}
	h.rig = serve(t, fmt.Sprintf(`{id: r, origin: {primary: %q}}`, h.origin.URL()))
	h.body = h.origin.Truth("/" + herdKey).Bytes()
	for range herdSize {
		conn, err := net.DialTimeout("tcp", h.Addr, patience)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(herdPatience)); err != nil {
			t.Fatal(err)
		}
		h.conns = append(h.conns, conn)
	}
	return h
}

// staying: every client gets the whole object.
func staying(t *testing.T, header string, status int) {
	h := newHerd(t)
	h.header, h.status = header, status
	began := time.Now()
	var running sync.WaitGroup
	for n := range h.conns {
		running.Go(func() { h.want(t, n, len(h.body)) })
	}
	running.Wait()
	t.Logf("%d clients took %v", herdSize, time.Since(began).Round(time.Millisecond))
	h.check(t)
}

// leaving: the first clients, among them the one for which the origin is asked, leave at a tenth of the object, while
// the origin's answer is held at its half.
func leaving(t *testing.T, leavers int) {
	h := newHerd(t)
	gate := h.origin.Hold("/"+herdKey, int64(len(h.body)/2))
	defer gate.Release()
	var gone, staying sync.WaitGroup
	for n, conn := range h.conns {
		if n < leavers {
			gone.Go(func() {
				h.want(t, n, len(h.body)/10)
				_ = conn.Close() // what has come is checked already
			})
		} else {
			staying.Go(func() { h.want(t, n, len(h.body)) })
		}
		if n == 0 {
			h.waitAsked(t)
		}
	}
	gone.Wait()
	gate.Release()
	staying.Wait()
	h.check(t)
}

// waitAsked waits until the first request has arrived at the origin.
func (h *herd) waitAsked(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := h.origin.Wait(ctx, "/"+herdKey, 1); err != nil {
		t.Fatal(err)
	}
}

// want asks as one client, and reads and compares that many bytes of the body; all of them are to be the whole body.
func (h *herd) want(t *testing.T, n, length int) {
	if err := h.ask(h.conns[n], length); err != nil {
		t.Errorf("client %d: %v", n, err)
	}
}

func (h *herd) ask(conn net.Conn, length int) error {
	_, err := fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n", herdKey, siteHost, h.header)
	if err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != h.status || response.ContentLength != int64(len(h.body)) {
		return fmt.Errorf("status %d, length %d", response.StatusCode, response.ContentLength)
	}
	if err := compare(response.Body, h.body[:length]); err != nil {
		return err
	}
	if length < len(h.body) {
		return nil
	}
	if _, err := response.Body.Read(make([]byte, 1)); err != io.EOF {
		return fmt.Errorf("the body does not end where it should: %w", err)
	}
	return nil
}

// compare reads what is wanted, with little memory.
func compare(got io.Reader, want []byte) error {
	buffer := make([]byte, 64<<10)
	for at := 0; at < len(want); {
		part := buffer[:min(len(buffer), len(want)-at)]
		if n, err := io.ReadFull(got, part); err != nil {
			return fmt.Errorf("the body ends at %d of %d: %w", at+n, len(want), err)
		}
		if !bytes.Equal(part, want[at:at+len(part)]) {
			return fmt.Errorf("other bytes within %d of byte %d", len(part), at)
		}
		at += len(part)
	}
	return nil
}

// check compares what the herd cost, and what the bucket has in the end.
func (h *herd) check(t *testing.T) {
	t.Helper()
	peak := h.PeakRSS(t)
	t.Logf("the gateway took %d MiB at its peak", peak>>20)
	if peak > mostRSS {
		t.Errorf("the gateway took %d bytes, at most %d were due", peak, mostRSS)
	}
	h.waitSaved(t)
	files := h.drain(t)
	if asked := h.origin.Count(""); asked.Requests != 1 {
		t.Errorf("the origin was asked %d times: %v", asked.Requests, asked.Methods)
	}
	if len(files) != 1 {
		t.Errorf("the bucket has %v, not one object", files)
	}
	body, err := os.ReadFile(files[herdKey])
	if err != nil || !bytes.Equal(body, h.body) {
		t.Errorf("the bucket has %d bytes that are not the object: %v", len(body), err)
	}
}

// waitSaved waits until the bucket has the object, while the gateway runs: what is saved when it stops is not meant.
func (h *herd) waitSaved(t *testing.T) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		_, err := os.Stat(h.bucket + "/" + herdKey)
		return err
	})
}
