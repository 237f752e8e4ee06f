package faults_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
)

// part is what a client asks for of the herd's object.
type part struct {
	header        string // another line of the request
	status        int    // that is due
	start, length int    // bytes
}

func (h *herd) whole() part { return part{status: http.StatusOK, length: len(h.body)} }

// bytes are those that are due.
func (h *herd) bytes(p part) []byte { return h.body[p.start : p.start+p.length] }

// get asks for a part, and reads and compares it to its end.
func (h *herd) get(conn net.Conn, p part) error {
	body, err := h.begin(conn, p)
	if err != nil {
		return err
	}
	return finish(body, h.bytes(p))
}

// take asks for the whole, and reads and compares its first bytes.
func (h *herd) take(conn net.Conn, length int) error {
	body, err := h.begin(conn, h.whole())
	if err != nil {
		return err
	}
	return compare(body, h.body[:length])
}

// begin asks for a part and compares the head of the answer. Its body belongs to the connection and needs no Close.
func (h *herd) begin(conn net.Conn, p part) (body io.Reader, err error) {
	_, err = fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n", h.key, siteHost, p.header)
	if err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != p.status || response.ContentLength != int64(p.length) {
		return nil, fmt.Errorf("status %d, length %d, not %d and %d",
			response.StatusCode, response.ContentLength, p.status, p.length)
	}
	want := ""
	if p.status == http.StatusPartialContent {
		want = fmt.Sprintf("bytes %d-%d/%d", p.start, p.start+p.length-1, len(h.body))
	}
	if got := response.Header.Get("Content-Range"); got != want {
		return nil, fmt.Errorf("Content-Range %q, not %q", got, want)
	}
	return response.Body, nil
}

// finish compares what is left of a body, which ends there.
func finish(body io.Reader, want []byte) error {
	if err := compare(body, want); err != nil {
		return err
	}
	if _, err := body.Read(make([]byte, 1)); err != io.EOF {
		return fmt.Errorf("the body does not end where it should: %w", err)
	}
	return nil
}

// compare reads what is wanted, with little memory. It does without bytes.Equal, of which the race detector marks every
// byte as read: that costs 30 times as much, and a herd has many bytes.
func compare(got io.Reader, want []byte) error {
	buffer := make([]byte, 64<<10)
	for at := 0; at < len(want); {
		block := buffer[:min(len(buffer), len(want)-at)]
		if n, err := io.ReadFull(got, block); err != nil {
			return fmt.Errorf("the body ends at %d of %d: %w", at+n, len(want), err)
		}
		if order := bytes.Compare(block, want[at:at+len(block)]); order != 0 {
			return fmt.Errorf("other bytes within %d of byte %d", len(block), at)
		}
		at += len(block)
	}
	return nil
}
