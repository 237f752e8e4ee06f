package cache_test

import (
	"io"
	"testing"

	"mirrorgate/cache"
)

// Announce notes what a draft is said to become.
func (d *draft) Announce(e cache.Entry) {
	d.spool.mu.Lock()
	defer d.spool.mu.Unlock()
	d.spool.announced = append(d.spool.announced, e)
}

// What a body is going to be is announced before its first byte, if it is known, and will be kept whatever it says.
func TestFillAnnounces(t *testing.T) {
	f := func(name string, size int, announces bool, change func(r *rig)) {
		t.Run(name, func(t *testing.T) {
			eachSpool(t, func(t *testing.T, r *rig) {
				change(r)
				w := newWire()
				c := r.client("k", r.pulls(w, size, nil))
				got := r.spool.announced
				if announces != (len(got) == 1) {
					t.Fatalf("announced %+v", got)
				}
				w.send("data")
				w.finish(io.EOF)
				c.wants(t, "data")
				if !announces {
					return
				}
				said, kept := got[0], r.spool.committed()[0]
				said.Meta.Origin.MD5 = kept.Meta.Origin.MD5 // which only the end shows
				if said.ID != kept.ID || said.Meta.Size != 4 || said.Meta.Origin != kept.Meta.Origin {
					t.Errorf("announced %+v, committed %+v", said, kept)
				}
			})
		})
	}
	f("of known size", 4, true, func(*rig) {})
	f("of unknown size", -1, false, func(*rig) {})
	f("not to be saved", 4, false, func(r *rig) { r.site.Save = false })
}
