package origin

import (
	"compress/gzip"
	"fmt"
	"io"
	"strings"
)

// Body is what comes after the header. The zero value is an empty one.
type Body struct {
	Source       io.ReaderAt
	From, Length int64 // the part of the Source
	Gzip         bool

	Chunk     int    // data bytes in a chunk; 0: not chunked
	Extension string // of each chunk's size line
	Tail      string // written after it all, as it is: the last chunk and the trailers of a chunked body
}

// Text is a body that is written out.
func Text(s string) Body { return Body{Source: strings.NewReader(s), Length: int64(len(s))} }

// WriteTo writes the body in its codings.
func (b Body) writeTo(w io.Writer) error {
	if err := b.writeData(w); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.Tail)
	return err
}

func (b Body) writeData(w io.Writer) error {
	if b.Source == nil {
		return nil
	}
	var flush []func() error
	if b.Chunk > 0 {
		c := newChunker(w, b.Chunk, b.Extension)
		w, flush = c, append(flush, c.flush)
	}
	if b.Gzip {
		z := gzip.NewWriter(w)
		w, flush = z, append([]func() error{z.Close}, flush...)
	}
	buffer := make([]byte, copyBlock)
	if _, err := io.CopyBuffer(onlyWriter{w}, io.NewSectionReader(b.Source, b.From, b.Length), buffer); err != nil {
		return err
	}
	for _, f := range flush {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

const copyBlock = 64 << 10

// onlyWriter keeps io.Copy from ways around the buffer.
type onlyWriter struct{ io.Writer }

// codedAt is the position, framing included, of the Source's byte at the offset, which is not gzipped.
func (b Body) codedAt(offset int64) int64 {
	n := min(max(0, offset-b.From), b.Length)
	if b.Chunk == 0 {
		return n
	}
	size := int64(b.Chunk)
	at := n / size * (b.frame(size) + size + int64(len("\r\n")))
	if rest := n % size; rest > 0 {
		at += b.frame(min(size, b.Length-n+rest)) + rest
	}
	return at
}

// frame is the length of a size line.
func (b Body) frame(size int64) int64 { return int64(len(sizeLine(int(size), b.Extension))) }

func sizeLine(size int, extension string) string { return fmt.Sprintf("%x%s\r\n", size, extension) }

// chunker writes chunks of a size (RFC 9112 section 7.1), the last one shorter, and no end.
type chunker struct {
	w         io.Writer
	size      int
	extension string
	data      []byte
}

func newChunker(w io.Writer, size int, extension string) *chunker {
	return &chunker{w: w, size: size, extension: extension, data: make([]byte, 0, size)}
}

func (c *chunker) Write(p []byte) (int, error) {
	for n := 0; n < len(p); {
		took := min(len(p)-n, c.size-len(c.data))
		c.data = append(c.data, p[n:n+took]...)
		n += took
		if len(c.data) < c.size {
			break
		}
		if err := c.flush(); err != nil {
			return n, err
		}
	}
	return len(p), nil
}

func (c *chunker) flush() error {
	if len(c.data) == 0 {
		return nil
	}
	chunk := append([]byte(sizeLine(len(c.data), c.extension)), c.data...)
	c.data = c.data[:0]
	_, err := c.w.Write(append(chunk, "\r\n"...))
	return err
}
