package cache_test

import (
	"context"
	"strconv"
	"testing"

	"mirrorgate/cache"
)

// Keeps implements cache.Fleet.
func (c *citizen) Keeps(context.Context, cache.ID) {
	c.said("keep " + strconv.Itoa(len(c.spool.committed())))
}

// A pull that nobody was asked about, or could tell of, is noted all the same before it is committed: its gateway may be
// lost with it.
func TestPullWithoutLeaseIsNoted(t *testing.T) {
	eachTown(t, 1, func(t *testing.T, at []*citizen) {
		at[0].town.silent = true
		at[0].client("k", at[0].answers("data")).wants(t, "data")
		at[0].client("not kept", at[0].answers("data", func(p *cache.Pull) { p.Reason = "no-store" })).wants(t, "data")
		if said := at[0].told(); len(said) != 1 || said[0] != "keep 0" {
			t.Errorf("it said %q", said)
		}
	})
}
