package bucket

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// errFileChanged means that a file was written to, in place, while it was being served.
var errFileChanged = errors.New("the file was written to while it was being read")

// FileBody is the Body of every object that a Dir opens: a part of a file. It is for one goroutine.
//
// Read gives the last byte only if the file is still the one that was opened: somebody may write into it in place,
// and a reader must not take a mixture of two files for an object.
type FileBody struct {
	file *os.File
	id   identity
	left int64
}

// newFileBody takes over file and positions it at the body's start.
func newFileBody(file *os.File, id identity, start, length int64) (*FileBody, error) {
	if start > 0 {
		if _, err := file.Seek(start, io.SeekStart); err != nil {
			return nil, err
		}
	}
	return &FileBody{file: file, id: id, left: length}, nil
}

// Read reads on. The end is io.EOF after exactly the object's Length bytes; a file that turns out to be shorter is an
// error that wraps io.ErrUnexpectedEOF.
func (b *FileBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.file.Read(p[:min(int64(len(p)), b.left)])
	if n == 0 && err == io.EOF {
		return 0, fmt.Errorf("%w: %w", errFileChanged, io.ErrUnexpectedEOF)
	}
	if int64(n) == b.left {
		if err := b.Unchanged(); err != nil {
			return 0, err
		}
	}
	b.left -= int64(n)
	return n, err
}

// Unchanged returns an error if the file was written to since it was opened. Who reads from File rather than from the
// body asks it before the last byte is passed on. A change within one tick of the disk's clock is not seen.
func (b *FileBody) Unchanged() error {
	info, err := b.file.Stat()
	if err != nil {
		return err
	}
	if identityOf(info) != b.id {
		return errFileChanged
	}
	return nil
}

// File is the open file, positioned at the next byte of the body, for those who can hand a file to the kernel
// (sendfile). It stays the body's: Close closes it. Len tells how many bytes of it belong to the body.
func (b *FileBody) File() *os.File { return b.file }

// Len is how many bytes of the body Read has not given yet.
func (b *FileBody) Len() int64 { return b.left }

// Close closes the file.
func (b *FileBody) Close() error { return b.file.Close() }
