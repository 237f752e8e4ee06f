package shared

import (
	"context"
	"fmt"
	"testing"

	"mirrorgate/test/harness"
)

// TestForeign: what another program or version wrote is passed over, counted and left alone.
func TestForeign(t *testing.T) {
	t.Parallel()
	server := harness.StartRedis(t)
	f := newFleet(t, server.URL)
	m := f.run()
	other := f.run()
	counted := int64(0)
	more := func(n int64) {
		t.Helper()
		counted += n
		counts(m, counted)
	}
	lease := func(n int, write ...any) {
		t.Helper()
		name := m.names.lease(image(n))
		server.Do(t, append([]any{write[0], name}, write[1:]...)...)
		before := server.Do(t, "dump", name)
		m.claims(image(n), nil, "nothing")
		more(1)
		m.Dropped(image(n))
		m.Saved(image(n))
		<-other.saved // both are done
		if after := server.Do(t, "dump", name); after != before {
			t.Errorf("%v: the note was changed", write)
		}
	}
	lease(1, "set", "garbage")
	lease(2, "set", "\x00\xff")
	lease(3, "set", "2 member-9 p "+token+" -")
	lease(4, "set", "1 member-9 p "+token+" http://10.0.0.5/of/another/form")

	negative := func(n int, text string) {
		t.Helper()
		server.Do(t, "set", m.names.negative(image(n)), text)
		m.claims(image(n), nil, "lease").Lease.Release()
		more(1)
	}
	negative(11, "garbage")
	negative(12, "2 "+m.scope(scope)+" 404")
	server.Do(t, "set", m.names.negative(image(13)), "1 "+m.scope(scope)+" 999")
	m.claims(image(13), nil, "nothing")
	more(1)

	for _, message := range []string{"", "garbage", "1 m 6 5 assetsa.jpg", "2 m 6 6 assetsa.jpg"} {
		server.Do(t, "publish", m.names.drops(), message)
	}
	other.Saved(image(20)) // after them
	if got := <-m.saved; got != image(20) {
		t.Errorf("heard of %v", got)
	}
	more(4)
	if n := m.log.count("away"); n > 0 {
		t.Errorf("%d times it took this for an outage", n)
	}
}

// counts waits until so many foreign notes have been counted.
func counts(m *member, want int64) {
	m.t.Helper()
	harness.Eventually(m.t, soon, func() error {
		if n := m.link.foreign.Load(); n != want {
			return fmt.Errorf("%d foreign notes were counted, want %d", n, want)
		}
		return nil
	})
}

// TestForeignType: a note of another type is no outage either, however often it is met.
func TestForeignType(t *testing.T) {
	t.Parallel()
	server := harness.StartRedis(t)
	m, other := newFleet(t, server.URL).run(), newFleet(t, server.URL).run(func(o *Options) { o.Member = "other" })
	for i := range int64(3 * tripped) {
		id := image(int(i))
		name := []string{m.names.lease(id), m.names.negative(id)}[i%2]
		server.Do(t, "rpush", name, "somebody's")
		m.claims(id, nil, "nothing")
		counts(m, 2*i+1)
		m.Saved(id) // the others hear of it all the same
		if got := <-other.saved; got != id {
			t.Errorf("heard of %v", got)
		}
		if got := server.Do(t, "type", name); got != "list" {
			t.Errorf("the note was replaced by a %v", got)
		}
		counts(m, 2*i+2)
	}
	id := image(100)
	lease := m.claims(id, nil, "lease").Lease
	server.Do(t, "del", m.names.lease(id))
	server.Do(t, "rpush", m.names.lease(id), "somebody's")
	lease.Commit(t.Context())
	lease.Release()
	if lost := m.writer.lost.Load(); lost > 0 {
		t.Errorf("%d writes were lost", lost)
	}
	if m.link.isAway() || m.log.count("away") > 0 {
		t.Error("it took this for an outage")
	}
	err := m.link.do(t.Context(), func(ctx context.Context) error { return m.link.rdb.Get(ctx, m.names.lease(id)).Err() })
	if err != errForeign {
		t.Errorf("error %v", err)
	}
}
