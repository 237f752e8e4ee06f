package gateway

import (
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"mirrorgate/cache"
)

// Bodies that are longer are moved by the kernel. Of a file, what is shorter costs less when it is copied, since it
// leaves by one call with the header; of a socket, what is still to come.
const (
	longFile   = chunk
	longSocket = 8 << 10
)

// How many bytes are moved by one call, at most: others want the processor, too.
const (
	mostOfFile   = 1 << 20
	mostOfSocket = 1 << 20
)

// movable tells whether the kernel can move a body, and it is worth its while.
func movable(body io.Reader, length int64) bool {
	switch b := body.(type) {
	case cache.FileBody:
		return length > longFile
	case cache.SocketBody:
		return length-int64(b.Buffered()) > longSocket
	}
	return false
}

// mostJoined is how much a body from a socket may have left for its header to wait for it: with the header, and what
// was read with the bucket's, it is one of the kernel's segments, which have up to 64 KiB. A longer one needs two
// anyway.
const mostJoined = 56 << 10

// goesOn tells whether the next bytes of a body that the kernel moves are there, so that they are sent at once behind
// what was written before: a bucket may stall at any byte. left is how many are to come.
func goesOn(body io.Reader, left int64) bool {
	switch b := body.(type) {
	case cache.FileBody:
		return left > 0
	case cache.SocketBody:
		return left > 0 && left <= mostJoined && b.Arrived() > 0
	}
	return false
}

// ReadFrom sends a body that the kernel can move, and any other by copying. A bufio.Writer calls it, once it is empty.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	switch body := r.(type) {
	case cache.FileBody:
		return c.out.sendFile(body)
	case cache.SocketBody:
		return c.out.splice(body, c.pipes)
	}
	return io.Copy(struct{ io.Writer }{c}, r)
}

// sender is a file whose next bytes go out.
type sender struct{ body cache.FileBody }

func (s *sender) move(fd uintptr) (int, error) { return s.body.SendTo(fd, mostOfFile) }

func (o *outlet) sendFile(body cache.FileBody) (total int64, err error) {
	s := &sender{body}
	for err == nil {
		var n int
		n, err = o.send(s)
		total += int64(n)
		if n == 0 && err == nil {
			err = io.ErrNoProgress
		}
	}
	return total, orNil(err)
}

// splice sends a body through pipes, each held only while there is something in it: slow clients, which may be many,
// hold one most of the time. Where there is no pipe left, or it takes nothing, a piece is copied.
func (o *outlet) splice(body cache.SocketBody, pipes *pipes) (total int64, err error) {
	for err == nil {
		var n int64
		if body.Buffered() == 0 {
			n, err = o.through(pipes, body)
		}
		if n == 0 && err == nil {
			n, err = o.copyPiece(body)
		}
		total += n
	}
	return total, orNil(err)
}

// through moves a piece of a body through a pipe, and returns what has been sent of it. 0 and nil: there is no pipe, or
// it took nothing.
func (o *outlet) through(pipes *pipes, body cache.SocketBody) (sent int64, err error) {
	p := pipes.take()
	if p == nil {
		return 0, nil
	}
	defer pipes.give(p)
	p.held, err = body.SpliceTo(p.in, mostOfSocket)
	for p.held > 0 {
		n, failed := o.send(p)
		p.held -= n
		sent += int64(n)
		if failed != nil {
			return sent, failed
		}
	}
	return sent, err
}

// move makes a pipe a mover: what it holds goes out.
func (p *pipe) move(fd uintptr) (int, error) {
	n, err := unix.Splice(int(p.out), nil, int(fd), nil, p.held, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
	switch {
	case err == syscall.EAGAIN:
		return 0, err
	case err == nil && n == 0:
		return 0, io.ErrUnexpectedEOF // it holds less than was moved into it
	}
	return int(n), os.NewSyscallError("splice", err)
}

func (o *outlet) copyPiece(body io.Reader) (int64, error) {
	buf := chunks.Get().(*[chunk]byte)
	defer chunks.Put(buf)
	n, err := body.Read(buf[:])
	sent, failed := o.write(buf[:n])
	if failed != nil {
		err = failed
	}
	return int64(sent), err
}
