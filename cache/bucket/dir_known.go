package bucket

import (
	"hash/maphash"
	"sync/atomic"
	"time"

	"mirrorgate/cache"
)

const (
	// knownSlots is of how many objects a Dir remembers the metadata. With maxKnown it bounds what they take: some 8 MiB
	// with records of the usual length, 45 MiB at most.
	knownSlots = 8192
	// maxKnown is how long a record may be to be remembered, in bytes.
	maxKnown = 4 << 10
	// knownFor is after what time the record is read again.
	knownFor = 10 * time.Second
)

// known remembers the metadata of files, so that a hit opens one file and not two. What is remembered belongs to one
// state of one file, as the record on the disk does: it is used only for a file that was opened just now and has this
// state, and is as right then as the record was. That holds also while the file is replaced, since another file has
// another identity. Only who edits or removes a record of a file that stays as it is waits for knownFor until that is
// seen.
//
// Each key has one slot, which it may share with others: the one that was read last is there.
type known struct {
	seed  maphash.Seed
	slots [knownSlots]atomic.Pointer[knownFile]
}

// knownFile is the metadata of one state of one key's file.
type knownFile struct {
	key  string
	id   identity
	meta cache.Meta
	read time.Time
}

func newKnown() *known { return &known{seed: maphash.MakeSeed()} }

func (k *known) slot(key string) *atomic.Pointer[knownFile] {
	return &k.slots[maphash.String(k.seed, key)%knownSlots]
}

// of is what is known of the file id of key; nil if nothing is.
func (k *known) of(key string, id identity) *cache.Meta {
	f := k.slot(key).Load()
	if f == nil || f.key != key || f.id != id || time.Since(f.read) > knownFor {
		return nil
	}
	return &f.meta
}

// keep remembers what was read of a file from a record of so many bytes.
func (k *known) keep(key string, id identity, meta cache.Meta, length int) {
	if length <= maxKnown {
		k.slot(key).Store(&knownFile{key: key, id: id, meta: meta, read: time.Now()})
	}
}

// forget forgets a key whose file is replaced.
func (k *known) forget(key string) { k.slot(key).Store(nil) }
