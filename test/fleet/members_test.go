package fleet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// watch is how long it is watched that nothing is said, or said again: longer than gateways take to look at each other.
const watch = 7 * time.Second

// TestMembers: gateways that cannot act as one as they should say so, each of them, once, and name who is meant.
func TestMembers(t *testing.T) {
	t.Parallel()
	s := newStage(t, harness.StartRedis(t).URL)
	t.Run("alike", func(t *testing.T) {
		t.Parallel()
		f := s.start(t, settings{members: few, secret: "alike"})
		<-time.After(watch)
		for n, m := range f.members {
			if lines := m.lines(t, "level=WARN"); len(lines) > 0 {
				t.Errorf("gateway %d warns: %s", n, lines)
			}
		}
	})
	t.Run("different", func(t *testing.T) {
		t.Parallel()
		change := func(n int, config string) string {
			if n == 0 {
				config = strings.Replace(config, "negative_ttl: 5s", "negative_ttl: 6s", 1)
			}
			return config
		}
		f := s.start(t, settings{members: few, secret: "different", change: change})
		odd := f.members[0].id(t)
		f.warns(t, f.members[0], "configuration", f.members[1].id(t), f.members[2].id(t))
		f.warns(t, f.members[1], "configuration", odd)
		f.warns(t, f.members[2], "configuration", odd)
		f.notAgain(t, "configuration")
	})
	t.Run("one address", func(t *testing.T) {
		t.Parallel()
		address := "http://" + harness.FreeAddr(t)
		f := s.start(t, settings{members: 2, secret: "address", advertise: func(int) string { return address }})
		for _, m := range f.members {
			f.warns(t, m, address, f.members[0].id(t), f.members[1].id(t))
		}
		f.notAgain(t, address)
	})
}

// warns waits until a gateway has warned with all these texts, in one or several lines.
func (f *fleet) warns(t *testing.T, m *member, about string, names ...string) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		said := strings.Join(m.lines(t, "level=WARN", about), "")
		for _, name := range names {
			if !strings.Contains(said, name) {
				return fmt.Errorf("no warning about %s names %s: %s", about, name, said)
			}
		}
		return nil
	})
}

// notAgain fails the test if a gateway repeats its warnings, of which one is due at a change of who is there.
func (f *fleet) notAgain(t *testing.T, about string) {
	t.Helper()
	said := f.said(t, about)
	<-time.After(watch)
	for n, times := range f.said(t, about) {
		if times > said[n] {
			t.Errorf("gateway %d has warned %d times, and %d times a while before", n, times, said[n])
		}
	}
}
