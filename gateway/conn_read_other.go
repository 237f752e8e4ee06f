//go:build !linux

package gateway

import (
	"net"
	"time"
)

// readsAhead tells that a read of one byte is a system call of its own here.
const readsAhead = false

// inlet receives from a client.
type inlet struct{ socket *net.TCPConn }

func (i *inlet) open(socket *net.TCPConn) error {
	i.socket = socket
	return nil
}

func (i *inlet) setDeadline(t time.Time) error { return i.socket.SetReadDeadline(t) }

func (i *inlet) read(p []byte) (int, error) { return i.socket.Read(p) }
