package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
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

// The header of a file leaves with its first bytes, and a client is woken once.
func TestHeaderJoinsFile(t *testing.T) {
	server, client := warmed(t)
	for _, size := range []int{longFile + 1, 48 << 10} {
		s := newSources(t, someBytes(size), size)
		if n, err := sentTo(t, server, s.open("file"), size); n != 1 || err != nil {
			t.Errorf("%d bytes: %d segments, %v", size, n, err)
		}
		received(t, client, s.want)
	}
}
