package bucket

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/cache"
)

// bodyOf is what the object of that name holds: other bytes for each name, and of another length.
func bodyOf(name string) []byte {
	sum := sha256.Sum256([]byte(name))
	body := make([]byte, int(sum[0])<<(sum[1]%10))
	rand.NewChaCha8(sum).Read(body)
	return body
}

// Readers that share a few connections, some of whom stop early, each get the bytes that they asked for, from a server
// that answers in pieces, says things that nobody asked, closes when it likes and forgets to be silent to HEAD. What comes
// so late that it is taken for an answer is none: an error, and a rare one.
func TestNoAnswerIsMixedUp(t *testing.T) {
	w := newWire(t, func(conn int64, c net.Conn, requests *bufio.Reader) {
		dice := rand.New(rand.NewPCG(uint64(conn), 1))
		for r, err := http.ReadRequest(requests); err == nil; r, err = http.ReadRequest(requests) {
			body := bodyOf(strings.TrimPrefix(r.URL.Path, "/box/"))
			answer := "HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n"
			if dice.IntN(8) == 0 {
				answer = "HTTP/1.1 103 E\r\n\r\n" + answer
			}
			all := append([]byte(answer), body...)
			if r.Method == "HEAD" && dice.IntN(2) == 0 {
				all = all[:len(answer)]
			}
			n := dice.IntN(len(all) + 1)
			c.Write(all[:n])
			c.Write(all[n:])
			switch dice.IntN(12) {
			case 0:
				return
			case 1:
				io.WriteString(c, "junk")
				return
			}
		}
	})
	s := w.bucket(t, nil)
	var readers sync.WaitGroup
	var failed atomic.Int64
	for i := range 8 {
		readers.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(i), 2))
			for range 150 {
				if err := readOne(t, s, strconv.Itoa(dice.IntN(40)), dice); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	readers.Wait()
	if n := len(s.client.slots); n != 0 {
		t.Errorf("%d slots are taken", n)
	}
	if n := failed.Load(); n > 1200/20 {
		t.Errorf("%d of 1200 requests failed", n)
	}
	t.Logf("1200 requests over %d connections, %d failed", w.conns.Load(), failed.Load())
}

// readOne reads an object, or some of it, or its headers.
func readOne(t *testing.T, s *S3, key string, dice *rand.Rand) error {
	obj, err := s.Open(t.Context(), key, cache.ReadOptions{HeadersOnly: dice.IntN(8) == 0})
	if err != nil {
		return err
	}
	want := bodyOf(key)
	if obj.Length != int64(len(want)) {
		t.Errorf("%s: %d bytes, want %d", key, obj.Length, len(want))
	}
	if obj.Body == nil {
		return nil
	}
	defer obj.Body.Close()
	if dice.IntN(4) == 0 {
		want = want[:dice.IntN(len(want)+1)]
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(obj.Body, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: other bytes than those of the object, %v", key, err)
	}
	return nil
}

// A buffer that a reader gave back by Close, from another goroutine, never shows it what others read into it.
func TestCloseWhileReading(t *testing.T) {
	s := saying(t, right).bucket(t, nil)
	for range 200 {
		obj, err := s.Open(t.Context(), "a", cache.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan string, 1)
		go func() {
			data, _ := io.ReadAll(obj.Body)
			done <- string(data)
		}()
		obj.Body.Close()
		fetched(t, s, cache.ReadOptions{})
		if got := <-done; !strings.HasPrefix("right", got) {
			t.Fatalf("read %q", got)
		}
	}
}

// Idle connections are closed when they have been idle for too long, and all at the end.
func TestPoolExpires(t *testing.T) {
	var p pool
	var far []net.Conn
	begin := time.Now()
	for i := range 4 {
		here, there := net.Pipe()
		far = append(far, there)
		p.put(&readConn{Conn: here}, begin.Add(time.Duration(i)*time.Second))
	}
	closed := func() (n int) {
		for _, c := range far {
			c.SetReadDeadline(time.Now())
			if _, err := c.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
				n++
			}
		}
		return n
	}
	p.expire(begin.Add(idleConn + time.Second))
	if n := closed(); n != 2 {
		t.Errorf("%d are closed, want the two of the first second", n)
	}
	if p.take(begin.Add(idleConn+3*time.Second)) != nil {
		t.Error("took a connection that has been idle for too long")
	}
	last := p.take(begin.Add(idleConn))
	if last == nil || !last.since.Equal(begin.Add(3*time.Second)) {
		t.Errorf("took %v, want the one used last", last)
	}
	p.closed = true
	p.put(last, begin)
	if n := closed(); n != 3 {
		t.Errorf("%d are closed, want the one that came after the end, too", n)
	}
	p.closeIdle()
	if n := closed(); n != 4 || len(p.idle) != 0 {
		t.Errorf("%d are closed, want all", n)
	}
}

// A hit allocates the object with its body, and the strings of its metadata. The server allocates nothing.
func TestOpenAllocations(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go serveOneObject(l)
	s := (&wire{Listener: l}).bucket(t, nil)
	buf := make([]byte, 2048)
	open := func() {
		obj, err := s.Open(t.Context(), "images/a.jpg", cache.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := obj.Body.Read(buf); n != 1024 || err != io.EOF {
			t.Fatal(n, err)
		}
		obj.Body.Close()
	}
	n := testing.AllocsPerRun(500, open)
	if n > 2 {
		t.Errorf("%v allocations to open and read an object, want 2", n)
	}
}
