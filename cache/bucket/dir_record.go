package bucket

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mirrorgate/cache"
)

const (
	recordVersion = 1
	// maxRecord bounds what is read of a record, in bytes.
	maxRecord = 256 << 10
)

// identity tells one state of one file from all others.
type identity struct {
	Size  int64  `json:"size"`
	MTime int64  `json:"mtime_ns"`
	Inode uint64 `json:"inode"`
}

func identityOf(info fs.FileInfo) identity {
	return identity{Size: info.Size(), MTime: info.ModTime().UnixNano(), Inode: inodeOf(info)}
}

// record is an object's metadata on disk. It belongs to the file that its identity fits, and to no other.
type record struct {
	Version int    `json:"version"`
	Key     string `json:"key"` // see recordKey
	identity
	MD5                string            `json:"md5"` // hex, lower case
	ContentType        string            `json:"content_type,omitempty"`
	ContentEncoding    string            `json:"content_encoding,omitempty"`
	ContentDisposition string            `json:"content_disposition,omitempty"`
	CacheControl       string            `json:"cache_control,omitempty"`
	Expires            string            `json:"expires,omitempty"`
	ContentLanguage    string            `json:"content_language,omitempty"`
	User               map[string]string `json:"user,omitempty"`

	length int // of the file that it was read from, in bytes
}

func newRecord(key string, id identity, md5 string, s cache.Stored) record {
	return record{
		Version: recordVersion, Key: recordKey(key), identity: id, MD5: md5,
		ContentType: s.ContentType, ContentEncoding: s.ContentEncoding, ContentDisposition: s.ContentDisposition,
		CacheControl: s.CacheControl, Expires: s.Expires, ContentLanguage: s.ContentLanguage, User: s.User,
	}
}

// recordKey is the key as a record holds it: percent-encoded, since JSON holds UTF-8 only, but for the "/".
func recordKey(key string) string {
	return strings.ReplaceAll(url.PathEscape(key), "%2F", "/")
}

// meta is what is known of a file that the record belongs to.
func (r record) meta(modified time.Time) cache.Meta {
	return cache.Stored{
		Size: r.Size, ContentType: r.ContentType, ContentEncoding: r.ContentEncoding,
		ContentDisposition: r.ContentDisposition, CacheControl: r.CacheControl, Expires: r.Expires,
		ContentLanguage: r.ContentLanguage, User: r.User,
		Validators: cache.Validators{ETag: `"` + r.MD5 + `"`, LastModified: lastModified(modified)},
	}.Meta()
}

// copiedIn is what is known of a file without a record: somebody put it there by hand.
func copiedIn(key string, id identity, modified time.Time) cache.Meta {
	tag := strconv.FormatInt(id.Size, 16) + "-" + strconv.FormatInt(id.MTime, 16)
	return cache.Stored{
		Size: id.Size, ContentType: contentType(key),
		Validators: cache.Validators{ETag: `"` + tag + `"`, LastModified: lastModified(modified)},
	}.Meta()
}

// lastModified has whole seconds, and is zero for a time that HTTP-date has no form for.
func lastModified(t time.Time) time.Time {
	if t.Year() < 1970 || t.Year() > 9998 {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// belongs tells whether r can be believed to describe the file id of key, and was written by Put.
func (r record) belongs(key string, id identity) bool {
	if r.Version != recordVersion || r.identity != id || r.Key != recordKey(key) || !isHexMD5(r.MD5) {
		return false
	}
	for name := range r.User {
		if name == "" || strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' || c == ':' }) {
			return false
		}
	}
	return true
}

// isHexMD5 tells whether s is 32 hex digits in lower case.
func isHexMD5(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""
}

// pendingRecord is the name of the record of one file that may not be at its place yet.
func (p place) pendingRecord(id identity) string {
	return fmt.Sprintf("%s.%x-%x-%x.json", p.record(), id.Size, uint64(id.MTime), id.Inode)
}

// settledRecord is the name of the record of the object that was put last.
func (p place) settledRecord() string { return p.record() + ".json" }

// recordOf finds the record that belongs to the file id. A writer renames the pending record to the settled one: who
// looks at the settled, then the pending and again the settled one cannot miss it.
func (d *Dir) recordOf(p place, id identity) (record, bool, error) {
	for _, name := range []string{p.settledRecord(), p.pendingRecord(id), p.settledRecord()} {
		r, err := d.readRecord(name)
		if err != nil {
			return record{}, false, fmt.Errorf("metadata of the object: %w", err)
		}
		if r.belongs(p.key, id) {
			return r, true, nil
		}
	}
	return record{}, false, nil
}

// readRecord reads a record. One that is not there or makes no sense is zero, which belongs to no file; one that could
// not be read is an error: without its metadata the object would be another.
func (d *Dir) readRecord(name string) (r record, err error) {
	f, err := d.files.open(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return record{}, nil
	}
	if err != nil {
		return record{}, err
	}
	defer f.close()
	s, err := f.state()
	if err != nil || !s.kind.IsRegular() || s.id.Size > maxRecord {
		return record{}, err
	}
	data := make([]byte, s.id.Size)
	if n, err := f.ReadAt(data, 0); err != nil && err != io.EOF {
		return record{}, err
	} else if json.Unmarshal(data[:n], &r) != nil {
		return record{}, nil
	}
	r.length = len(data)
	return r, nil
}

// writeRecord writes r to a temporary file, which the caller brings to the disk, closes and moves.
func (d *Dir) writeRecord(r record) (temp string, f *os.File, err error) {
	data, err := json.Marshal(r)
	if err != nil {
		return "", nil, err
	}
	if len(data) >= maxRecord {
		return "", nil, fmt.Errorf("metadata of %d bytes: the directory bucket keeps less than %d", len(data), maxRecord)
	}
	if temp, f, err = d.createTemp(); err != nil {
		return "", nil, err
	}
	if _, err := f.Write(append(data, '\n')); err != nil {
		f.Close()
		d.removeTemp(temp)
		return "", nil, err
	}
	return temp, f, nil
}
