package writeback

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"mirrorgate/cache"
)

// sent is what a client gets of a body that the kernel sends in pieces of up to max bytes, and how the sending ends.
func sent(t *testing.T, body cache.FileBody, max int) (got string, err error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	received := make(chan string)
	go func() {
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			received <- err.Error()
			return
		}
		defer client.Close()
		data, _ := io.ReadAll(client)
		received <- string(data)
	}()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := server.(syscall.Conn).SyscallConn()
	for err == nil {
		_ = raw.Write(func(fd uintptr) bool {
			_, err = body.SendTo(fd, max)
			return err != syscall.EAGAIN
		})
	}
	server.Close()
	return <-received, err
}

// A body that waits goes out by the kernel, whole or in part, and never ends well if it was cut.
func TestOpenedBodyIsSent(t *testing.T) {
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	commit(t, s, "k", "0123456789")
	for _, c := range []struct {
		first, last, cut int64
		max              int
		want             string
	}{
		{0, -1, 10, 1 << 40, "0123456789"}, {0, -1, 10, 3, "0123456789"}, {3, -1, 10, 1 << 40, "3456789"},
		{2, 5, 10, 1 << 40, "2345"}, {0, -1, 6, 1 << 40, "012345"}, {3, -1, 6, 2, "345"}, {8, -1, 6, 4, ""},
	} {
		obj, err := s.Open(id("k"), cache.ReadOptions{Range: &cache.Range{First: c.first, Last: c.last}})
		if err == nil {
			err = os.Truncate(s.bodyPath(find(s, "k")), c.cut)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := sent(t, obj.Body.(cache.FileBody), c.max)
		var length *cache.LengthError
		if got != c.want || errors.As(err, &length) != (c.cut < 10) || (err == io.EOF) != (c.cut == 10) {
			t.Errorf("%+v: got %q, %v", c, got, err)
		}
		obj.Body.Close()
		writeTo(t, s.bodyPath(find(s, "k")), "0123456789")
	}
}

// What was read does not go out again.
func TestOpenedBodyIsReadThenSent(t *testing.T) {
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	commit(t, s, "k", "0123456789")
	obj, err := s.Open(id("k"), cache.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Body.Close()
	first := make([]byte, 4)
	if _, err := io.ReadFull(obj.Body, first); err != nil || string(first) != "0123" {
		t.Errorf("read %q, %v", first, err)
	}
	if got, err := sent(t, obj.Body.(cache.FileBody), 1<<40); got != "456789" || err != io.EOF {
		t.Errorf("sent %q, %v", got, err)
	}
}
