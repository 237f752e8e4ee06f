package main

import (
	"bufio"
	"context"
	"errors"
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

// newFetcher connects to the address. The connection ends with ctx.
func newFetcher(ctx context.Context, addr string, buffer int) (*fetcher, error) {
	return newFetcherWith(ctx, net.Dialer{}, addr, buffer)
}

func newFetcherWith(ctx context.Context, dialer net.Dialer, addr string, buffer int) (*fetcher, error) {
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
	at, end := a.first(), a.first()+a.length()
	for first := true; at < end; first = false {
		n, err := f.some(o, at, end-at)
		if t.last = time.Since(began); first {
			t.first = t.last
		}
		if at += n; err != nil {
			return t, fmt.Errorf("%s: at byte %d: %w", key, at, err)
		}
	}
	return t, nil
}

// some reads bytes of the body, which is at an offset in the object.
func (f *fetcher) some(o object, at, most int64) (int64, error) {
	n, err := f.reader.Read(f.buffer[:min(int64(len(f.buffer)), most)])
	if !o.same(f.buffer[:n], at) {
		return 0, errors.New("wrong bytes")
	}
	return int64(n), err
}

// piece reads as much of the body.
func (f *fetcher) piece(o object, at, length int64) error {
	for end := at + length; at < end; {
		n, err := f.some(o, at, end-at)
		if at += n; err != nil {
			return fmt.Errorf("at byte %d: %w", at, err)
		}
	}
	return nil
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
