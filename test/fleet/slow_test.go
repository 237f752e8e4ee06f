package fleet_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// line stands between gateways and Redis, and can make the way back long.
type line struct {
	url   string
	to    string
	delay atomic.Int64 // nanoseconds before each piece that Redis sends

	mu    sync.Mutex
	conns []net.Conn
}

// startLine leads to a server.
func startLine(t *testing.T, addr string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{url: "redis://" + listener.Addr().String(), to: addr}
	ctx := t.Context()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { l.serve(ctx, conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		l.cut()
		running.Wait()
	})
	return l
}

// serve carries one connection, and ends when one of its ends does.
func (l *line) serve(ctx context.Context, from net.Conn) {
	defer from.Close()
	to, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer to.Close()
	l.mu.Lock()
	l.conns = append(l.conns, from, to)
	l.mu.Unlock()
	var back sync.WaitGroup
	back.Go(func() {
		carry(from, to, func() { wait(ctx, time.Duration(l.delay.Load())) })
		from.Close()
	})
	carry(to, from, func() {})
	to.Close()
	back.Wait()
}

// carry copies, with a pause before each piece.
func carry(to, from net.Conn, pause func()) {
	piece := make([]byte, 64*kib)
	for {
		n, err := from.Read(piece)
		if n > 0 {
			pause()
			_, failed := to.Write(piece[:n])
			if failed != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cut ends all connections.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		conn.Close()
	}
}

// slow is the fault of a Redis that takes long, though not so long that it counts as away.
func (l *line) slow() fault {
	const takes = 100 * time.Millisecond
	return fault{
		name:  "slow",
		begin: func(*testing.T) { l.delay.Store(int64(takes)) },
		over:  func(*testing.T) { l.delay.Store(0) },
	}
}
