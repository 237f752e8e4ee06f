package buckettest

import (
	"context"
	"errors"
	"io"
	"sync"

	"mirrorgate/cache"
)

// Growing is a body that arrives while it is put.
type Growing struct {
	data  []byte
	asked chan struct{} // closed when Proven is called first

	mu      sync.Mutex
	changed sync.Cond
	arrived int
	broken  error // no more bytes come
	verdict error
	decided chan struct{}
	once    sync.Once
}

var _ cache.Proof = (*Growing)(nil)

// NewGrowing returns a body of which nothing has come.
func NewGrowing(data []byte) *Growing {
	g := &Growing{data: data, asked: make(chan struct{}), decided: make(chan struct{})}
	g.changed.L = &g.mu
	return g
}

// Grow lets the bytes up to n arrive.
func (g *Growing) Grow(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.arrived = n
	g.changed.Broadcast()
}

// Break ends the growth.
func (g *Growing) Break(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.broken = err
	g.changed.Broadcast()
}

// Decide says whether the end is proven. It is called once.
func (g *Growing) Decide(verdict error) {
	g.verdict = verdict
	close(g.decided)
}

// Asked is closed when somebody waits for the proof.
func (g *Growing) Asked() <-chan struct{} { return g.asked }

// ReadAt waits for the bytes.
func (g *Growing) ReadAt(p []byte, off int64) (int, error) {
	end := min(int(off)+len(p), len(g.data))
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.arrived < end && g.broken == nil {
		g.changed.Wait()
	}
	n := copy(p, g.data[min(int(off), g.arrived):min(end, g.arrived)])
	switch {
	case n == len(p):
		return n, nil
	case g.arrived < end:
		return n, g.broken
	}
	return n, io.EOF
}

// Proven waits for Decide.
func (g *Growing) Proven(ctx context.Context) error {
	g.once.Do(func() { close(g.asked) })
	select {
	case <-g.decided:
		return g.verdict
	case <-ctx.Done():
		return ctx.Err()
	}
}

// growSizes are those of a small object and of a large one.
func (s suite) growSizes() map[string]int64 {
	return map[string]int64{"small": 100_000, "large": s.keeps.large(), "empty": 0}
}

// putGrowing begins to put body, and gives the channel of its end.
func (s suite) putGrowing(ctx context.Context, key string, body *Growing, ifMatch string) <-chan error {
	done := make(chan error, 1)
	meta := cache.Meta{Size: int64(len(body.data)), ContentType: "text/plain"}
	go func() { done <- s.bucket.Put(ctx, key, body, meta, cache.PutOptions{IfMatch: ifMatch}) }()
	return done
}

// growingProven shows that an object appears when its end is proven, and not before.
func (s suite) growingProven() {
	for key, size := range s.growSizes() {
		body := NewGrowing(randomBytes(30, size))
		done := s.putGrowing(s.Context(), key, body, "")
		body.Grow(int(size / 2))
		s.absentAfter("half a body", key)
		body.Grow(int(size))
		select {
		case <-body.Asked():
		case err := <-done:
			s.Fatalf("%s: put ended without asking for the proof: %v", key, err)
		}
		s.absentAfter("a body without proof", key)
		body.Decide(nil)
		if err := <-done; err != nil {
			s.Fatalf("%s: put: %v", key, err)
		}
		s.holds(key, body.data)
	}
}

var errUnproven = errors.New("the origin sent something else")

// growingUnproven shows that a body whose end is not proven, that breaks off, or that is given up changes nothing.
func (s suite) growingUnproven() {
	s.put("old", []byte("old"))
	tag := s.etag("old")
	for name, size := range s.growSizes() {
		unproven := NewGrowing(randomBytes(31, size))
		unproven.Grow(int(size))
		unproven.Decide(errUnproven)
		s.isOneOf(name+" unproven", <-s.putGrowing(s.Context(), name, unproven, ""), errUnproven)
		s.isOneOf(name+" unproven", <-s.putGrowing(s.Context(), "old", unproven, tag), errUnproven)

		if size > 0 {
			broken := NewGrowing(randomBytes(32, size))
			broken.Grow(int(size - 1))
			broken.Break(errBroken)
			s.isOneOf(name+" broken", <-s.putGrowing(s.Context(), name, broken, ""), errBroken)
		}

		s.leftUnproven(name, size)
		s.absentAfter("bodies without proof", name)
	}
	s.holds("old", []byte("old"))
}

// leftUnproven ends the put that waits for the proof.
func (s suite) leftUnproven(key string, size int64) {
	s.Helper()
	left := NewGrowing(randomBytes(33, size))
	left.Grow(int(size))
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	done := s.putGrowing(ctx, key, left, "")
	select {
	case <-left.Asked():
	case err := <-done:
		s.Fatalf("%s: put ended without asking for the proof: %v", key, err)
	}
	cancel()
	if err := <-done; err == nil || errors.Is(err, cache.ErrPrecondition) {
		s.Errorf("%s given up: got error %v", key, err)
	}
}
