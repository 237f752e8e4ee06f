package accesslog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxLine bounds a line of a log, in bytes.
const maxLine = 1 << 20

// Format is how the lines are written.
type Format string

// The formats.
const (
	Auto     Format = "auto"     // JSON if the first line begins with "{", else combined
	Combined Format = "combined" // and common
	JSON     Format = "json"
	List     Format = "list" // URLs or paths, one a line
)

// Reader reads a log from its beginning. It is used by one goroutine.
type Reader struct {
	Skipped map[Skip]int // lines up to now that are no request to send

	name   string
	format Format
	lines  *bufio.Scanner
	line   int
}

// NewReader reads a log; the name is for messages. It looks at the beginning, and unpacks what is compressed.
func NewReader(name string, r io.Reader, format Format) (*Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("%s: it begins as gzip does, and is none: %w", name, err)
		}
		in = bufio.NewReaderSize(unpacked, 64<<10)
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 4<<10), maxLine)
	return &Reader{Skipped: make(map[Skip]int), name: name, format: format, lines: lines}, nil
}

// LineError is a line that is not of the log's format.
type LineError struct {
	Name string
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s, line %d: %v", e.Name, e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// Next returns the next request; io.EOF after the last one. After a LineError it goes on behind that line.
func (r *Reader) Next() (Request, error) {
	for r.lines.Scan() {
		r.line++
		line := strings.TrimRight(r.lines.Text(), "\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		request := Request{Line: r.line}
		skip, err := r.parse(line, &request)
		switch {
		case err != nil:
			return request, &LineError{r.name, r.line, err}
		case skip == "":
			return request, nil
		case skip != comment:
			r.Skipped[skip]++
		}
	}
	return Request{}, r.end()
}

// end says why there are no more lines.
func (r *Reader) end() error {
	switch err := r.lines.Err(); {
	case err == nil:
		return io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("%s, line %d: longer than %d bytes: is it a log?", r.name, r.line+1, maxLine)
	default:
		return fmt.Errorf("%s, after line %d: %w", r.name, r.line, err)
	}
}

func (r *Reader) parse(line string, into *Request) (Skip, error) {
	if r.format == Auto {
		r.format = Combined
		if strings.HasPrefix(line, "{") {
			r.format = JSON
		}
	}
	switch r.format {
	case JSON:
		return parseJSON(line, into)
	case List:
		return parseList(line, into)
	default:
		return parseCombined(line, into)
	}
}
