package writeback

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"mirrorgate/cache"
)

const recordVersion = 2

// maxRecord bounds what is read of a record file: keys have 1 KiB, metadata a few more.
const maxRecord = 256 << 10

// record is the JSON beside a body. The key is bytes (base64 in the file), and the metadata has the form that buckets
// keep, because JSON strings hold UTF-8 only and neither need be that.
type record struct {
	Version int
	Site    string
	Key     []byte
	Serial  uint64
	Meta    cache.Stored
	Put     cache.PutOptions

	// What became of it, once it is dead.
	Attempts int       `json:",omitzero"`
	Error    string    `json:",omitzero"`
	Died     time.Time `json:",omitzero"`
}

func newRecord(e cache.Entry, serial uint64) record {
	stored, _ := cache.EncodeMeta(e.Meta) // the pull has trimmed it already
	return record{
		Version: recordVersion, Site: e.ID.Site, Key: []byte(e.ID.Key), Serial: serial, Meta: stored, Put: e.Put,
	}
}

func (r record) id() cache.ID { return cache.ID{Site: r.Site, Key: string(r.Key)} }

// errDamaged means that the files of an entry do not say what they must: they cannot be trusted, now or later.
var errDamaged = errors.New("the entry is damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errDamaged, fmt.Errorf(format, args...))
}

// readRecord reads a record file. Its errors are errDamaged, or those of a disk that may work again later.
func readRecord(path string) (record, error) {
	f, err := openFile(path)
	if err != nil {
		return record{}, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxRecord+1))
	if err != nil {
		return record{}, err
	}
	if len(raw) > maxRecord {
		return record{}, damaged("record %s has more than %d bytes", path, maxRecord)
	}
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		return record{}, damaged("read record %s: %w", path, err)
	}
	if r.Version != recordVersion {
		return record{}, damaged("record %s has version %d, this program reads %d", path, r.Version, recordVersion)
	}
	return r, nil
}

// fits tells what is wrong with a record for the entry that it lies beside.
func (r record) fits(e *entry) error {
	switch {
	case r.Site != e.site || hashOf(r.id()) != e.hash || len(r.Key) == 0:
		return damaged("the record names another object (site %q, key %q)", r.Site, r.Key)
	case r.Serial != e.serial || r.Meta.Size != e.size || (r.Put.IfMatch != "") != e.replaces:
		return damaged("the record is that of another body than %s", e.bodyFile())
	}
	return nil
}

// openFile opens a plain file for reading, and nothing that only looks like one.
func openFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(damaged("%s is no plain file", path), err, f.Close())
	}
	return f, nil
}
