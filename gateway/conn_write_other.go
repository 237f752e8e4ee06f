//go:build !linux

package gateway

import (
	"net"
	"time"
)

// writePiece is how many bytes are written under one deadline.
const writePiece = 16 << 10

// outlet sends to a client, each piece under a deadline of its own. One goroutine at a time may use it.
type outlet struct {
	socket *net.TCPConn
	pace   pace
	stall  time.Duration
}

func (o *outlet) open(socket *net.TCPConn, pace pace, stall time.Duration) error {
	o.socket, o.pace, o.stall = socket, pace, stall
	return nil
}

// joinNext is of no use here.
func (*outlet) joinNext() {}

func (o *outlet) write(p []byte) (written int, err error) {
	for {
		began := time.Now()
		if err := o.socket.SetWriteDeadline(began.Add(o.stall)); err != nil {
			return written, err
		}
		n, err := o.socket.Write(p[written:min(len(p), written+writePiece)])
		written += n
		if err == nil {
			err = o.pace.add(n, time.Since(began))
		}
		if err != nil || written == len(p) {
			return written, err
		}
	}
}
