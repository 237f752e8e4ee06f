package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// fetcher asks over one connection, one request after the other, and compares what it gets with the object.
type fetcher struct {
	conn   net.Conn
	reader *bufio.Reader
	buffer []byte
}

// Buffers of fetchers, in bytes.
const (
	largeBuffer = 256 << 10
	smallBuffer = 4 << 10 // where there are thousands of them
)

// newFetcher connects to the address, from one of this machine's own. The connection ends with ctx.
func newFetcher(ctx context.Context, addr, from string, buffer int) (*fetcher, error) {
	dialer := net.Dialer{}
	if from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() }) // which ends Read
	return &fetcher{conn: conn, reader: bufio.NewReaderSize(conn, smallBuffer), buffer: make([]byte, buffer)}, nil
}

func (f *fetcher) close() { _ = f.conn.Close() } // nothing is under way

// timing is how long it took from the request on.
type timing struct {
	first time.Duration // until bytes of the body were there
	last  time.Duration // until all were
}

// fetch asks for the key, and wants what a asks for of the object.
func (f *fetcher) fetch(key string, a ask, o object) (t timing, err error) {
	began := time.Now()
	if err := f.ask(key, a); err != nil {
		return t, err
	}
	for at, end := a.first(), a.first()+a.length(); at < end; {
		n, err := f.reader.Read(f.buffer[:min(int64(len(f.buffer)), end-at)])
		if t.last = time.Since(began); t.first == 0 {
			t.first = t.last
		}
		if !o.same(f.buffer[:n], at) {
			return t, fmt.Errorf("%s: wrong bytes at %d", key, at)
		}
		if at += int64(n); err != nil {
			return t, fmt.Errorf("%s: cut at byte %d: %w", key, at, err)
		}
	}
	return t, nil
}

// ask sends the request and reads the header of the answer.
func (f *fetcher) ask(key string, a ask) error {
	headers := a.headers()
	if a.host == "" {
		headers = append(headers, "Host: "+f.conn.RemoteAddr().String())
	}
	request := "GET /" + key + " HTTP/1.1\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n"
	if _, err := f.conn.Write([]byte(request)); err != nil {
		return err
	}
	var header fasthttp.ResponseHeader
	if err := header.Read(f.reader); err != nil {
		return err
	}
	if header.StatusCode() != a.status() || int64(header.ContentLength()) != a.length() {
		return fmt.Errorf("%s: status %d and Content-Length %d", key, header.StatusCode(), header.ContentLength())
	}
	return nil
}
