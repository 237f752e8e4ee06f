package gateway

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// wires are connections through the gateway's listener, with what is set for its clients.
type wires struct {
	listener
	t *testing.T
}

func newWires(t *testing.T, limit pace, stall time.Duration) *wires {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return &wires{listener{Listener: ln, pace: limit, stall: stall}, t}
}

// dial returns both ends of a new connection. The client's takes little that nobody reads.
func (w *wires) dial() (server *conn, client *net.TCPConn) {
	w.t.Helper()
	c, err := net.Dial("tcp", w.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	client = c.(*net.TCPConn)
	if err := client.SetReadBuffer(32 << 10); err != nil {
		w.t.Fatal(err)
	}
	s, err := w.Accept()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _, _ = s.Close(), client.Close() })
	return s.(*conn), client
}

// someBytes are the same in each run, and look like nothing.
func someBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

// steadily reads 16 KiB at a time until the connection ends or stop comes.
func steadily(client io.Reader, stop <-chan time.Time) (got []byte, err error) {
	var b bytes.Buffer
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for err == nil {
		select {
		case <-stop:
			return b.Bytes(), nil
		case <-tick.C:
			_, err = io.CopyN(&b, client, 16<<10)
		}
	}
	return b.Bytes(), err
}

// A client that takes nothing is cut off, and not before its time.
func TestClientThatStopsIsCutOff(t *testing.T) {
	const stall = 300 * time.Millisecond
	server, _ := newWires(t, newPace(1), stall).dial()
	began := time.Now()
	n, err := server.Write(someBytes(16 << 20))
	if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) < stall {
		t.Errorf("after %s and %d bytes: %v", time.Since(began), n, err)
	}
}

// A client that takes a little all the time is served, though its socket has no room for much longer than it may stall:
// a long queue of bytes is full until a third of it is gone.
func TestSteadyClientIsServed(t *testing.T) {
	const stall = 500 * time.Millisecond
	server, client := newWires(t, newPace(1), stall).dial()
	want, wrote := someBytes(32<<20), make(chan error, 1)
	go func() {
		_, err := server.Write(want)
		wrote <- err
	}()
	got, err := steadily(client, time.After(4*stall))
	if err != nil || !bytes.HasPrefix(want, got) {
		t.Errorf("%d bytes, as sent: %v, %v", len(got), bytes.HasPrefix(want, got), err)
	}
	_ = client.Close()
	if err := <-wrote; err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a client that left: %v", err)
	}
}

// A client below limits.min_rate is cut off, however steady it is and whatever is written at one time.
func TestClientBelowMinRateIsCutOff(t *testing.T) {
	for _, size := range []int{1 << 10, 64 << 10, 16 << 20} {
		limit := pace{rate: 64 << 20, window: 300 * time.Millisecond}
		server, client := newWires(t, limit, time.Minute).dial()
		go func() { _, _ = steadily(client, nil) }() // until the connection ends
		p, err := someBytes(size), error(nil)
		for total := 0; err == nil && total < 64<<20; total += size {
			_, err = server.Write(p)
		}
		if err == nil || !strings.Contains(err.Error(), "limits.min_rate") {
			t.Errorf("in pieces of %d bytes: %v", size, err)
		}
		_, _ = server.Close(), client.Close()
	}
}

// A write that the socket takes at once allocates nothing.
func TestWriteAllocatesNothing(t *testing.T) {
	server, client := newWires(t, newPace(1), time.Minute).dial()
	drained := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, client)
		drained <- err
	}()
	p := someBytes(100)
	if n := testing.AllocsPerRun(100, func() { _, _ = server.Write(p) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if err := errors.Join(server.Close(), <-drained); err != nil {
		t.Error(err)
	}
}
