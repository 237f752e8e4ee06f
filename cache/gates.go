package cache

import (
	"context"
	"sync"
	"time"
)

// gates bound how much goes on at one time for each key. What is not in use takes no memory.
type gates struct {
	setting string // the bound's name, for errors
	width   int

	mu   sync.Mutex
	open map[ID]*gate
}

type gate struct {
	slots chan struct{}
	users int // inside or waiting
}

func newGates(setting string, width int) *gates {
	return &gates{setting: setting, width: width, open: make(map[ID]*gate)}
}

// enter waits for a place at the gate of id, and returns how to give it back. Without one in time: *BusyError.
func (g *gates) enter(ctx context.Context, id ID, wait time.Duration) (leave func(), err error) {
	at := g.use(id)
	err = acquire(ctx, at.slots, wait, g.setting)
	if err != nil {
		g.drop(id, at)
		return nil, err
	}
	return func() {
		<-at.slots
		g.drop(id, at)
	}, nil
}

func (g *gates) use(id ID) *gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	at, ok := g.open[id]
	if !ok {
		at = &gate{slots: make(chan struct{}, g.width)}
		g.open[id] = at
	}
	at.users++
	return at
}

func (g *gates) drop(id ID, at *gate) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at.users--; at.users == 0 {
		delete(g.open, id)
	}
}

// acquire takes one of slots, waiting for it at most for wait.
func acquire(ctx context.Context, slots chan struct{}, wait time.Duration, setting string) error {
	select {
	case slots <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case slots <- struct{}{}:
		return nil
	case <-timer.C:
		return &BusyError{Setting: setting}
	case <-ctx.Done():
		return ctx.Err()
	}
}
