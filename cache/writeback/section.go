package writeback

import (
	"io"
	"os"

	"mirrorgate/cache"
)

// section reads a part of a file, and closes it.
type section struct {
	*io.SectionReader
	file *os.File
}

func newSection(f *os.File, off, n int64) *section {
	return &section{io.NewSectionReader(f, off, n), f}
}

// Read reports a file that is shorter than its record says as an error, never as a clean end.
func (s *section) Read(p []byte) (int, error) {
	n, err := s.SectionReader.Read(p)
	if err == io.EOF {
		if at, _ := s.Seek(0, io.SeekCurrent); at < s.Size() {
			return n, &cache.LengthError{Got: at, Want: s.Size()}
		}
	}
	return n, err
}

func (s *section) Close() error { return s.file.Close() }
