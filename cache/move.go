package cache

import "io"

// SocketBody is a Body whose bytes come from a socket, which the kernel can move into a pipe (splice) without passing
// them through this process. It is for one goroutine.
type SocketBody interface {
	io.ReadCloser

	// Buffered is how many bytes of the body have been read from the socket already. Read gives them, and only them,
	// without waiting; SpliceTo may be called once there are none.
	Buffered() int

	// Arrived is how many bytes have come to the socket that are not read yet: SpliceTo and Read give some of them
	// without waiting. It may count what comes behind the body.
	Arrived() int

	// SpliceTo moves up to max bytes of the body into the pipe whose writing end is fd, which has room for at least one.
	// It waits for bytes as long as Read would. Like Read it returns what it moved, io.EOF after the body's last byte or
	// together with it, and the same errors for a body that is cut; 0 and nil mean that the pipe took nothing.
	SpliceTo(fd uintptr, max int) (int, error)
}

// FileBody is a Body that is a part of a file, which the kernel can send (sendfile) without passing it through this
// process. It is for one goroutine.
type FileBody interface {
	io.ReadCloser

	// SendTo sends up to max bytes of the body to the socket fd, which does not block: a socket that takes nothing is
	// syscall.EAGAIN. Like Read it returns what it moved, io.EOF after the body's last byte or together with it, and the
	// same errors for a file that was changed or cut.
	SendTo(fd uintptr, max int) (int, error)
}
