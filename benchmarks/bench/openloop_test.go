package main

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// serveObject answers every request with so many bytes; before is called for each.
func serveObject(t *testing.T, size int, before func()) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	answer := append([]byte("HTTP/1.1 200 OK\r\nContent-Length: "+strconv.Itoa(size)+"\r\n\r\n"), make([]byte, size)...)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for r := bufio.NewReader(c); ; {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					before()
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// A server that stalls once delays all requests that were due meanwhile, not only the one that it was asked then.
func TestOpenLoopChargesStall(t *testing.T) {
	const stall = 500 * time.Millisecond
	stalled := false
	addr := serveObject(t, 10, func() {
		if !stalled { // there is one connection
			stalled = true
			<-time.After(stall)
		}
	})
	load := openLoop{addr: addr, key: "x", size: 10, clients: 1, interval: 10 * time.Millisecond, count: 100}
	began := time.Now()
	times, err := load.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 990*time.Millisecond {
		t.Errorf("100 requests, each 10 ms after the one before, took %v", took)
	}
	if n := times.TotalCount(); n != 100 {
		t.Errorf("%d answers, not 100", n)
	}
	// Of the 50 that were due during the stall the first waited for all of it, the 25th for half of it.
	if got := time.Duration(times.ValueAtQuantile(75)); got < stall/2-20*time.Millisecond {
		t.Errorf("a quarter of the answers took %v and more, and yet the server stalled for %v", got, stall)
	}
	if got := time.Duration(times.Max()); got < stall-10*time.Millisecond {
		t.Errorf("the longest answer took %v, and the server stalled for %v", got, stall)
	}
}

func TestOpenLoopFails(t *testing.T) {
	addr := serveObject(t, 10, func() {})
	load := openLoop{addr: addr, key: "x", size: 11, clients: 2, interval: time.Millisecond, count: 100}
	if _, err := load.run(t.Context()); err == nil {
		t.Error("a body of another length is no error")
	}
	forever := make(chan struct{})
	defer close(forever)
	load.addr = serveObject(t, 11, func() { <-forever })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := load.run(ctx); err == nil {
		t.Error("it ended without an answer, and without an error")
	}
}
