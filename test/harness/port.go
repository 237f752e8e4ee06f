package harness

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Ports given out lie below the range that the kernel takes for outgoing connections: between the moment a port is
// given out and the moment a server listens on it, no connection of another test can take it.
const (
	firstPort = 20000
	lastPort  = 31999
)

// FreePort returns a TCP port of 127.0.0.1 that nobody listens on, and keeps it from every other test, also those of
// other processes of this user, until t ends: a server may be stopped and started again on it.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		reservation, ok := reserve(t, port)
		if !ok {
			continue
		}
		t.Cleanup(func() { reservation.Close() })
		return port
	}
	t.Fatalf("no free port between %d and %d", firstPort, lastPort)
	return 0
}

// FreeAddr is FreePort as "127.0.0.1:port".
func FreeAddr(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", FreePort(t))
}

// reserve locks the port's byte in a file that all tests of this user share. The lock belongs to the open file, so that
// it also holds within this process, and ends with the process in any case.
func reserve(t testing.TB, port int) (io.Closer, bool) {
	t.Helper()
	name := filepath.Join(os.TempDir(), fmt.Sprintf("mirrorgate-test-ports-%d", os.Getuid()))
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatalf("reserving a port: %v", err)
	}
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: int64(port), Len: 1}
	if syscall.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, &lock) != nil || !free(port) {
		file.Close()
		return nil, false
	}
	return file, true
}

func free(port int) bool {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}
