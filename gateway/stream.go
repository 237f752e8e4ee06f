package gateway

import (
	"bufio"
	"io"
	"runtime"
	"sync"
)

// chunk is how many bytes of a body are copied at a time where there is no other buffer.
const chunk = 32 << 10

// sendBuffer takes the header of an answer and a body that is not much longer than a chunk: they leave together.
const sendBuffer = 36 << 10

// stream is a response body for fasthttp. It implements CloseWithError and not Close, because fasthttp calls Close
// first if there is one, and the error of the write is lost.
type stream struct {
	body   io.ReadCloser
	client *conn                       // that it goes to; nil: not known
	length int64                       // -1: not known
	done   func(sent int64, err error) // at the true end of the body
	after  func()                      // after that; or nil
	once   sync.Once

	sent   int64 // bytes of the body that the connection has taken
	handed int64 // by the last Read: whether the connection takes them is not known yet
}

// Read is called for a body in chunks, each of which is sent before the next, or the end, is asked for.
func (s *stream) Read(p []byte) (int, error) {
	s.sent += s.handed
	n, err := s.body.Read(p)
	s.handed = int64(n)
	return n, err
}

// CloseWithError is called by fasthttp when the body is written, or could not be.
func (s *stream) CloseWithError(err error) (closeErr error) {
	s.once.Do(func() {
		closeErr = s.body.Close()
		s.done(s.sent, err)
		if s.after != nil {
			s.after()
		}
	})
	return closeErr
}

var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// WriteTo sends what there is at once: a body that trickles in trickles out. The header, which the writer holds, goes
// with its first bytes, and a small body that is all there goes as a whole. A large one is left to the kernel, where it
// can move it.
func (s *stream) WriteTo(w io.Writer) (int64, error) {
	out, ok := w.(*bufio.Writer)
	if !ok {
		out = bufio.NewWriterSize(w, chunk)
	}
	n, err := s.writeTo(out)
	s.sent = taken(n, out)
	return n, err
}

// taken is how many of n bytes of a body the connection has taken, if all of them were written to out.
func taken(n int64, out *bufio.Writer) int64 { return max(0, n-int64(out.Buffered())) }

func (s *stream) writeTo(out *bufio.Writer) (int64, error) {
	if !movable(s.body, s.length) {
		return s.copyTo(out)
	}
	begun, err := s.begin(out)
	if err != nil {
		return begun, orNil(err)
	}
	moved, err := out.ReadFrom(s.body)
	return begun + moved, err
}

// copyTo reads into the writer's own buffer. After each piece it lets others go first: a client that takes all that
// there is would keep a processor for a whole slice of the scheduler's time, and a request that comes to a herd of them
// would wait for all their slices.
func (s *stream) copyTo(out *bufio.Writer) (total int64, err error) {
	for {
		p := out.AvailableBuffer()
		p = p[:cap(p)]
		n, err := s.body.Read(p)
		total += int64(n)
		if _, failed := out.Write(p[:n]); failed != nil {
			return total, failed
		}
		if err != nil && err != io.EOF {
			return total, err
		}
		if failed := out.Flush(); failed != nil || err == io.EOF {
			return total, failed
		}
		runtime.Gosched()
	}
}

// begin sends the header, and with it what has been read of the body from its socket already. They leave together with
// what comes next, if that is there.
func (s *stream) begin(out *bufio.Writer) (total int64, err error) {
	arrived, ok := s.body.(interface{ Buffered() int })
	for ok && arrived.Buffered() > 0 && err == nil {
		p := out.AvailableBuffer()
		var n int
		n, err = s.body.Read(p[:min(cap(p), arrived.Buffered())])
		_, _ = out.Write(p[:n]) // into its own buffer
		total += int64(n)
		if out.Available() == 0 && err == nil {
			err = out.Flush()
		}
	}
	if err == nil && s.client != nil && out.Buffered() > 0 && goesOn(s.body, s.length-total) {
		s.client.out.joinNext()
	}
	if err == nil || err == io.EOF {
		if failed := out.Flush(); failed != nil {
			err = failed
		}
	}
	return total, err
}

// orNil takes the end of a body for what it is.
func orNil(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
