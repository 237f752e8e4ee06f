package shared

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/cache/writeback"
	"mirrorgate/gateway"
)

// empty is a bucket that has nothing, and is given nothing in time.
type empty struct{}

func (empty) Open(context.Context, string, cache.ReadOptions) (*cache.Object, error) {
	return nil, cache.ErrNotFound
}

func (empty) Put(context.Context, string, io.ReaderAt, cache.Meta, cache.PutOptions) error {
	return errors.New("nothing is written here")
}

// points is a fleet that knows of one peer.
type points struct {
	cache.Fleet
	peer cache.Peer
}

func (p points) Claim(context.Context, cache.ID, string, *cache.Standing) cache.Standing {
	return cache.Standing{Peer: p.peer}
}

func newCache(t *testing.T) (*cache.Cache, *writeback.Spool) {
	t.Helper()
	spool, err := writeback.OpenSpool(t.TempDir(), writeback.DefaultSpoolConfig(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	c := cache.New(cache.DefaultLimits(), cache.Memory{}, spool, quiet())
	t.Cleanup(func() {
		if err := errors.Join(c.Drain(context.Background()), spool.Close()); err != nil {
			t.Error(err)
		}
	})
	return c, spool
}

// Clients of one gateway read along while another one pulls: the same bytes under the same headers, of which only the
// one that pulls keeps anything.
func TestOnePullForTwoGateways(t *testing.T) {
	f := func(size int64) {
		t.Helper()
		data := make([]byte, 3<<20)
		_, _ = rand.NewChaCha8([32]byte{}).Read(data)
		puller, kept := newCache(t)
		asker, none := newCache(t)
		url := startGateway(t, fleetWith(t, testSecret, quiet()), gateway.Options{Cache: puller})
		asker.Join(points{peer: peersFor(t, testSecret, always).peer(testID(), url, "")})
		site, o := &cache.Site{Name: "assets", Bucket: empty{}, Save: true}, cache.FillOptions{Wait: 10 * time.Second}
		from, origin := io.Pipe()
		load := func(context.Context) (*cache.Pull, error) {
			return &cache.Pull{Meta: testMeta(size), Target: "primary", Body: from}, nil
		}
		half := len(data) / 2
		go func() { _, _ = origin.Write(data[:half]) }()
		here, err := puller.Fill(site, testID().Key, o, load)
		if err != nil {
			t.Fatal(err)
		}
		there, err := asker.Fill(site, testID().Key, o, func(context.Context) (*cache.Pull, error) {
			return nil, errors.New("the origin is asked again")
		})
		if err != nil {
			t.Fatal(err)
		}
		if there.Tier != cache.TierPull || !there.Pull.Kept || !reflect.DeepEqual(there.Meta, here.Meta) {
			t.Errorf("there %+v\nhere %+v", there, here)
		}
		got := make([]byte, half-100) // of an unknown length, the last byte of what is there is held back
		if _, err := io.ReadFull(there.Body, got); err != nil {
			t.Fatal(err) // it waits for the end
		}
		go func() { _, _ = origin.Write(data[half:]); origin.Close() }()
		rest, err := io.ReadAll(there.Body)
		if err != nil || string(got)+string(rest) != string(data) {
			t.Errorf("there %d bytes, %v", len(got)+len(rest), err)
		}
		if all, err := io.ReadAll(here.Body); err != nil || string(all) != string(data) {
			t.Errorf("here %d bytes, %v", len(all), err)
		}
		if err := errors.Join(here.Body.Close(), there.Body.Close()); err != nil {
			t.Error(err)
		}
		if kept.Waiting() != 1 || none.Waiting() != 0 {
			t.Errorf("kept %d here, %d there", kept.Waiting(), none.Waiting())
		}
	}
	f(3 << 20)
	f(-1)
}
