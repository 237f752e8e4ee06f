package crash_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"

	"mirrorgate/test/harness"
)

// partSize is writeback.part_size, the least that S3 allows.
const partSize = 5 * mib

// class says how an object comes into the bucket.
type class string

const (
	small    class = "a small"     // as a whole
	parted   class = "a parted"    // in parts, when it has been pulled
	arriving class = "an arriving" // in parts, from when the first of them has been pulled on: its origin is slow
)

// often is about how many of them come whole in a round, at most.
func (c class) often() int {
	if c == small {
		return 8
	}
	return 1
}

// fault is what the origin does with one of them (see the package origin), with a random size.
func (c class) fault(random *rand.Rand) string {
	switch c {
	case small:
		return fmt.Sprintf("sound,size=%d", 1+random.Int64N(1<<(1+random.IntN(18)))+random.Int64N(2)*38*kib)
	case parted:
		return fmt.Sprintf("sound,size=%d", partSize+1+random.Int64N(1+random.Int64N(3*partSize)))
	default:
		return fmt.Sprintf("drip,size=%d,rate=%dMiB", 4*partSize+random.Int64N(partSize/2), 40+random.IntN(60))
	}
}

// object is one that clients ask for.
type object struct {
	class
	key   string
	truth harness.Truth
	etag  string

	mu    sync.Mutex
	whole bool  // a client has got all of it
	newer newer // what an application did
}

// newer is how far an application has come with an object of its own under the key.
type newer int

const (
	newerNot newer = iota
	newerMaybe
	newerThere
)

// other is what the application writes: of another length.
func (o *object) other() harness.Truth {
	return harness.Truth{Seed: ^o.truth.Seed, Size: o.truth.Size/2 + 300*kib + 1}
}

func (o *object) state() (whole bool, n newer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.whole, o.newer
}

func (o *object) gotWhole() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.whole = true
}

func (o *object) setNewer(n newer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.newer = n
}

// judge reads a body to its end and compares it. before is what the application had done when it was asked for, own
// tells that it is the one that was pulled.
func (o *object) judge(body io.Reader, size int64, before newer) (own bool, err error) {
	_, now := o.state()
	switch {
	case size == o.truth.Size && before != newerThere:
		return true, o.truth.Check(body)
	case size == o.truth.Size:
		return true, fmt.Errorf("%s is the object that was pulled, and not that of the application", o.key)
	case now != newerNot && size == o.other().Size:
		return false, o.other().Check(body)
	}
	return false, fmt.Errorf("%s has %d bytes, not %d", o.key, size, o.truth.Size)
}

// judgeHit compares the answer to a request for an object that was got before: it comes from the bucket or the spool.
func (o *object) judgeHit(r *http.Response, before newer) (tier string, err error) {
	defer r.Body.Close()
	const hit = "mirrorgate; hit; detail="
	status := r.Header.Get("Cache-Status")
	if r.StatusCode != http.StatusOK || len(status) <= len(hit) || status[:len(hit)] != hit {
		return "", fmt.Errorf("%s, which a client had got, is lost: %s, Cache-Status %q", o.key, r.Status, status)
	}
	own, err := o.judge(r.Body, r.ContentLength, before)
	if err != nil {
		return "", fmt.Errorf("%s from the %s: %w", o.key, status[len(hit):], err)
	}
	if etag := r.Header.Get("ETag"); (etag == o.etag) != own {
		return "", fmt.Errorf("%s from the %s: the ETag is %s, that of the origin %s", o.key, status[len(hit):], etag, o.etag)
	}
	return status[len(hit):], nil
}
