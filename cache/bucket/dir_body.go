package bucket

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// errFileChanged means that a file was written to, in place, while it was being served.
var errFileChanged = errors.New("the file was written to while it was being read")

// dirBody is the Body of every object that a Dir opens: a part of a file. It is for one goroutine.
//
// It gives the last byte only if the file is still the one that was opened: somebody may write into it in place, and a
// reader must not take a mixture of two files for an object. A change within one tick of the disk's clock is not seen.
type dirBody struct {
	file     file
	id       identity
	at, left int64
	closed   bool
}

// Read reads on. The end is io.EOF after exactly the object's Length bytes; a file that turns out to be shorter is an
// error that wraps io.ErrUnexpectedEOF.
func (b *dirBody) Read(p []byte) (int, error) {
	if err := b.over(); err != nil {
		return 0, err
	}
	n, err := b.file.ReadAt(p[:min(int64(len(p)), b.left)], b.at)
	if n == 0 && err != nil {
		return 0, orCut(err)
	}
	if int64(n) == b.left {
		if err := b.unchanged(); err != nil {
			return 0, err
		}
	}
	b.pass(n)
	return n, nil
}

// errCut means that the file has become shorter.
var errCut = fmt.Errorf("%w: %w", errFileChanged, io.ErrUnexpectedEOF)

// orCut is err, or errCut for the end of the file.
func orCut(err error) error {
	if err == io.EOF {
		return errCut
	}
	return err
}

// over is why nothing more can be read, or nil.
func (b *dirBody) over() error {
	switch {
	case b.closed:
		return os.ErrClosed
	case b.left == 0:
		return io.EOF
	}
	return nil
}

// pass goes on behind n bytes.
func (b *dirBody) pass(n int) {
	b.at += int64(n)
	b.left -= int64(n)
}

// unchanged returns an error if the file was written to since it was opened.
func (b *dirBody) unchanged() error {
	s, err := b.file.state()
	if err != nil {
		return err
	}
	if s.id != b.id {
		return errFileChanged
	}
	return nil
}

// Close closes the file.
func (b *dirBody) Close() error {
	if b.closed {
		return os.ErrClosed
	}
	b.closed = true
	return b.file.close()
}
