package cache_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"

	"mirrorgate/cache"
)

// mired is a citizen to whom no other gives more than so many bytes of an object, however often it is asked.
type mired struct {
	*citizen
	most int64
}

// Claim implements cache.Fleet.
func (m mired) Claim(ctx context.Context, id cache.ID, scope string, past *cache.Standing) cache.Standing {
	s := m.citizen.Claim(ctx, id, scope, past)
	if s.Peer != nil {
		s.Peer = miredPeer{s.Peer, m.most}
	}
	return s
}

type miredPeer struct {
	cache.Peer
	most int64
}

// Open implements cache.Peer.
func (p miredPeer) Open(ctx context.Context, from int64, match string) (*cache.Pull, error) {
	pull, err := p.Peer.Open(ctx, from, match)
	if err == nil {
		pull.Body = &miredBody{pull.Body, p.most - from}
	}
	return pull, err
}

type miredBody struct {
	io.ReadCloser
	left int64
}

func (b *miredBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, cache.ErrPeerGone
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// A gateway that gives no more, though it can be reached and has its lease, is asked once more and not again: the body
// goes on from elsewhere.
func TestStuckRelayGoesOnFromElsewhere(t *testing.T) {
	eachTown(t, 2, func(t *testing.T, at []*citizen) {
		data, w := text(200_000), newWire()
		first := at[0].client("k", at[0].pulls(w, len(data), tagged(`"v1"`)))
		w.send(data[:150_000])
		at[1].cache.Join(mired{at[1], 100_000})
		o := at[1].opts
		o.Later = at[1].answers(data, tagged(`"v1"`))
		c := at[1].clientWith("k", o, at[1].refuses(errOrigin), nil)
		synctest.Wait()
		c.wants(t, data)
		if at[0].opened != 2 {
			t.Errorf("it was asked %d times", at[0].opened)
		}
		w.send(data[150_000:])
		w.finish(io.EOF)
		first.wants(t, data)
	})
}
