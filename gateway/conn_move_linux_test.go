package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"

	"mirrorgate/cache"
)

var errCutHere = errors.New("cut here")

// fileBody is a cache.FileBody: a part of a file, which may end with an error before its end.
type fileBody struct {
	file    *os.File
	at, end int64
	cut     bool
}

func (b *fileBody) Read(p []byte) (int, error) {
	n, err := b.file.ReadAt(p[:min(int64(len(p)), b.end-b.at)], b.at)
	return b.moved(n, err)
}

func (b *fileBody) moved(n int, err error) (int, error) {
	b.at += int64(max(0, n))
	switch {
	case b.at < b.end || err != nil && err != io.EOF:
		return n, err
	case b.cut:
		return n, errCutHere
	}
	return n, io.EOF
}

func (b *fileBody) SendTo(fd uintptr, most int) (int, error) {
	at := b.at
	return b.moved(unix.Sendfile(int(fd), int(b.file.Fd()), &at, int(min(int64(most), b.end-b.at))))
}

func (b *fileBody) Close() error { return b.file.Close() }

// socketBody is a cache.SocketBody: what a server sends over TCP, of which some was read with its header.
type socketBody struct {
	*net.TCPConn
	first []byte
	left  int64
}

func (b *socketBody) Buffered() int { return len(b.first) }

func (b *socketBody) Arrived() (n int) {
	raw, err := b.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	}
	if err != nil {
		return 0
	}
	return n
}

func (b *socketBody) Read(p []byte) (n int, err error) {
	if len(b.first) > 0 {
		n = copy(p, b.first)
		b.first = b.first[n:]
	} else {
		n, err = b.TCPConn.Read(p)
	}
	return b.moved(n, err)
}

func (b *socketBody) moved(n int, err error) (int, error) {
	b.left -= int64(n)
	switch {
	case b.left == 0:
		return n, io.EOF
	case err == io.EOF:
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}

func (b *socketBody) SpliceTo(pipe uintptr, most int) (n int, err error) {
	raw, err := b.SyscallConn()
	if err != nil {
		return 0, err
	}
	failed := raw.Read(func(fd uintptr) bool {
		var moved int64
		moved, err = unix.Splice(int(fd), nil, int(pipe), nil, most, unix.SPLICE_F_NONBLOCK)
		n = int(max(0, moved))
		return !errors.Is(err, unix.EAGAIN)
	})
	switch {
	case failed != nil:
		err = failed
	case n == 0 && err == nil:
		err = io.EOF
	}
	return b.moved(n, err)
}

// sources makes bodies of the same bytes, each kind of another type. sent is how many of them come before the body is
// cut; its length is that of want.
type sources struct {
	t    *testing.T
	from net.Listener
	file string
	want []byte
	sent int
}

func newSources(t *testing.T, want []byte, sent int) *sources {
	t.Helper()
	s := &sources{t: t, file: filepath.Join(t.TempDir(), "object")}
	s.fill(want, sent)
	var err error
	if s.from, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.from.Close() })
	return s
}

func (s *sources) fill(want []byte, sent int) {
	s.t.Helper()
	if err := os.WriteFile(s.file, want, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.want, s.sent = want, sent
}

func (s *sources) open(kind string) io.ReadCloser {
	switch kind {
	case "file":
		f, err := os.Open(s.file)
		if err != nil {
			s.t.Error(err)
		}
		return &fileBody{file: f, end: int64(s.sent), cut: s.sent < len(s.want)}
	case "socket":
		return s.dial(0)
	case "socket with some read":
		return s.dial(min(5000, s.sent))
	}
	body := io.Reader(bytes.NewReader(s.want[:s.sent]))
	if s.sent < len(s.want) {
		body = io.MultiReader(body, iotest.ErrReader(errCutHere))
	}
	return io.NopCloser(body)
}

func (s *sources) dial(read int) *socketBody {
	c, err := net.Dial("tcp", s.from.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	server, err := s.from.Accept()
	if err != nil {
		s.t.Fatal(err)
	}
	go func() {
		_, _ = server.Write(s.want[read:s.sent])
		_ = server.Close()
	}()
	return &socketBody{c.(*net.TCPConn), s.want[:read], int64(len(s.want))}
}

var kinds = []string{"plain", "file", "socket", "socket with some read"}

// serveBodies answers each request with the body of the kind that its path names, through fasthttp as it is set up in
// Gateway, and returns how each body ended.
func serveBodies(t *testing.T, w *wires, s *sources) (ends chan error) {
	t.Helper()
	ends = make(chan error, 1)
	server := &fasthttp.Server{WriteBufferSize: sendBuffer, ReduceMemoryUsage: readsAhead, Logger: quietLogger{slog.New(slog.DiscardHandler)},
		Handler: func(ctx *fasthttp.RequestCtx) {
			body := &stream{body: s.open(string(ctx.QueryArgs().Peek("kind"))), length: int64(len(s.want)),
				done: func(_ int64, err error) { ends <- err }}
			body.client, _ = ctx.Conn().(*conn)
			ctx.Response.SetBodyStream(body, len(s.want))
		}}
	served := make(chan error, 1)
	go func() { served <- server.Serve(&w.listener) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Shutdown(), <-served); err != nil {
			t.Error(err)
		}
		w.pipes.close()
		if made := w.pipes.shelves[0].made + w.pipes.shelves[1].made; made != 0 {
			t.Errorf("%d pipes are left", made)
		}
	})
	return ends
}

// get asks over a connection; read reads the body.
func get(c net.Conn, kind string, read func(io.Reader) ([]byte, error)) ([]byte, error) {
	if _, err := fmt.Fprintf(c, "GET /?kind=%s HTTP/1.1\r\nHost: a\r\n\r\n", kindQuery(kind)); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, err
	}
	return read(resp.Body)
}

func kindQuery(kind string) string { return string(fasthttp.AppendQuotedArg(nil, []byte(kind))) }

// pausing reads everything, with a pause before each quarter.
func pausing(size int) func(io.Reader) ([]byte, error) {
	return func(r io.Reader) ([]byte, error) {
		var got bytes.Buffer
		for range 4 {
			<-time.After(4 * time.Millisecond)
			if _, err := io.CopyN(&got, r, int64(size/4)); err != nil {
				return got.Bytes(), err
			}
		}
		_, err := got.ReadFrom(r)
		return got.Bytes(), err
	}
}

// edges are sizes around all that decides how a body is sent.
func edges() []int {
	sizes := []int{0, 1, 10 << 20}
	for _, edge := range []int{longSocket, longSocket + 5000, chunk, sendBuffer, smallPipe, largePipe, mostOfFile} {
		sizes = append(sizes, edge-1, edge, edge+1)
	}
	for less := range 4 { // around what the header leaves of the buffer
		sizes = append(sizes, sendBuffer-128-less*16)
	}
	slices.Sort(sizes)
	return slices.Compact(sizes)
}

// Whatever is moved how, a client gets the bytes of the object, one after the other over one connection, and no pipe
// and no descriptor is left.
func TestBodiesAreWhole(t *testing.T) {
	newWires(t, newPace(1), time.Minute).dial() // from the first connection on the runtime has descriptors of its own
	before := openFiles(t)
	t.Run("all", func(t *testing.T) {
		s, w := newSources(t, nil, 0), newWires(t, newPace(1), 10*time.Second)
		ends := serveBodies(t, w, s)
		c, err := net.Dial("tcp", w.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, size := range edges() {
			s.fill(someBytes(size), size)
			for _, kind := range kinds {
				for _, read := range []func(io.Reader) ([]byte, error){io.ReadAll, pausing(size)} {
					got, err := get(c, kind, read)
					if err = errors.Join(err, <-ends); err != nil || !bytes.Equal(got, s.want) {
						t.Errorf("%s, %d bytes: got %d, equal: %v, %v", kind, size, len(got), bytes.Equal(got, s.want), err)
					}
				}
			}
		}
	})
	if after := openFiles(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Without pipes, because all are in use, bodies are copied.
func TestBodiesWithoutPipes(t *testing.T) {
	s := newSources(t, someBytes(3<<20), 3<<20)
	w := newWires(t, newPace(1), 10*time.Second)
	w.pipes.shelves = [2]shelf{{size: largePipe}, {size: smallPipe}}
	ends := serveBodies(t, w, s)
	c, err := net.Dial("tcp", w.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, kind := range kinds {
		got, err := get(c, kind, io.ReadAll)
		if err = errors.Join(err, <-ends); err != nil || !bytes.Equal(got, s.want) {
			t.Errorf("%s: got %d bytes, equal: %v, %v", kind, len(got), bytes.Equal(got, s.want), err)
		}
	}
}

// A body that is cut ends the connection before its length, however it is moved, and the gateway hears of it.
func TestCutBodiesShow(t *testing.T) {
	const size = 2 << 20
	for _, sent := range []int{0, 1, 4999, 100 << 10, size - 1} {
		s := newSources(t, someBytes(size), sent)
		w := newWires(t, newPace(1), 10*time.Second)
		ends := serveBodies(t, w, s)
		for _, kind := range kinds {
			c, err := net.Dial("tcp", w.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			got, err := get(c, kind, io.ReadAll)
			if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) || !bytes.HasPrefix(s.want, got) {
				t.Errorf("%s, cut after %d: %d bytes, %v", kind, sent, len(got), err)
			}
			if err := <-ends; !errors.Is(err, errCutHere) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s, cut after %d: the gateway heard %v", kind, sent, err)
			}
			_ = c.Close()
		}
	}
}

// A client that stops within a body that the kernel moves is cut off, too, and the pipe with its bytes is gone.
func TestStoppingClientOfMovedBodies(t *testing.T) {
	const size, stall = 32 << 20, 300 * time.Millisecond
	s := newSources(t, someBytes(size), size)
	w := newWires(t, newPace(1), stall)
	ends := serveBodies(t, w, s)
	for _, kind := range kinds {
		c, err := net.Dial("tcp", w.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = get(c, kind, func(r io.Reader) ([]byte, error) { return nil, errors.Join(io.EOF, <-ends) })
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) < stall {
			t.Errorf("%s: after %s: %v", kind, time.Since(began), err)
		}
		_ = c.Close()
	}
}

// The header and a body that is all there leave by one write: as one segment, for which half a window has room.
func TestSmallAnswerIsOneWrite(t *testing.T) {
	for _, size := range []int{0, 1, 1 << 10, 24 << 10} {
		s := newSources(t, someBytes(size), size)
		w := newWires(t, newPace(1), time.Minute)
		client, err := net.Dial("tcp", w.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := w.Accept()
		if err != nil {
			t.Fatal(err)
		}
		server := accepted.(*conn)
		out := bufio.NewWriterSize(server, sendBuffer)
		_, _ = out.WriteString("HTTP/1.1 200 OK\r\n\r\n")
		body := &stream{body: s.open("file"), length: int64(size)}
		if n, err := body.WriteTo(out); n != int64(size) || err != nil || out.Buffered() > 0 {
			t.Errorf("%d bytes: %d, %v", size, n, err)
		}
		if n := segments(t, server); n != 1 {
			t.Errorf("%d bytes: %d segments", size, n)
		}
		_, _, _ = body.body.Close(), client.Close(), server.Close()
	}
}

func segments(t *testing.T, c *conn) (n uint32) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var info *unix.TCPInfo
	failed := raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if err := errors.Join(failed, err); err != nil {
		t.Fatal(err)
	}
	return info.Data_segs_out
}

// Pipes are empty when they are taken, each is had by one, and there is an end to them.
func TestPipesAreBounded(t *testing.T) {
	var all pipes
	had := make(map[uintptr]bool)
	var taken []*pipe
	for p := all.take(); p != nil; p = all.take() {
		if had[p.in] {
			t.Fatal("one pipe for two")
		}
		had[p.in] = true
		taken = append(taken, p)
	}
	if len(taken) != largePipes+smallPipes {
		t.Errorf("%d pipes", len(taken))
	}
	taken[0].held = 1
	var giving sync.WaitGroup
	for _, p := range taken {
		giving.Go(func() { all.give(p) })
	}
	giving.Wait()
	for _, s := range all.shelves {
		if len(s.idle) != idlePipes || s.made != idlePipes || slices.Contains(s.idle, taken[0]) {
			t.Errorf("of %d bytes: %d idle, %d in all", s.size, len(s.idle), s.made)
		}
	}
	all.close()
}

var (
	_ cache.FileBody   = (*fileBody)(nil)
	_ cache.SocketBody = (*socketBody)(nil)
)
