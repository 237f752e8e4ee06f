//go:build !linux

package bucket

import (
	"errors"
	"net"
)

// rawConn is for Linux only.
type rawConn struct{}

func newRawConn(*net.TCPConn) *rawConn { return nil }

func (*rawConn) ask(*readConn, []byte, []byte) (int, error) { return 0, errors.ErrUnsupported }

func (*rawConn) move(uintptr, int) (int, error) { return 0, errors.ErrUnsupported }

func (*rawConn) arrived() int { return 0 }

// poll finds nothing: what TLS has read already is found without it.
func (*quietConn) poll([]byte) (int, error) { return 0, errQuiet }
