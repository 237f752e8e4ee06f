package shared

import (
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A gateway whose machine does not answer is given up soon.
func TestPeerThatDoesNotAnswerItsDial(t *testing.T) {
	addr := overfull(t)
	began := time.Now()
	_, err := peersFor(t, testSecret, always).peer(testID(), "http://"+addr, "").Open(t.Context(), 0, "")
	if took := time.Since(began); !isGone(err) || took < 400*time.Millisecond || took > 5*time.Second {
		t.Errorf("%v after %s", err, took)
	}
}

// overfull returns an address that takes no more connections, and refuses none.
func overfull(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
	for range 100 {
		c, err := net.DialTimeout("tcp", addr, 200*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("it takes connections without end")
	return ""
}
