package gateway_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"golang.org/x/sys/unix"

	"mirrorgate/cache"
)

// The header of a medium body from memory leaves as one segment with it: larger than what is copied to go with the
// header, and no larger than a segment on loopback. A connection has to grow before it takes segments of that size, and
// on a busy machine may stay at two pieces: then the next one is tried.
func TestHeaderJoinsBodyFromMemory(t *testing.T) {
	addr := serve(t, holding(t, joinedSize), cache.DefaultMemory())
	for range 5 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		dial := func(context.Context, string, string) (net.Conn, error) { return c, nil }
		client := &http.Client{Transport: &http.Transport{DialContext: dial}}
		for range 50 {
			if segmentsOfHit(t, client, c, addr) == 1 {
				return
			}
		}
	}
	t.Error("no answer came in one segment")
}

const joinedSize = 48 << 10

// segmentsOfHit asks for the object over c, and returns in how many segments it came.
func segmentsOfHit(t *testing.T, client *http.Client, c net.Conn, addr string) uint32 {
	t.Helper()
	before := segmentsOf(t, c)
	answer, err := client.Get("http://" + addr + "/images/a.jpg")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(answer.Body); len(got) != joinedSize || errors.Join(err, answer.Body.Close()) != nil {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	return segmentsOf(t, c) - before
}

// segmentsOf is how many segments with bytes have come to c.
func segmentsOf(t *testing.T, c net.Conn) uint32 {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var info *unix.TCPInfo
	failed := raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if err := errors.Join(failed, err); err != nil {
		t.Fatal(err)
	}
	return info.Data_segs_in
}
