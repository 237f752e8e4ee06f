package crash_test

import (
	"sync"
	"syscall"

	"mirrorgate/test/harness"
)

// shot is one kill. It may be fired from anywhere; the first time counts.
type shot struct {
	gateway *harness.Gateway
	once    sync.Once
	fired   chan struct{} // closed when the signal is sent
	dead    chan struct{} // closed when the gateway has ended
}

func newShot(g *harness.Gateway) *shot {
	return &shot{gateway: g, fired: make(chan struct{}), dead: make(chan struct{})}
}

// fire kills the gateway, and tells whether it was this call that did.
func (s *shot) fire() (first bool) {
	s.once.Do(func() {
		s.gateway.Signal(syscall.SIGKILL)
		close(s.fired)
		first = true
	})
	return first
}

// bury returns when the gateway has ended.
func (s *shot) bury() {
	s.gateway.Kill()
	close(s.dead)
}
