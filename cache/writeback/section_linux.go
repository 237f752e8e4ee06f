package writeback

import (
	"io"

	"mirrorgate/cache"
)

var _ cache.FileBody = (*section)(nil)

// SendTo implements cache.FileBody. A body in the spool is never written to again: nothing is to be looked at but its
// length.
func (s *section) SendTo(fd uintptr, max int) (int, error) {
	at, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	if at == s.Size() {
		return 0, io.EOF
	}
	_, off, _ := s.Outer()
	n, err := cache.SendFile(fd, s.file.Fd(), off+at, min(int64(max), s.Size()-at))
	if n == 0 && err == nil {
		return 0, &cache.LengthError{Got: at, Want: s.Size()}
	}
	_, _ = s.Seek(int64(n), io.SeekCurrent) // which cannot fail
	return n, err
}
