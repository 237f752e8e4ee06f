package cache

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestGates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, a, b := newGates("limits.x", 2), ID{"s", "a"}, ID{"s", "b"}
		enter := func(id ID, wait time.Duration) func() {
			t.Helper()
			leave, err := g.enter(t.Context(), id, wait)
			if err != nil {
				t.Fatalf("%v: %v", id, err)
			}
			return leave
		}
		busy := func(id ID, wait time.Duration) {
			t.Helper()
			began := time.Now()
			var busy *BusyError
			_, err := g.enter(t.Context(), id, wait)
			if !errors.As(err, &busy) || busy.Setting != "limits.x" || time.Since(began) != wait {
				t.Errorf("got %v after %v", err, time.Since(began))
			}
		}
		one, two := enter(a, 0), enter(a, 0)
		busy(a, 0)
		busy(a, 3*time.Second)
		other := enter(b, 0) // has a gate of its own
		time.AfterFunc(time.Second, one)
		three := enter(a, 2*time.Second)
		busy(a, 0)
		for _, leave := range []func(){two, three, other} {
			leave()
		}
		synctest.Wait() // for one, whose place three took before it had left
		if len(g.open) != 0 {
			t.Errorf("%d gates that nobody uses take memory", len(g.open))
		}
	})
}

func TestGatesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGates("limits.x", 1)
		leave, err := g.enter(t.Context(), ID{"s", "a"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := g.enter(ctx, ID{"s", "a"}, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		leave()
		if len(g.open) != 0 {
			t.Errorf("%d gates are left", len(g.open))
		}
	})
}
