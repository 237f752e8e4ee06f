package gateway

import (
	"bufio"
	"io"
	"runtime"
	"sync"
)

// chunk is how many bytes of a body are moved at a time.
const chunk = 32 << 10

// stream is a response body for fasthttp. It implements CloseWithError and not Close, because fasthttp calls Close
// first if there is one, and the error of the write is lost.
type stream struct {
	body  io.ReadCloser
	done  func(err error) // at the true end of the body
	after func()          // after that; or nil
	once  sync.Once
}

func (s *stream) Read(p []byte) (int, error) { return s.body.Read(p) }

// CloseWithError is called by fasthttp when the body is written, or could not be.
func (s *stream) CloseWithError(err error) (closeErr error) {
	s.once.Do(func() {
		closeErr = s.body.Close()
		s.done(err)
		if s.after != nil {
			s.after()
		}
	})
	return closeErr
}

var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// WriteTo sends what there is at once: a body that trickles in trickles out. After each piece it lets others go first:
// a client that takes all that there is would keep a processor for a whole slice of the scheduler's time, and a request
// that comes to a herd of them would wait for all their slices.
func (s *stream) WriteTo(w io.Writer) (total int64, err error) {
	buf := chunks.Get().(*[chunk]byte)
	defer chunks.Put(buf)
	flusher, _ := w.(*bufio.Writer)
	for {
		n, err := s.body.Read(buf[:])
		if n > 0 {
			written, err := w.Write(buf[:n])
			total += int64(written)
			if err == nil && flusher != nil {
				err = flusher.Flush()
			}
			if err != nil {
				return total, err
			}
			runtime.Gosched()
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}
