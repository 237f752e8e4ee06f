package fleet_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// watch is how long it is watched that nothing is said, or said again: longer than gateways take to look at each other.
const watch = 7 * time.Second

// TestMembers: gateways that cannot act as one as they should say so, each of them, once, and name who is meant. Those that
// can say nothing.
func TestMembers(t *testing.T) {
	t.Parallel()
	s := newStage(t, harness.StartRedis(t).URL)
	another := func(n int, config string) string {
		if n == 0 {
			config = strings.Replace(config, "negative_ttl: 5s", "negative_ttl: 6s", 1)
		}
		return config
	}
	address := "http://" + harness.FreeAddr(t)
	alike := s.start(t, settings{members: few, secret: "alike"})
	different := s.start(t, settings{members: few, secret: "different", change: another})
	shared := s.start(t, settings{members: 2, secret: "address", advertise: func(int) string { return address }})
	for _, m := range different.members { // the others of one kind need not be named one by one
		different.warns(t, m, "configuration", different.members[0].id(t), m.id(t))
	}
	for _, m := range shared.members {
		shared.warns(t, m, address, shared.members[0].id(t), shared.members[1].id(t))
	}
	before := different.said(t, "configuration")
	same := shared.said(t, address)
	<-time.After(watch)
	for n, m := range alike.members {
		if lines := m.lines(t, "level=WARN"); len(lines) > 0 {
			t.Errorf("gateway %d of those that are alike warns: %s", n, lines)
		}
	}
	if after := different.said(t, "configuration"); !slices.Equal(after, before) {
		t.Errorf("gateways have warned of configurations %v times, and %v times a while before", after, before)
	}
	if after := shared.said(t, address); !slices.Equal(after, same) {
		t.Errorf("gateways have warned of an address %v times, and %v times a while before", after, same)
	}
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
