package cache_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
)

// past is what an object has been, the latest last.
type past []state

type state struct {
	data, kind string    // kind is the Content-Type; data "" means that there was no object
	until      time.Time // zero: it still is
}

// becomes ends the present state. What the gateway itself writes makes all before it forgotten.
func (p past) becomes(data, kind string, own bool) past {
	if own {
		return past{{data: data, kind: kind}}
	}
	p[len(p)-1].until = time.Now()
	return append(p, state{data: data, kind: kind})
}

// allows tells whether an answer may be given now: the object has been so within the time to live.
func (p past) allows(data, kind string) bool {
	return slices.ContainsFunc(p, func(s state) bool {
		return s.data == data && s.kind == kind && (s.until.IsZero() || time.Since(s.until) < ttl)
	})
}

// model is a tier and what its objects have been.
type model struct {
	*tier
	*rand.Rand
	pasts map[string]past
	count int
}

// change has an object replaced, its metadata replaced, or the object removed, by others or by the gateway.
func (m *model) change(key string) {
	own, now := m.IntN(3) == 0, m.pasts[key][len(m.pasts[key])-1]
	m.count++
	next := state{data: text([]int{10, 100, 1023, 1024, 1025, 3000}[m.IntN(6)])[1:] + fmt.Sprint(m.count), kind: fmt.Sprint("a/", m.count)}
	switch m.IntN(4) {
	case 0:
		next = state{}
	case 1:
		next.data = now.data
	}
	if next.data == "" {
		next, own = state{}, false
		m.bucket.remove(key)
	} else {
		m.bucket.put(key, next.data, &cache.Meta{ContentType: next.kind})
	}
	if own {
		m.cache.Written(cache.ID{Site: "assets", Key: key})
	}
	m.pasts[key] = m.pasts[key].becomes(next.data, next.kind, own)
}

// get asks in one of the ways and compares.
func (m *model) get(key string) {
	o := cache.ReadOptions{HeadersOnly: m.IntN(3) == 0}
	if !o.HeadersOnly && m.IntN(3) == 0 {
		o.Range = &cache.Range{First: 0, Last: -1}
	}
	got, err := m.read(key, o)
	data, kind := got.data, ""
	switch {
	case errors.Is(err, cache.ErrNotFound):
	case err != nil:
		m.Fatal(err)
	default:
		kind = got.obj.Meta.ContentType
	}
	if o.HeadersOnly && err == nil {
		data = m.ofKind(key, kind)
	}
	if !m.pasts[key].allows(data, kind) {
		m.Fatalf("%s %+v: got %d bytes as %q from tier %d, of %v", key, o, len(got.data), kind, got.obj.Tier, m.pasts[key].kinds())
	}
}

// ofKind is the body that the object had under a Content-Type.
func (m *model) ofKind(key, kind string) string {
	i := slices.IndexFunc(m.pasts[key], func(s state) bool { return s.kind == kind })
	if i < 0 {
		m.Fatalf("%s never was %q, but %v", key, kind, m.pasts[key].kinds())
	}
	return m.pasts[key][i].data
}

func (p past) kinds() string {
	var b strings.Builder
	for _, s := range p {
		fmt.Fprintf(&b, "%q until %s ", s.kind, s.until.Format("15:04:05"))
	}
	return b.String() + "now " + time.Now().Format("15:04:05")
}

// Whatever others and the gateway do to objects, and whenever somebody asks: an answer is what the object has been
// within the time to live, and never what it was before the gateway's own last write.
func TestMemoryModel(t *testing.T) {
	for seed := range uint64(60) {
		inMemory(t, func(r *tier) {
			m := &model{r, rand.New(rand.NewPCG(seed, 1)), map[string]past{}, 0}
			keys := []string{"a", "b", "c"}
			for _, key := range keys {
				m.pasts[key] = past{{}}
			}
			for range 400 {
				key := keys[m.IntN(len(keys))]
				switch m.IntN(6) {
				case 0:
					m.change(key)
				case 1:
					<-time.After(time.Duration(m.IntN(int(ttl))))
				default:
					m.get(key)
				}
			}
		})
	}
}
