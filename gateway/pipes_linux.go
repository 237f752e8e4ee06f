package gateway

import (
	"sync"

	"golang.org/x/sys/unix"
)

// A pipe of the usual size halves what a large body costs, and one of eight times that halves it again. But the kernel
// gives a user without privileges 64 MiB of them (pipe-user-pages-soft in pipe(7)), and of slow clients each has bytes
// in one most of the time. So there are some of each: 48 MiB together.
const (
	largePipe, largePipes = 512 << 10, 48
	smallPipe, smallPipes = 64 << 10, 384

	idlePipes = 16 // of each size, are kept for those who come
)

// pipe is one of the kernel, which is empty while nobody has it.
type pipe struct {
	in, out uintptr
	held    int // bytes in it
	of      *shelf
}

// shelf has the pipes of a size.
type shelf struct {
	size, most int
	made       int
	idle       []*pipe
}

// pipes are those of a listener's connections. Its methods may be called concurrently.
type pipes struct {
	mu      sync.Mutex
	shelves [2]shelf
	closed  bool // none is kept any more
}

// take returns nil when too many are in use, or the kernel has none to give.
func (s *pipes) take() *pipe {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shelves[0].size == 0 {
		s.shelves = [2]shelf{{size: largePipe, most: largePipes}, {size: smallPipe, most: smallPipes}}
	}
	for i := range s.shelves {
		if p := s.shelves[i].take(); p != nil {
			return p
		}
	}
	return nil
}

func (s *shelf) take() *pipe {
	if last := len(s.idle) - 1; last >= 0 {
		p := s.idle[last]
		s.idle = s.idle[:last]
		return p
	}
	if s.made == s.most {
		return nil
	}
	p := newPipe(s.size)
	if p != nil {
		p.of = s
		s.made++
	}
	return p
}

// give takes a pipe back. One that is not empty is closed: its bytes are no other body's.
func (s *pipes) give(p *pipe) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.held == 0 && len(p.of.idle) < idlePipes && !s.closed {
		p.of.idle = append(p.of.idle, p)
		return
	}
	p.of.made--
	p.close()
}

// close closes those that nobody has, and from now on each that comes back.
func (s *pipes) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for i := range s.shelves {
		for _, p := range s.shelves[i].idle {
			p.close()
		}
		s.shelves[i].made -= len(s.shelves[i].idle)
		s.shelves[i].idle = nil
	}
}

// newPipe returns nil where the kernel has none to give: descriptors may be used up.
func newPipe(size int) *pipe {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil
	}
	if size != smallPipe { // which is the size that it has
		_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, size) // another does, too
	}
	return &pipe{out: uintptr(fds[0]), in: uintptr(fds[1])}
}

func (p *pipe) close() {
	_ = unix.Close(int(p.in)) // nothing to be done about it
	_ = unix.Close(int(p.out))
}
