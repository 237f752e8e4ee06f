package origin

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
)

// errChunks means that a body looks like chunks that nobody took apart.
var errChunks = errors.New("an HTTP/1.0 answer without a length whose body is in chunks (RFC 9112 section 6.1)")

// chunkless guards the body of an HTTP/1.0 answer without a length. Some servers send Transfer-Encoding: chunked with
// such an answer; net/http drops that field, since HTTP/1.0 does not know it, and gives the chunks' framing as bytes of
// the body. A body that begins like a chunk is refused: it may be a file that happens to begin so, but a client that
// gets an error is better off than one that gets wrong bytes.
type chunkless struct {
	io.ReadCloser
	looked bool
	head   []byte // looked at and not handed on
	err    error  // that came with it
}

func guardChunks(r *http.Response) {
	if r.ProtoMajor == 1 && r.ProtoMinor == 0 && !announced(r) {
		r.Body = &chunkless{ReadCloser: r.Body}
	}
}

// maxChunkLine is how many bytes of a body are looked at, at most.
const maxChunkLine = 64

// Read hands on what has been looked at only when it is certain that it is not a chunk's first line.
func (c *chunkless) Read(to []byte) (int, error) {
	if !c.looked {
		c.look()
	}
	if len(c.head) > 0 {
		n := copy(to, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	if c.err != nil {
		return 0, c.err
	}
	return c.ReadCloser.Read(to)
}

func (c *chunkless) look() {
	c.looked = true
	buf := make([]byte, maxChunkLine)
	for c.err == nil && len(c.head) < maxChunkLine && !bytes.Contains(c.head, []byte("\r\n")) {
		var n int
		n, c.err = c.ReadCloser.Read(buf[:maxChunkLine-len(c.head)])
		c.head = append(c.head, buf[:n]...)
	}
	if chunkLine(string(c.head)) {
		c.head, c.err = nil, errChunks
	}
}

// chunkLine tells whether s begins with the first line of a chunk: its size in hex, and perhaps extensions.
func chunkLine(s string) bool {
	line, _, ok := strings.Cut(s, "\r\n")
	size, _, _ := strings.Cut(line, ";")
	size = strings.TrimRight(size, " \t")
	return ok && size != "" && len(size) <= 16 && strings.Trim(size, "0123456789abcdefABCDEF") == ""
}
