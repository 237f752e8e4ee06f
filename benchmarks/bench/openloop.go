package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"

	"mirrorgate/benchmarks/openloop"
)

// longest is the longest time that a histogram tells from longer ones.
const longest = time.Minute

// openLoop sends requests at a constant rate, whether those before are answered or not, and takes the time from when a
// request was due until its answer is there. A server that stalls is charged with all requests that had to wait
// meanwhile, as it is by clients who do not know of each other.
type openLoop struct {
	addr     string
	key      string
	size     int // of the answer's body
	clients  int // connections; a request that is due while all are busy waits for one, and its time runs
	interval time.Duration
	count    int
}

// run sends all requests and returns how long their answers took.
func (l openLoop) run(ctx context.Context) (*hdrhistogram.Histogram, error) {
	due := make(chan time.Time, l.count)
	parts := make([]*hdrhistogram.Histogram, l.clients)
	group, ctx := errgroup.WithContext(ctx)
	for i := range parts {
		parts[i] = newHistogram()
		group.Go(func() error { return l.client(ctx, due, parts[i]) })
	}
	group.Go(func() error { return openloop.Pace(ctx, l.interval, l.count, due) })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := newHistogram()
	for _, part := range parts {
		all.Merge(part)
	}
	return all, nil
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(int64(time.Microsecond), int64(longest), 3)
}

// client sends, over one connection, one request after the other of those that are due.
func (l openLoop) client(ctx context.Context, due <-chan time.Time, times *hdrhistogram.Histogram) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // which ends Read
	request := []byte("GET /" + l.key + " HTTP/1.1\r\nHost: " + l.addr + "\r\n\r\n")
	reader := bufio.NewReader(conn)
	var answer fasthttp.Response
	for at := range due {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		if err := answer.Read(reader); err != nil {
			return err
		}
		if answer.StatusCode() != fasthttp.StatusOK || len(answer.Body()) != l.size {
			return fmt.Errorf("status %d and %d bytes instead of the object", answer.StatusCode(), len(answer.Body()))
		}
		if err := times.RecordValue(int64(min(time.Since(at), longest))); err != nil {
			return err
		}
	}
	return nil
}
