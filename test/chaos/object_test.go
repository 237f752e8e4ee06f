package chaos_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"

	"mirrorgate/test/origin"
)

// object is one that is asked for, and what its origin does when it is.
type object struct {
	origin.Fault
	rule *rule
	path string
}

func (o *object) key() string { return strings.TrimPrefix(o.path, "/") }

// sound tells whether only limits and a machine that is too busy keep the object from its clients.
func (o *object) sound() bool { return o.Group == "sound" }

// plan makes objects: which one has a number, the seed says.
type plan struct {
	seed   uint64
	faults []origin.Fault
	rules  []*rule
}

// random is the source of all that is random about one thing.
func (p *plan) random(kind, n uint64) *rand.Rand { return rand.New(rand.NewPCG(p.seed, kind<<32|n)) }

// What is random.
const (
	ofObject = iota
	ofWorker
)

func (p *plan) object(n int) *object {
	r := p.random(ofObject, uint64(n))
	f := p.fault(r)
	at := p.rules[r.IntN(len(p.rules))]
	for !at.takes(f) {
		at = p.rules[r.IntN(len(p.rules))]
	}
	return &object{Fault: f, rule: at, path: "/" + at.name + f.Path(fmt.Sprintf("o%d", n), params(f, r)...)}
}

// last is the object without a fault that is asked for when all is over.
func (p *plan) last(r *rule) *object {
	return &object{Fault: p.faults[0], rule: r, path: "/" + r.name + p.faults[0].Path("last")}
}

// fault is none for most.
func (p *plan) fault(r *rand.Rand) origin.Fault {
	switch n := r.IntN(100); {
	case n < 50:
		return p.faults[0] // the plainest of the sound ones
	case n < 65:
		var sound []origin.Fault
		for _, f := range p.faults {
			if f.Group == "sound" {
				sound = append(sound, f)
			}
		}
		return sound[r.IntN(len(sound))]
	}
	if f := p.faults[r.IntN(len(p.faults))]; !f.Waits {
		return f
	}
	return p.faults[r.IntN(len(p.faults))] // those that wait for limits are to be fewer: they take the clients' time
}

const (
	kib = 1 << 10
	mib = 1 << 20

	smallest = 16 // bytes: each of the faults shows in so many
)

// params are random as far as the fault is still what its Outcome says with them.
func params(f origin.Fault, r *rand.Rand) []string {
	given := func(name string) bool { return strings.Contains(f.Defaults, name+"=") }
	if given("size") && f.Group != "ranges" {
		return nil
	}
	length := size(r)
	if f.Group == "ranges" {
		length = 5*mib + r.Int64N(3*mib) // for a range of it to be a far one
	}
	all := []string{fmt.Sprintf("size=%d", length), fmt.Sprintf("rate=%d", max(4*kib, length))}
	if given("wait") {
		all = append(all, fmt.Sprintf("wait=%dms", 1+r.IntN(100)))
	}
	if !given("at") && r.IntN(2) == 0 {
		all = append(all, fmt.Sprintf("at=%d", r.Int64N(length-2)))
	}
	if !given("chunk") && r.IntN(3) == 0 {
		all = append(all, fmt.Sprintf("chunk=%d", 256+r.IntN(16*kib)))
	}
	return all
}

// size is mostly small.
func size(r *rand.Rand) int64 {
	switch n := r.IntN(100); {
	case n < 40:
		return smallest + r.Int64N(4*kib)
	case n < 80:
		return smallest + r.Int64N(64*kib)
	case n < 96:
		return smallest + r.Int64N(512*kib)
	default:
		return mib + r.Int64N(6*mib)
	}
}

// content is one form that the object can have.
type content struct {
	etag string
	io.ReaderAt
	size int64
}

// contents are the forms of the object in a coding: as it is, and after a change.
func (o *object) contents(coding string) []content {
	first := o.rule.primary.Object(o.path)
	all := []content{}
	for _, version := range []origin.Object{first, first.Version(1)} {
		c := content{etag: version.ETag, ReaderAt: version.Truth, size: version.Truth.Size}
		if coding == "gzip" {
			packed := pack(version.Truth.Reader())
			c.ReaderAt, c.size = bytes.NewReader(packed), int64(len(packed))
		}
		all = append(all, c)
	}
	return all
}

// pack is what the origin does.
func pack(body io.Reader) []byte {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.Copy(z, body) // neither side fails
	_ = z.Close()
	return packed.Bytes()
}

// has tells whether body lies at that place of the content.
func (c content) has(body []byte, start int64) bool {
	want := make([]byte, len(body))
	n, _ := c.ReadAt(want, start) // short at the end
	return n == len(body) && bytes.Equal(body, want)
}

// mayKeep tells whether the bucket may have the object in the end.
func (o *object) mayKeep() bool {
	switch {
	case o.rule.proxy:
		return false
	case o.rule.backup, o.Changes:
		return true
	}
	return o.Get.Keep != origin.KeepNothing
}

// refusals are the statuses by which a client may be told that it does not get the object. 503 is a limit, a breaker
// or a pause.
func (o *object) refusals() []int {
	return slices.Concat([]int{502, 503, 504}, o.Get.Status, o.Head.Status, o.Range.Status)
}
