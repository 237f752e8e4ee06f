package cache

import (
	"maps"
	"slices"
	"time"
)

// Meta is what is known of an object besides its bytes. A Meta is a value: whoever holds one never changes its slices
// and maps.
type Meta struct {
	Size int64 `json:"size"` // bytes; -1 while unknown

	// The headers that a bucket keeps with an object.
	ContentType        string `json:"content_type,omitempty"`
	ContentEncoding    string `json:"content_encoding,omitempty"`
	ContentDisposition string `json:"content_disposition,omitempty"`
	CacheControl       string `json:"cache_control,omitempty"`
	Expires            string `json:"expires,omitempty"`
	ContentLanguage    string `json:"content_language,omitempty"`

	// AllowOrigin is Access-Control-Allow-Origin. Buckets have no place for it: it is kept as user metadata.
	AllowOrigin string `json:"allow_origin,omitempty"`

	// User is the user metadata that clients see as x-amz-meta-NAME. Names are lower case, without that prefix.
	User map[string]string `json:"user,omitempty"`
	// Replay holds the further response headers that the rule keeps (store.headers): one Field per name, sorted by
	// name, names in lower case.
	Replay []Field `json:"replay,omitempty"`

	// Bucket is what the bucket says of its own copy; zero before there is one.
	Bucket Validators `json:"bucket,omitzero"`
	// Origin is where the copy came from; zero for an object that no pull brought, or whose provenance is not believed.
	Origin Provenance `json:"origin,omitzero"`
}

// equal tells whether two are the same in all.
func (m *Meta) equal(o *Meta) bool {
	return m.Size == o.Size && m.fixed() == o.fixed() && maps.Equal(m.User, o.User) && slices.Equal(m.Replay, o.Replay) &&
		m.Bucket.equal(o.Bucket) && m.Origin.equal(&o.Origin)
}

func (m *Meta) fixed() [7]string {
	return [...]string{
		m.ContentType, m.ContentEncoding, m.ContentDisposition, m.CacheControl, m.Expires, m.ContentLanguage, m.AllowOrigin,
	}
}

// Field is one header line.
type Field struct {
	Name, Value string
}

// Validators of RFC 9110 section 8.8. ETag is as sent in the header, quotes and W/ included, or "". LastModified has
// whole seconds, and is zero when there is none.
type Validators struct {
	ETag         string    `json:"etag,omitempty"`
	LastModified time.Time `json:"last_modified,omitzero"`
}

func (v Validators) equal(o Validators) bool {
	return v.ETag == o.ETag && v.LastModified.Equal(o.LastModified)
}

// Provenance tells where a stored copy came from. It is believed only while its proof (Size, and MD5 where the
// bucket's ETag is one) fits the bucket's object: an application may have written over the copy since.
type Provenance struct {
	Validators               // the origin's own
	Lifetime   time.Duration `json:"lifetime,omitempty"` // freshness that the origin gave; -1 when it gave none
	NoCache    bool          `json:"no_cache,omitempty"` // the origin asked for a check before every use
	Target     string        `json:"target,omitempty"`   // primary or backup
	Path       string        `json:"path,omitempty"`     // the path asked, if it was rewritten; never a query
	Rule       string        `json:"rule,omitempty"`
	Time       time.Time     `json:"time,omitzero"` // when the origin answered, whole seconds
	Size       int64         `json:"size"`
	MD5        string        `json:"md5,omitempty"` // hex
}

// Believed tells whether there is provenance; what no pull brought has none.
func (p Provenance) Believed() bool { return !p.Time.IsZero() }

func (p *Provenance) equal(o *Provenance) bool {
	if !p.Validators.equal(o.Validators) || !p.Time.Equal(o.Time) {
		return false
	}
	same := *p
	same.Validators, same.Time = o.Validators, o.Time
	return same == *o
}
