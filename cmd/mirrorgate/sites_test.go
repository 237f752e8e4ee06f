package main

import (
	"testing"

	"mirrorgate/cache/shared"
)

// A request that comes back to another gateway of the fleet has come back, too. Elsewhere each gateway has an id of its
// own, which it keeps.
func TestLoopID(t *testing.T) {
	const secret = "0123456789abcdef"
	redis := shared.Addresses{"redis://127.0.0.1:6379"}
	f := func(one, other shared.Config, same bool) {
		t.Helper()
		dir := t.TempDir()
		id := idIn(t, one, dir)
		if len(id) != 32 || id != idIn(t, one, dir) {
			t.Errorf("%+v: the id is %q, and then another", one, id)
		}
		if got := id == idIn(t, other, t.TempDir()); got != same {
			t.Errorf("%+v and %+v have the same id: %v", one, other, got)
		}
	}
	f(shared.Config{}, shared.Config{}, false)
	f(shared.Config{Redis: redis, Secret: secret}, shared.Config{Redis: redis, Secret: secret}, true)
	f(shared.Config{Redis: redis, Secret: secret}, shared.Config{Redis: redis, Secret: secret + "0"}, false)
	f(shared.Config{Redis: redis}, shared.Config{Redis: redis}, false)
	f(shared.Config{Secret: secret}, shared.Config{Secret: secret}, false)
}

func idIn(t *testing.T, c shared.Config, dir string) string {
	t.Helper()
	id, err := loopID(c, dir)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
