package writeback

import (
	"encoding/json"
	"fmt"
	"os"

	"mirrorgate/cache"
)

const recordVersion = 1

// maxRecord bounds what is read of a record file: keys have 1 KiB, metadata a few more.
const maxRecord = 256 << 10

// record is the JSON beside a body. The key is bytes (base64 in the file), and the metadata has the form that buckets
// keep, because JSON strings hold UTF-8 only and neither need be that.
type record struct {
	Version int
	Site    string
	Key     []byte
	Meta    cache.Stored
	Put     cache.PutOptions
}

func newRecord(e cache.Entry) record {
	stored, _ := cache.EncodeMeta(e.Meta) // the pull has trimmed it already
	return record{Version: recordVersion, Site: e.ID.Site, Key: []byte(e.ID.Key), Meta: stored, Put: e.Put}
}

func (r record) entry() cache.Entry {
	return cache.Entry{ID: cache.ID{Site: r.Site, Key: string(r.Key)}, Meta: r.Meta.Meta(), Put: r.Put}
}

func readRecord(path string) (record, error) {
	f, err := os.Open(path)
	if err != nil {
		return record{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return record{}, err
	}
	if info.Size() > maxRecord {
		return record{}, fmt.Errorf("record %s has %d bytes, at most %d are read", path, info.Size(), maxRecord)
	}
	var r record
	if err := json.NewDecoder(f).Decode(&r); err != nil {
		return record{}, fmt.Errorf("read record %s: %w", path, err)
	}
	if r.Version != recordVersion {
		return record{}, fmt.Errorf("record %s has version %d, this program reads %d", path, r.Version, recordVersion)
	}
	if r.Site == "" || len(r.Key) == 0 || r.Meta.Size < 0 {
		return record{}, fmt.Errorf("record %s names no object", path)
	}
	return r, nil
}
