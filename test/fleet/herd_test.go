package fleet_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// apartMost is how long after the first gateway's first byte the last gateway has its own.
const apartMost = 100 * time.Millisecond

// herd is many clients of one cold object, spread over the gateways.
type herd struct {
	*fleet
	clients int
	size    string // of the object, as the origin's paths say it
	key     string
	want    []byte
	ctx     context.Context

	mu    sync.Mutex
	first []time.Time // byte at each gateway
}

// TestOnePullForAll: what several gateways are asked for costs the origin and the bucket what it costs one gateway, and
// what one of them learns the others know.
func TestOnePullForAll(t *testing.T) {
	f := newStage(t, harness.StartRedis(t).URL).start(t, settings{members: members, memory: true, negative: negativeTTL.String()})
	t.Run("crowd", f.crowd)
	t.Run("keys", func(t *testing.T) { f.manyKeys(t, "keys", formOf().keys) })
	t.Run("absent", f.absent)
	t.Run("replaced", f.replaced)
}

// crowd: however many clients ask for one cold object, the origin is asked once and the bucket written once, all get the
// object, and nobody waits for its end: the first byte is everywhere at once.
func (f *fleet) crowd(t *testing.T) {
	var apart []time.Duration
	for len(apart) < tries && (len(apart) == 0 || slices.Min(apart) > apartMost) {
		h := &herd{fleet: f, clients: formOf().clients, size: formOf().large}
		apart = append(apart, h.come(t, len(apart)))
	}
	t.Logf("between the first and the last gateway's first byte: %v", apart)
	if slices.Min(apart) > apartMost {
		t.Errorf("between the first and the last gateway's first byte were at best %v, at most %v are due", slices.Min(apart), apartMost)
	}
}

// come lets all clients ask at once. The origin stops at the object's half until each of them has its first byte; then
// those of the first herd read the rest, and those of others leave. It returns how far apart the first bytes came.
func (h *herd) come(t *testing.T, try int) time.Duration {
	t.Helper()
	h.first = make([]time.Time, len(h.members))
	h.key = fmt.Sprintf("herd/~sound,size=%s/%d.bin", h.size, try)
	h.want = h.body(h.key)
	ctx, cancel := context.WithTimeout(t.Context(), formOf().patience)
	defer cancel()
	h.ctx = ctx
	gate := h.origin.Hold("/"+h.key, int64(len(h.want)/2))
	began := time.Now()
	h.run(t, try == 0, gate.Release)
	t.Logf("%d clients of %s at %d gateways took %v", h.clients, h.size, len(h.members), time.Since(began).Round(time.Millisecond))
	h.check(t)
	return slices.MaxFunc(h.first, time.Time.Compare).Sub(slices.MinFunc(h.first, time.Time.Compare))
}

// run is done when all clients are. begun is called when they have their first bytes.
func (h *herd) run(t *testing.T, whole bool, begun func()) {
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	start := make(chan struct{})
	var running, waiting sync.WaitGroup
	waiting.Add(h.clients)
	for n := range h.clients {
		running.Go(func() {
			<-start
			if err := h.follow(client, n%len(h.members), whole, &waiting); err != nil {
				t.Errorf("client %d: %v", n, err)
			}
		})
	}
	close(start)
	waiting.Wait()
	begun()
	running.Wait()
}

// follow is one client. It stops behind the first byte until all have theirs.
func (h *herd) follow(client *http.Client, gateway int, whole bool, waiting *sync.WaitGroup) error {
	here := sync.OnceFunc(waiting.Done)
	defer here()
	response, err := open(h.ctx, client, h.members[gateway].URL, h.key)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, got: 1}
	one := make([]byte, 1)
	if _, err := response.Body.Read(one); err != nil || a.status != http.StatusOK || one[0] != h.want[0] {
		return fmt.Errorf("status %d, first byte %x, not %x, %w", a.status, one, h.want[:1], err)
	}
	h.came(gateway)
	here()
	waiting.Wait()
	if !whole {
		return nil
	}
	a.compare(response.Body, h.want)
	return a.right(h.want)
}

// came notes the time of a gateway's first byte.
func (h *herd) came(gateway int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first[gateway].IsZero() {
		h.first[gateway] = time.Now()
	}
}

// check compares what the herd cost, and what the bucket has in the end.
func (h *herd) check(t *testing.T) {
	t.Helper()
	h.waitSaved(t, h.key)
	if asked := h.pulls(h.key); asked != 1 {
		t.Errorf("the origin was asked %d times", asked)
	}
	if w := h.front.of(h.key); w != (writes{begun: 1, done: 1}) {
		t.Errorf("the bucket was written %+v", w)
	}
}
