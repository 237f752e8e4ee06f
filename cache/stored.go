package cache

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxUserMetadata is the limit of S3 on the user metadata of one object, in bytes: names with their prefix, and values.
const MaxUserMetadata = 2048

const userPrefix = "x-amz-meta-"

// Stored is an object's metadata in the form that a bucket keeps it: six headers and user metadata. Names in User are
// lower case and lack the x-amz-meta- prefix; those that begin with "mg-" are mirrorgate's own and never shown.
type Stored struct {
	Size               int64
	ContentType        string
	ContentEncoding    string
	ContentDisposition string
	CacheControl       string
	Expires            string
	ContentLanguage    string
	User               map[string]string
	Validators         // the bucket's own
}

// headers lists the six headers with the name that one which the bucket cannot hold raw has in the user metadata.
func (s *Stored) headers() []struct {
	name  string
	value *string
} {
	return []struct {
		name  string
		value *string
	}{
		{"mg-h-content-type", &s.ContentType},
		{"mg-h-content-encoding", &s.ContentEncoding},
		{"mg-h-content-disposition", &s.ContentDisposition},
		{"mg-h-cache-control", &s.CacheControl},
		{"mg-h-expires", &s.Expires},
		{"mg-h-content-language", &s.ContentLanguage},
	}
}

// EncodeMeta puts m into the form that a bucket keeps. User metadata over MaxUserMetadata is left out by whole entries,
// the least needed first; dropped counts them.
func EncodeMeta(m Meta) (s Stored, dropped int) {
	s = Stored{
		Size: m.Size, ContentType: m.ContentType, ContentEncoding: m.ContentEncoding,
		ContentDisposition: m.ContentDisposition, CacheControl: m.CacheControl, Expires: m.Expires,
		ContentLanguage: m.ContentLanguage, Validators: m.Bucket,
	}
	entries := provenanceEntries(m.Origin)
	for _, h := range s.headers() {
		if *h.value != "" && !holdsRaw(*h.value) {
			entries = append(entries, entry{rankHeader, h.name, *h.value})
			*h.value = ""
		}
	}
	if m.AllowOrigin != "" {
		entries = append(entries, entry{rankHeader, "mg-allow-origin", m.AllowOrigin})
	}
	for _, f := range m.Replay {
		entries = append(entries, entry{rankReplay, "mg-r-" + f.Name, f.Value})
	}
	for name, value := range m.User {
		if !showsAsUser(name) {
			continue // under its own name it could pass for provenance
		}
		if !holdsRaw(value) {
			name = "mg-u-" + name
		}
		entries = append(entries, entry{rankUser, name, value})
	}
	kept := trim(entries)
	s.User = make(map[string]string, len(kept))
	for _, e := range kept {
		s.User[e.name] = e.encoded()
	}
	return s, len(entries) - len(kept)
}

// Meta reads back what EncodeMeta wrote, and what others stored. Provenance whose proof does not fit the bucket's
// object is left out.
func (s Stored) Meta() Meta {
	user := make([]Field, 0, len(s.User))
	for name, value := range s.User {
		user = append(user, Field{name, value})
	}
	slices.SortFunc(user, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	var m Meta
	s.Describe(&m, user)
	return m
}

// Describe sets m, which is zero, to what Meta returns, with user in place of s.User: sorted by name, each name once.
// It keeps nothing of the slice but its strings.
//
// Hits go this way on their clients' stacks, which stay as large as they have grown while the clients are idle. So
// there are pointers instead of copies, and no literal of a Meta, which would be made on the stack first.
func (s *Stored) Describe(m *Meta, user []Field) {
	if holdsHeaders(user) {
		s = s.decoded(user)
	}
	m.Size, m.Bucket = s.Size, s.Validators
	m.ContentType = safeValue(s.ContentType)
	m.ContentEncoding = safeValue(s.ContentEncoding)
	m.ContentDisposition = safeValue(s.ContentDisposition)
	m.CacheControl = safeValue(s.CacheControl)
	m.Expires = safeValue(s.Expires)
	m.ContentLanguage = safeValue(s.ContentLanguage)
	m.AllowOrigin = decodeValue(valueOf(user, "mg-allow-origin"))
	m.Origin.believe(user, s)
	for _, f := range user {
		m.addShown(f)
	}
}

// decoded has the headers that the bucket could not hold raw in their places.
func (s *Stored) decoded(user []Field) *Stored {
	d := *s
	for _, h := range d.headers() {
		if i, ok := find(user, h.name); ok {
			*h.value = decodeValue(user[i].Value)
		}
	}
	return &d
}

// holdsHeaders tells whether there may be one of Stored.headers.
func holdsHeaders(user []Field) bool {
	i, _ := find(user, "mg-h-")
	return i < len(user) && strings.HasPrefix(user[i].Name, "mg-h-")
}

// addShown adds what clients see of the user metadata.
func (m *Meta) addShown(f Field) {
	if replay, ok := strings.CutPrefix(f.Name, "mg-r-"); ok {
		if value := decodeValue(safeValue(f.Value)); Replayable(replay) && value != "" {
			m.Replay = append(m.Replay, Field{replay, value})
		}
		return
	}
	name, encoded := strings.CutPrefix(f.Name, "mg-u-")
	if !showsAsUser(name) {
		return
	}
	value := safeValue(f.Value)
	if encoded {
		value = decodeValue(value)
	}
	if m.User == nil {
		m.User = make(map[string]string)
	}
	m.User[name] = value
}

// find looks for a name in fields that are sorted.
func find(fields []Field, name string) (int, bool) {
	return slices.BinarySearchFunc(fields, name, func(f Field, name string) int { return strings.Compare(f.Name, name) })
}

func valueOf(fields []Field, name string) string {
	if i, ok := find(fields, name); ok {
		return fields[i].Value
	}
	return ""
}

// Trimmed is m as the bucket will show it once it holds the object: what EncodeMeta would leave out is gone. An answer
// made from it shows the same headers before and after the object is saved.
func (m Meta) Trimmed() (trimmed Meta, dropped int) {
	size, md5, tags := m.Origin.Size, m.Origin.MD5, m.Bucket
	// The proof may not be known yet, and the copy that it will belong to is not there: let it fit.
	m.Origin.Size, m.Origin.MD5, m.Bucket = m.Size, "", Validators{}
	s, dropped := EncodeMeta(m)
	trimmed = s.Meta()
	trimmed.Bucket = tags
	if trimmed.Origin.Believed() {
		trimmed.Origin.Size, trimmed.Origin.MD5 = size, md5
	}
	return trimmed, dropped
}

// The order in which entries are left out when there is no room for all.
const (
	rankPath = iota
	rankReplay
	rankUser
	rankDetail
	rankHeader
	rankETag
	rankProof // last: without it none of the provenance is believed
)

type entry struct {
	rank        int
	name, value string
}

func (e entry) encoded() string {
	if strings.HasPrefix(e.name, "mg-") {
		return encodeValue(e.value)
	}
	return e.value
}

// room is what the value takes, in bytes. What is not known before the end (size and MD5) counts with its greatest
// length, so that what is left out does not depend on it.
func (e entry) room() int {
	if e.name == "mg-proof" {
		return len("9223372036854775807 ") + 32
	}
	return len(e.encoded())
}

func provenanceEntries(p Provenance) []entry {
	if !p.Believed() {
		return nil
	}
	entries := []entry{
		{rankProof, "mg-time", strconv.FormatInt(p.Time.Unix(), 10)},
		{rankProof, "mg-proof", strconv.FormatInt(p.Size, 10) + " " + p.MD5},
	}
	add := func(rank int, name, value string) {
		if value != "" {
			entries = append(entries, entry{rank, name, value})
		}
	}
	add(rankETag, "mg-etag", p.ETag)
	if !p.LastModified.IsZero() {
		add(rankProof, "mg-modified", strconv.FormatInt(p.LastModified.Unix(), 10))
	}
	add(rankDetail, "mg-lifetime", formatLifetime(p))
	add(rankDetail, "mg-target", p.Target)
	add(rankDetail, "mg-rule", p.Rule)
	add(rankPath, "mg-path", p.Path)
	return entries
}

// formatLifetime writes seconds, "" for none given, and "no-cache" before them when every use needs a check.
func formatLifetime(p Provenance) string {
	s := ""
	if p.Lifetime >= 0 {
		s = strconv.FormatInt(int64(p.Lifetime/time.Second), 10)
	}
	if p.NoCache {
		s = "no-cache " + s
	}
	return s
}

func parseLifetime(s string) (lifetime time.Duration, noCache bool) {
	s, noCache = strings.CutPrefix(s, "no-cache ")
	if s == "" {
		return -1, noCache
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > int64(math.MaxInt64/time.Second) {
		return -1, noCache
	}
	return time.Duration(n) * time.Second, noCache
}

// believe reads the provenance, if its proof fits the bucket's object; else p stays zero.
func (p *Provenance) believe(user []Field, s *Stored) {
	proof, ok := find(user, "mg-proof")
	if !ok {
		return
	}
	size, md5, _ := strings.Cut(decodeValue(user[proof].Value), " ")
	n, err := strconv.ParseInt(size, 10, 64)
	at, errTime := strconv.ParseInt(valueOf(user, "mg-time"), 10, 64)
	if err != nil || errTime != nil || at <= 0 || n != s.Size {
		return
	}
	tag := strings.Trim(strings.TrimPrefix(s.ETag, "W/"), `"`)
	if md5 != "" && isMD5(tag) && !strings.EqualFold(tag, md5) {
		return
	}
	p.Target = decodeValue(valueOf(user, "mg-target"))
	p.Path = decodeValue(valueOf(user, "mg-path"))
	p.Rule = decodeValue(valueOf(user, "mg-rule"))
	p.Time, p.Size, p.MD5 = time.Unix(at, 0).UTC(), n, md5
	p.ETag = decodeValue(valueOf(user, "mg-etag"))
	p.Lifetime, p.NoCache = parseLifetime(decodeValue(valueOf(user, "mg-lifetime")))
	if i, ok := find(user, "mg-modified"); ok {
		if modified, err := strconv.ParseInt(user[i].Value, 10, 64); err == nil {
			p.LastModified = time.Unix(modified, 0).UTC()
		}
	}
}

// isMD5 tells whether an ETag without its quotes has the form of an MD5: 32 hex digits. Those of multipart uploads have
// a part count behind them.
func isMD5(tag string) bool {
	if len(tag) != 32 {
		return false
	}
	return strings.Trim(tag, "0123456789abcdefABCDEF") == ""
}

func trim(entries []entry) []entry {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(b.rank, a.rank), strings.Compare(a.name, b.name))
	})
	total := 0
	for i, e := range entries {
		total += len(userPrefix) + len(e.name) + e.room()
		if total > MaxUserMetadata {
			return entries[:i]
		}
	}
	return entries
}
