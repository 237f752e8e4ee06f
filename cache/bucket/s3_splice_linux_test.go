package bucket

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mirrorgate/cache"
)

// serving answers every request with body; cut is how much of it is left out at the end.
func serving(t *testing.T, body []byte, cut int, behind string, then func(net.Conn)) *wire {
	return newWire(t, func(_ int64, c net.Conn, requests *bufio.Reader) {
		for _, err := http.ReadRequest(requests); err == nil; _, err = http.ReadRequest(requests) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n")
			c.Write(body[:len(body)-cut])
			io.WriteString(c, behind)
			if then != nil {
				then(c)
				return
			}
		}
	})
}

// openSocket opens "a" for the kernel.
func openSocket(t *testing.T, s *S3) cache.SocketBody {
	t.Helper()
	obj, err := s.Open(t.Context(), "a", cache.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { obj.Body.Close() })
	body, ok := obj.Body.(cache.SocketBody)
	if !ok {
		t.Fatalf("%T is no SocketBody", obj.Body)
	}
	return body
}

// newPipe gives both ends of a pipe, which block.
func newPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// spliced moves the body in pieces of up to limit bytes through a pipe.
func spliced(t *testing.T, body cache.SocketBody, limit int) ([]byte, error) {
	t.Helper()
	out := make([]byte, body.Buffered())
	if _, err := io.ReadFull(body, out); err != nil {
		return out, err
	}
	if n := body.Buffered(); n != 0 {
		t.Errorf("%d bytes are still buffered", n)
	}
	r, w := newPipe(t)
	piece := make([]byte, limit)
	for {
		n, err := body.SpliceTo(w.Fd(), limit)
		if n > 0 {
			if _, err := io.ReadFull(r, piece[:n]); err != nil {
				t.Fatal(err)
			}
			out = append(out, piece[:n]...)
		}
		if err != nil {
			return out, err
		}
		if n == 0 {
			t.Fatal("an empty pipe took nothing")
		}
	}
}

func TestSplice(t *testing.T) {
	for _, size := range []int{0, 1, 1 << 10, firstRead, 64 << 10, 1<<20 + 1} {
		for _, limit := range []int{1 << 10, 64 << 10} {
			want := make([]byte, size)
			rand.NewChaCha8([32]byte{byte(limit)}).Read(want)
			w := serving(t, want, 0, "", nil)
			s := w.bucket(t, nil)
			for range 2 {
				got, err := spliced(t, openSocket(t, s), limit)
				if err != io.EOF || !bytes.Equal(got, want) {
					t.Errorf("%d bytes by %d: got %d other ones, %v", size, limit, len(got), err)
				}
			}
			if n := w.conns.Load(); n != 1 || len(s.client.slots) != 0 {
				t.Errorf("%d bytes by %d: %d connections, want 1; %d slots are taken", size, limit, n, len(s.client.slots))
			}
		}
	}
}

// What comes behind a body is no part of it, nor of the next answer.
func TestSpliceStopsAtTheEnd(t *testing.T) {
	want := bytes.Repeat([]byte("right"), 20<<10)
	w := serving(t, want, 0, wrong, nil)
	s := w.bucket(t, nil)
	for range 3 {
		if got, err := spliced(t, openSocket(t, s), 1<<20); err != io.EOF || !bytes.Equal(got, want) {
			t.Errorf("spliced %d bytes, %v", len(got), err)
		}
		eventually(t, "the rest comes", func() bool { return spoilt(t, s) })
		if got := fetched(t, s, cache.ReadOptions{}); got != "="+string(want) {
			t.Errorf("read %d bytes", len(got)-1)
		}
		eventually(t, "the rest comes", func() bool { return spoilt(t, s) })
	}
	if n := w.conns.Load(); n != 6 {
		t.Errorf("%d connections, want 6", n)
	}
}

// Bodies that end early, stall or are closed fail as they do in Read.
func TestSpliceFails(t *testing.T) {
	body := make([]byte, 100<<10)
	f := func(name, want string, then func(net.Conn), during func(io.Closer)) {
		t.Helper()
		s := serving(t, body, 10, "", then).bucket(t, func(c *S3Config) {
			c.Timeouts.FirstByte, c.Timeouts.Stall = time.Hour, 300*time.Millisecond
		})
		b := openSocket(t, s)
		if during != nil {
			go during(b)
		}
		got, err := spliced(t, b, 64<<10)
		var failed *cache.BucketError
		if !strings.Contains(err.Error(), want) || !errors.As(err, &failed) && during == nil {
			t.Errorf("%s: got error %v, want %q", name, err, want)
		}
		if len(got) > len(body)-10 {
			t.Errorf("%s: got %d bytes, %d were sent", name, len(got), len(body)-10)
		}
		b.Close()
		if n, err := b.SpliceTo(0, 1); n != 0 || err == nil || err == io.EOF {
			t.Errorf("%s: behind Close: %d, %v", name, n, err)
		}
		if n := len(s.client.slots); n != 0 {
			t.Errorf("%s: %d slots are taken", name, n)
		}
	}
	f("cut", "body cut 10 bytes before its end: unexpected EOF", func(net.Conn) {}, nil)
	f("reset", "connection reset", func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }, nil)
	f("stalled", "timeouts.stall", waitClosed, nil)
	f("closed", "closed", waitClosed, func(b io.Closer) { b.Close() })
}

// A pipe that is full takes nothing, and nobody waits for the socket, which has bytes.
func TestSpliceIntoFullPipe(t *testing.T) {
	b := openSocket(t, serving(t, make([]byte, 256<<10), 0, "", nil).bucket(t, nil))
	io.ReadFull(b, make([]byte, b.Buffered()))
	_, w := newPipe(t)
	fd := w.Fd() // which makes it block
	if err := unix.SetNonblock(int(fd), true); err != nil {
		t.Fatal(err)
	}
	for err := error(nil); err == nil; {
		_, err = unix.Write(int(fd), make([]byte, 4096))
	}
	if n, err := b.SpliceTo(fd, 1<<20); n != 0 || err != nil {
		t.Errorf("got %d, %v, want nothing", n, err)
	}
}

// What has come to the socket is counted, what was moved or came with the header is not; nor what is closed.
func TestArrived(t *testing.T) {
	const come = 30 << 10
	b := openSocket(t, serving(t, make([]byte, 2*come), come, "", waitClosed).bucket(t, nil))
	left := come - b.Buffered()
	eventually(t, "all comes", func() bool { return b.Arrived() == left })
	io.ReadFull(b, make([]byte, b.Buffered()))
	_, w := newPipe(t)
	if n, err := b.SpliceTo(w.Fd(), 1000); n != 1000 || err != nil || b.Arrived() != left-1000 {
		t.Errorf("moved %d, %v; %d of %d have arrived", n, err, b.Arrived(), left)
	}
	b.Close()
	if n := b.Arrived(); n != 0 {
		t.Errorf("%d have arrived behind Close", n)
	}
}

// Bytes in the buffer come first, and only by Read.
func TestSpliceBehindBuffered(t *testing.T) {
	b := openSocket(t, serving(t, make([]byte, 64<<10), 0, "", nil).bucket(t, nil))
	_, w := newPipe(t)
	if n, err := b.SpliceTo(w.Fd(), 1<<10); b.Buffered() > 0 && (n != 0 || err == nil) {
		t.Errorf("spliced %d bytes before those that were buffered, %v", n, err)
	}
}

// Over TLS the kernel cannot read.
func TestNoSpliceOverTLS(t *testing.T) {
	f := newFakeS3(t, true)
	f.put("a", strings.Repeat("x", 64<<10))
	obj, err := f.bucket(trusting(t, f)).Open(t.Context(), "a", cache.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Body.Close()
	if _, ok := obj.Body.(cache.SocketBody); ok {
		t.Error("a body over TLS is a SocketBody")
	}
}

// Bytes that a server sends of its own accord, between two answers, are nobody's answer; nor is its farewell. The
// connection is not asked at all then.
func TestBytesBetweenAnswers(t *testing.T) {
	for name, between := range map[string]func(net.Conn){
		"an answer":   func(c net.Conn) { io.WriteString(c, wrong) },
		"a byte":      func(c net.Conn) { io.WriteString(c, "H") },
		"a half-stop": func(c net.Conn) { c.(*net.TCPConn).CloseWrite() },
		"the end":     func(c net.Conn) { c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			now := make(chan struct{})
			var unasked bool
			w := newWire(t, func(conn int64, c net.Conn, requests *bufio.Reader) {
				http.ReadRequest(requests)
				io.WriteString(c, right)
				if conn == 1 {
					<-now
					between(c)
					_, err := requests.ReadByte()
					unasked = err == nil
					now <- struct{}{}
				}
			})
			s := w.bucket(t, nil)
			if got := fetched(t, s, cache.ReadOptions{}); got != "=right" {
				t.Fatalf("got %q", got)
			}
			now <- struct{}{}
			eventually(t, "something comes", func() bool { return spoilt(t, s) })
			if got := fetched(t, s, cache.ReadOptions{}); got != "=right" || w.conns.Load() != 2 {
				t.Errorf("got %q over %d connections, want another one", got, w.conns.Load())
			}
			if <-now; unasked {
				t.Error("the first connection was asked again")
			}
		})
	}
}

// The same over TLS, where bytes may have been read, but not been decrypted yet.
func TestBytesBetweenAnswersOverTLS(t *testing.T) {
	f := newFakeS3(t, true)
	now := make(chan struct{}, 1)
	f.answer = func(w http.ResponseWriter, _ fakeRequest) bool {
		raw(w, right, func(c net.Conn) {
			<-now
			io.WriteString(c, wrong)
			waitClosed(c)
		})
		return true
	}
	s := f.bucket(trusting(t, f))
	for range 3 {
		if got := fetched(t, s, cache.ReadOptions{}); got != "=right" {
			t.Errorf("got %q", got)
		}
		now <- struct{}{}
		eventually(t, "something comes", func() bool { return spoilt(t, s) })
	}
	if f.conns != 3 {
		t.Errorf("%d connections, want 3", f.conns)
	}
}

// spoilt tells whether no idle connection is silent.
func spoilt(t *testing.T, s *S3) bool {
	return len(s.client.pool.idle) == 0 || readable(t, s.client.pool.idle[0])
}

// readable tells whether bytes, or the end, have come.
func readable(t *testing.T, c *readConn) bool {
	socket, err := c.tcp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	socket.Control(func(fd uintptr) {
		n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	})
	return n > 0 && err == nil
}
