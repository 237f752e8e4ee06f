package bucket

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mirrorgate/cache"
)

// sent is what a client gets of a body that is sent in pieces of up to max bytes, and how the sending ends. The client
// begins to read when its socket is full or all is sent; full is called before that.
func sent(t *testing.T, body cache.FileBody, max int, full func()) (got []byte, err error) {
	t.Helper()
	client, server := connected(t)
	raw, err := server.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	received := make(chan []byte)
	start := make(chan struct{})
	go func() {
		<-start
		data, _ := io.ReadAll(client)
		received <- data
	}()
	begin := sync.OnceFunc(func() {
		if full != nil {
			full()
		}
		close(start)
	})
	for err == nil {
		writeErr := raw.Write(func(fd uintptr) bool {
			if _, err = body.SendTo(fd, max); err == syscall.EAGAIN {
				begin()
				return false
			}
			return true
		})
		if writeErr != nil {
			t.Fatal(writeErr)
		}
	}
	begin()
	server.Close()
	return <-received, err
}

// connected are the two ends of a connection that holds little.
func connected(t *testing.T) (client, server *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	client, server = a.(*net.TCPConn), b.(*net.TCPConn)
	t.Cleanup(func() { client.Close(); server.Close() })
	if err := errors.Join(client.SetReadBuffer(64<<10), server.SetWriteBuffer(64<<10)); err != nil {
		t.Fatal(err)
	}
	return client, server
}

func openSent(t *testing.T, d *Dir, key string, r *cache.Range) (cache.FileBody, int64) {
	t.Helper()
	o, err := d.Open(t.Context(), key, cache.ReadOptions{Range: r})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Body.Close() })
	return o.Body.(cache.FileBody), o.Length
}

// A body that the kernel sends is the body that Read gives, in whatever pieces.
func TestDirSends(t *testing.T) {
	d := openDir(t, t.TempDir(), "")
	for _, size := range []int{0, 1, sentTail - 1, sentTail, sentTail + 1, 100_000, 3 << 20} {
		data := bytes.Repeat([]byte("0123456789abcdefg"), size/17+1)[:size]
		key := fmt.Sprint(size)
		put(t, d, key, string(data), cache.Meta{})
		for _, max := range []int{size/3 + 1, 1 << 40} {
			body, _ := openSent(t, d, key, nil)
			if got, err := sent(t, body, max, nil); !bytes.Equal(got, data) || err != io.EOF {
				t.Errorf("%d bytes in pieces of %d: got %d, %v", size, max, len(got), err)
			}
		}
		if size > 2 {
			body, length := openSent(t, d, key, &cache.Range{First: 1, Last: int64(size) - 2})
			var first [1]byte
			if n, err := body.Read(first[:]); n != 1 || err != nil {
				t.Fatal(err)
			}
			got, err := sent(t, body, 1<<40, nil)
			if got = append(first[:], got...); !bytes.Equal(got, data[1:size-1]) || length != int64(len(got)) || err != io.EOF {
				t.Errorf("a range of %d bytes, the first one read: got %d, %v", size, len(got), err)
			}
		}
	}
}

// A client of a file that is written to while the kernel sends it does not get its end; who moves another file into its
// place, as Put does, changes nothing.
func TestDirFileChangesWhileSent(t *testing.T) {
	const size = 8 << 20 // more than two sockets hold
	rewritten := func(name string) error {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteAt(bytes.Repeat([]byte("y"), size), 0)
		return errors.Join(err, f.Close())
	}
	for what, change := range map[string]func(name string) error{
		"cut":            func(name string) error { return os.Truncate(name, 10) },
		"cut in the end": func(name string) error { return os.Truncate(name, size-1) },
		"grown":          func(name string) error { return os.Truncate(name, 2*size) },
		"rewritten":      rewritten,
	} {
		t.Run(what, func(t *testing.T) {
			got, err := sentAndChanged(t, size, func(name string) error {
				later := time.Now().Add(time.Second)
				return errors.Join(change(name), os.Chtimes(name, later, later))
			})
			if !errors.Is(err, errFileChanged) || len(got) >= size {
				t.Errorf("the client got %d bytes, %v", len(got), err)
			}
		})
	}
	t.Run("replaced", func(t *testing.T) {
		got, err := sentAndChanged(t, size, func(name string) error {
			return errors.Join(os.WriteFile(name+".new", []byte("new"), 0o644), os.Rename(name+".new", name))
		})
		if err != io.EOF || string(got) != strings.Repeat("x", size) {
			t.Errorf("the client got %d bytes, %v", len(got), err)
		}
	})
}

// sentAndChanged sends an object, and changes its file when the client's socket is full.
func sentAndChanged(t *testing.T, size int, change func(name string) error) ([]byte, error) {
	t.Helper()
	path := t.TempDir()
	d := openDir(t, path, "")
	put(t, d, "k", strings.Repeat("x", size), cache.Meta{})
	body, _ := openSent(t, d, "k", nil)
	return sent(t, body, 1<<40, func() {
		if err := change(filepath.Join(path, "k")); err != nil {
			t.Error(err)
		}
	})
}

// The last bytes are looked at although they are all that there is.
func TestDirSmallFileChangesBeforeSent(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path, "")
	for _, size := range []int{1, sentTail, sentTail + 1} {
		put(t, d, fmt.Sprint(size), strings.Repeat("x", size), cache.Meta{})
		body, _ := openSent(t, d, fmt.Sprint(size), nil)
		writeFile(t, filepath.Join(path, fmt.Sprint(size)), strings.Repeat("y", size), time.Now().Add(time.Second))
		if got, err := sent(t, body, 1<<40, nil); !errors.Is(err, errFileChanged) || len(got) > size-sentTail && len(got) > 0 {
			t.Errorf("the client of %d bytes got %d, %v", size, len(got), err)
		}
	}
}

func TestDirSendsToNobody(t *testing.T) {
	d := openDir(t, t.TempDir(), "")
	put(t, d, "k", strings.Repeat("x", 8<<20), cache.Meta{})
	body, _ := openSent(t, d, "k", nil)
	client, server := connected(t)
	raw, err := server.SyscallConn()
	if err := errors.Join(err, client.SetLinger(0), client.Close()); err != nil {
		t.Fatal(err)
	}
	err = nil
	for err == nil {
		_ = raw.Write(func(fd uintptr) bool {
			_, err = body.SendTo(fd, 1<<20)
			return err != syscall.EAGAIN
		})
	}
	if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("sending ends with %v", err)
	}
	body.Close()
	if _, err := body.SendTo(0, 1); err != os.ErrClosed {
		t.Errorf("a body that was closed: %v", err)
	}
}
