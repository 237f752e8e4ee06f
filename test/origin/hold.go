package origin

import (
	"context"
	"sync"
)

// BeforeHead is where Server.Hold keeps answers that have not begun.
const BeforeHead int64 = -1

// Gate keeps answers back, all those that come to it, until it is released. See Server.Hold.
type Gate struct {
	path   string
	at     int64
	opened chan struct{}
	open   func()
}

func newGate(path string, at int64) *Gate {
	g := &Gate{path: path, at: at, opened: make(chan struct{})}
	g.open = sync.OnceFunc(func() { close(g.opened) })
	return g
}

// Release lets all answers pass, those that wait and those that come. It may be called again.
func (g *Gate) Release() { g.open() }

// holds are the gates and stalls of an origin.
type holds struct {
	mu       sync.Mutex
	gates    []*Gate
	released map[string]*Gate // stalls, by path
}

func newHolds() *holds { return &holds{released: map[string]*Gate{}} }

func (h *holds) add(path string, at int64) *Gate {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := newGate(path, at)
	h.gates = append(h.gates, g)
	return g
}

// of returns the gates on the way of an answer for the path.
func (h *holds) of(path string) []*Gate {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []*Gate
	for _, g := range h.gates {
		if g.path == "" || g.path == path {
			found = append(found, g)
		}
	}
	return found
}

// stall is what the stalls of a path wait for.
func (h *holds) stall(path string) *Gate {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released[path] == nil {
		h.released[path] = newGate(path, 0)
	}
	return h.released[path]
}

// apply puts the gates of the request's path on the answer's way.
func (h *holds) apply(r *Request, a *Answer) {
	for _, g := range h.of(r.Path) {
		switch {
		case g.at < 0:
			a.Head.Stops = append(a.Head.Stops, Stop{At: 0, gate: g})
		case g.at >= a.Body.From && g.at <= a.Body.From+a.Body.Length:
			a.Coded.Stops = append(a.Coded.Stops, Stop{At: a.Body.codedAt(g.at), gate: g})
		}
	}
}

// wait is the pause at a stop.
func (h *holds) wait(ctx context.Context, path string, stop Stop) error {
	switch {
	case stop.gate != nil:
		return sleep(ctx, 0, stop.gate.opened)
	case stop.For > 0:
		return sleep(ctx, stop.For, nil)
	default:
		return sleep(ctx, 0, h.stall(path).opened)
	}
}
