package origin

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"strings"

	"mirrorgate/test/harness"
)

// digests are checksums beside the object, right and wrong. They cost a pass over the object.
func digests() []Fault {
	var all []Fault
	for _, d := range digestForms() {
		all = append(all,
			Fault{Name: "digest-" + d.name, Does: d.says("…") + ", right", Get: kept(), script: d.script(false)},
			Fault{Name: "digest-" + d.name + "-wrong", Does: d.says("…") + ", wrong", Get: broken(), script: d.script(true)},
		)
	}
	f := func(name, header string, seen Outcome) Fault {
		return Fault{Name: name, Does: header, Get: seen, script: addLines(strings.Split(header, "; "))}
	}
	return append(all,
		f("digest-nonsense", "Content-MD5: not base64", anything()),
		f("digest-truncated", "Content-MD5: AAAA", anything()),
		f("digest-unknown", "Repr-Digest: unixsum=:AAAA:", kept()),
		f("digest-composite", "x-amz-checksum-sha256: AAAA-3; x-amz-checksum-type: COMPOSITE", kept()),
		Fault{Name: "etag-no-md5", Does: "an ETag of 32 hex digits that is not the MD5: web servers promise nothing by it",
			Get:    kept(),
			script: etagNoMD5},
	)
}

// digestForm is a way to state a checksum.
type digestForm struct {
	name   string
	hash   func() hash.Hash
	format string // the header line, with $ for the checksum
	more   string // another line
}

func digestForms() []digestForm {
	return []digestForm{
		{"md5", md5.New, "Content-MD5: $", ""},
		{"repr", sha256.New, "Repr-Digest: sha-256=:$:", ""},
		{"old", sha256.New, "Digest: sha-256=$", ""},
		{"amz", sha256.New, "x-amz-checksum-sha256: $", "x-amz-checksum-type: FULL_OBJECT"},
		{"goog-md5", md5.New, "x-goog-hash: md5=$", ""},
		{"goog-crc32c", newCRC32C, "x-goog-hash: crc32c=$", ""},
	}
}

func newCRC32C() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }

func (d digestForm) says(sum string) string { return strings.Replace(d.format, "$", sum, 1) }

func (d digestForm) script(wrong bool) Script {
	return func(r *Request, a *Answer) {
		if a.status() != http.StatusOK {
			return
		}
		sum := sumOf(r.Object.Truth, d.hash())
		if wrong {
			sum[0] ^= 1
		}
		a.Header = append(a.Header, d.says(base64.StdEncoding.EncodeToString(sum)))
		if d.more != "" {
			a.Header = append(a.Header, d.more)
		}
	}
}

func sumOf(body harness.Truth, h hash.Hash) []byte {
	_, _ = io.Copy(h, body.Reader()) // neither side fails
	return h.Sum(nil)
}

func etagNoMD5(r *Request, a *Answer) {
	sum := sumOf(r.Object.Truth, md5.New())
	sum[0] ^= 1
	r.Object.ETag = `"` + hex.EncodeToString(sum) + `"`
	*a = *r.Sound()
}
