package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"
)

const someHeader = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"

// warmed is a connection that has grown: a segment may be as large as it can be.
func warmed(t *testing.T) (server *conn, client net.Conn) {
	t.Helper()
	w := newWires(t, newPace(1), time.Minute)
	c, err := net.Dial("tcp", w.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := w.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = accepted.Close(), c.Close(); w.pipes.close() })
	wrote := make(chan error, 1)
	go func() {
		_, err := accepted.Write(make([]byte, 4<<20))
		wrote <- err
	}()
	if _, err := io.CopyN(io.Discard, c, 4<<20); err != nil {
		t.Fatal(err)
	}
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	return accepted.(*conn), c
}

// sentTo answers with the header and the body, and returns in how many segments they went.
func sentTo(t *testing.T, server *conn, body io.ReadCloser, length int) (n uint32, err error) {
	t.Helper()
	before := segments(t, server)
	out := bufio.NewWriterSize(server, sendBuffer)
	_, _ = out.WriteString(someHeader)
	s := &stream{body: body, length: int64(length), client: server}
	_, err = s.WriteTo(out)
	return segments(t, server) - before, errors.Join(err, body.Close())
}

// received compares what the client gets with the header and the body.
func received(t *testing.T, client net.Conn, want []byte) {
	t.Helper()
	got := make([]byte, len(someHeader)+len(want))
	if _, err := io.ReadFull(client, got); err != nil || string(got) != someHeader+string(want) {
		t.Errorf("%d bytes, equal: %v, %v", len(got), bytes.Equal(got[len(someHeader):], want), err)
	}
}

// joinTries is how many connections are tried until an answer goes in one segment: where the machine is busy, the kernel
// sends some twice, and keeps to two pieces on a connection whose peer was slow to make room.
const joinTries = 10

// inOneSegment sends answers with such a body until one goes in one segment.
func inOneSegment(t *testing.T, size int, open func() (body io.ReadCloser, want []byte)) {
	t.Helper()
	var seen []uint32
	for len(seen) < joinTries && !slices.Contains(seen, 1) {
		server, client := warmed(t)
		body, want := open()
		n, err := sentTo(t, server, body, size)
		if err != nil {
			t.Fatal(err)
		}
		received(t, client, want)
		seen = append(seen, n)
	}
	if !slices.Contains(seen, 1) {
		t.Errorf("%d bytes went in %d segments", size, seen)
	}
}

// The header of a file leaves with its first bytes, and a client is woken once.
func TestHeaderJoinsFile(t *testing.T) {
	for _, size := range []int{longFile + 1, 48 << 10} {
		inOneSegment(t, size, func() (io.ReadCloser, []byte) {
			s := newSources(t, someBytes(size), size)
			return s.open("file"), s.want
		})
	}
}

// stalling is a body of which so much was read with its header, so much has come to the socket, and no more comes.
func stalling(t *testing.T, size, read, come int) *socketBody {
	t.Helper()
	s := newSources(t, someBytes(size), read+come)
	from, err := net.Dial("tcp", s.from.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := s.from.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	if _, err := server.Write(s.want[read:s.sent]); err != nil {
		t.Fatal(err)
	}
	body := &socketBody{from.(*net.TCPConn), s.want[:read], int64(size)}
	for body.Arrived() < come { // loopback: it is there at once, or nearly
		runtime.Gosched()
	}
	return body
}

// So does that of a body from a socket, if the next bytes have come.
func TestHeaderJoinsSocket(t *testing.T) {
	for _, read := range []int{0, 4000} {
		inOneSegment(t, 32<<10, func() (io.ReadCloser, []byte) {
			return stalling(t, 32<<10, read, 32<<10-read), someBytes(32 << 10)
		})
	}
}

// Nothing waits for the next answer: here the writer is empty before the header's turn to wait comes.
func TestNothingJoinsTheNextAnswer(t *testing.T) {
	const read, come = sendBuffer - len(someHeader), 20 << 10
	server, client := warmed(t)
	body := stalling(t, read+come, read, come)
	if _, err := sentTo(t, server, body, read+come); err != nil || server.out.joins {
		t.Errorf("the next answer waits: %v, %v", server.out.joins, err)
	}
	received(t, client, someBytes(read+come))
}

// The kernel would keep what waits for more back for 200 ms. A client whose bucket stalls gets the header, and what has
// come of the body, without that.
func TestStallingBodyHoldsNothingBack(t *testing.T) {
	const size, keptBack = 40 << 10, 150 * time.Millisecond
	for _, come := range []struct{ read, come int }{{0, 0}, {4000, 0}, {0, 1}, {4000, 10_000}} {
		best := time.Hour
		for try := 0; try < 5 && best > keptBack; try++ {
			server, client := warmed(t)
			body := stalling(t, size, come.read, come.come)
			sent := make(chan error, 1)
			began := time.Now()
			go func() {
				_, err := sentTo(t, server, body, size)
				sent <- err
			}()
			received(t, client, someBytes(size)[:come.read+come.come])
			best = min(best, time.Since(began))
			_ = body.TCPConn.Close()
			if err := <-sent; err == nil {
				t.Error("a body that was cut has been sent")
			}
		}
		if best > keptBack {
			t.Errorf("%d bytes with the header, %d behind: they took %s", come.read, come.come, best)
		}
	}
}
