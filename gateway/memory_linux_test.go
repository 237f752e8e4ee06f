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
// header, and no larger than a segment on loopback.
func TestHeaderJoinsBodyFromMemory(t *testing.T) {
	const size = 48 << 10
	addr := serve(t, holding(t, size), cache.DefaultMemory())
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	dial := func(context.Context, string, string) (net.Conn, error) { return c, nil }
	client := &http.Client{Transport: &http.Transport{DialContext: dial}}
	var n uint32
	for range 50 { // the connection grows, and may send larger segments
		before := segmentsOf(t, c)
		answer, err := client.Get("http://" + addr + "/images/a.jpg")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(answer.Body); len(got) != size || errors.Join(err, answer.Body.Close()) != nil {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		n = segmentsOf(t, c) - before
	}
	if n != 1 {
		t.Errorf("%d segments", n)
	}
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
