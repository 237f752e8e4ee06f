package harness

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"
)

const (
	truthBlock = 8 << 10  // bytes of a Truth that come from one seed: a range costs no more than its blocks
	checkBlock = 64 << 10 // bytes compared at a time
)

// Truth is a body of any size that needs no memory: pseudo-random bytes that seed and size alone decide. It is what the
// bytes that arrive somewhere are compared with. A Truth is a value; it may be used from several goroutines.
type Truth struct {
	Seed uint64
	Size int64
}

var _ io.ReaderAt = Truth{}

// Reader reads the whole body. It can be rewound, and sent with its size.
func (b Truth) Reader() *io.SectionReader { return b.Range(0, b.Size) }

// Range reads length bytes from the offset on.
func (b Truth) Range(offset, length int64) *io.SectionReader {
	return io.NewSectionReader(b, offset, length)
}

// ReadAt implements io.ReaderAt.
func (b Truth) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, fmt.Errorf("negative offset %d", offset)
	}
	n := 0
	for n < len(p) && offset < b.Size {
		wrote := b.copyBlock(p[n:], offset)
		n += wrote
		offset += int64(wrote)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// copyBlock copies what p takes of the rest of the block that the offset lies in, and tells how much that was.
func (b Truth) copyBlock(p []byte, offset int64) int {
	number, at := offset/truthBlock, int(offset%truthBlock)
	end := min(int64(truthBlock), b.Size-number*truthBlock, int64(at+len(p)))
	if at == 0 {
		b.fill(p[:end], number)
		return int(end)
	}
	var block [truthBlock]byte
	b.fill(block[:end], number)
	return copy(p, block[at:end])
}

func (b Truth) fill(p []byte, number int64) {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], b.Seed)
	binary.LittleEndian.PutUint64(seed[8:], uint64(number))
	_, _ = rand.NewChaCha8(seed).Read(p) // it never fails
}

// Bytes is the whole body in memory: for small ones.
func (b Truth) Bytes() []byte {
	all := make([]byte, b.Size)
	_, _ = b.ReadAt(all, 0) // it never fails within the size
	return all
}

// SHA256 is the body's checksum in hex.
func (b Truth) SHA256() string {
	sum := sha256.New()
	_, _ = io.Copy(sum, b.Reader()) // neither side fails
	return hex.EncodeToString(sum.Sum(nil))
}

// WriteFile writes the body to a file.
func (b Truth) WriteFile(t testing.TB, name string) {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(file, b.Reader()); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// Check reads got to its end and says where it is not the body: the first byte that differs, bytes missing or too
// many, or the reader's error. It needs little memory.
func (b Truth) Check(got io.Reader) error { return b.CheckRange(got, 0, b.Size) }

// CheckRange is Check for length bytes of the body from the offset on.
func (b Truth) CheckRange(got io.Reader, offset, length int64) error {
	want := b.Range(offset, length)
	gotBlock, wantBlock := make([]byte, checkBlock), make([]byte, checkBlock)
	for at := int64(0); ; {
		n, err := got.Read(gotBlock)
		m, _ := io.ReadFull(want, wantBlock[:n]) // fewer than n: more came than is wanted
		if i := firstDifference(gotBlock[:m], wantBlock[:m]); i >= 0 {
			return fmt.Errorf("byte %d is %#02x, not %#02x", offset+at+int64(i), gotBlock[i], wantBlock[i])
		}
		at += int64(m)
		switch {
		case n > m:
			return fmt.Errorf("more than the %d bytes wanted", length)
		case err == io.EOF && at < length:
			return fmt.Errorf("ends after %d bytes of %d", at, length)
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("after %d bytes of %d: %w", at, length, err)
		}
	}
}

func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}
