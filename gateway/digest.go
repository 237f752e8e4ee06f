package gateway

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"

	"mirrorgate/cache"
	"mirrorgate/origin"
)

// digestsOf collects what an origin says its body hashes to: Content-MD5 (RFC 1864), Repr-Digest and Content-Digest
// (RFC 9530), Digest (RFC 3230), the checksums of S3 and Google, and the ETag where it is an MD5. What cannot be read
// proves nothing and is left out.
func digestsOf(resp *origin.Response) []cache.Digest {
	h := resp.Header
	var out digests
	out.add("md5", h.Get("Content-Md5"))
	for _, name := range []string{"Repr-Digest", "Content-Digest"} {
		out.addList(h.Values(name), ":")
	}
	out.addList(h.Values("Digest"), "")
	if h.Get("X-Amz-Checksum-Type") == "FULL_OBJECT" {
		for _, algorithm := range []string{"crc32", "crc32c", "crc64nvme", "sha1", "sha256"} {
			out.add(algorithm, h.Get("X-Amz-Checksum-"+algorithm))
		}
	}
	if stored := h.Get("X-Goog-Stored-Content-Encoding"); stored == "" || stored == "identity" ||
		stored == h.Get("Content-Encoding") {
		out.addList(h.Values("X-Goog-Hash"), "")
	}
	if resp.Signed && !encryptedByKey(h) {
		out.addETag(h.Get("Etag"))
	}
	return out
}

// encryptedByKey tells whether the ETag of an S3 object is no MD5 of its bytes.
func encryptedByKey(h http.Header) bool {
	return strings.HasPrefix(h.Get("X-Amz-Server-Side-Encryption"), "aws:kms") ||
		h.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") != ""
}

type digests []cache.Digest

// lengths are those of the sums, in bytes: a sum of another length was never one.
var lengths = map[string]int{
	"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64, "crc32": 4, "crc32c": 4, "crc64nvme": 8,
}

func (d *digests) add(algorithm, sum string) {
	raw, err := base64.StdEncoding.DecodeString(sum)
	if err == nil && len(raw) == lengths[algorithm] && len(raw) > 0 {
		*d = append(*d, cache.Digest{Algorithm: algorithm, Sum: raw})
	}
}

// addList reads "sha-256=:…:, md5=:…:", the sums between marks.
func (d *digests) addList(lines []string, mark string) {
	for _, line := range lines {
		for member := range strings.SplitSeq(line, ",") {
			name, sum, _ := strings.Cut(strings.TrimSpace(member), "=")
			name = strings.Replace(strings.ToLower(name), "sha-", "sha", 1)
			if name == "sha" {
				name = "sha1"
			}
			sum, _, _ = strings.Cut(sum, ";")
			if inner, ok := strings.CutPrefix(sum, mark); ok {
				d.add(name, strings.TrimSuffix(inner, mark))
			}
		}
	}
}

func (d *digests) addETag(tag string) {
	if len(tag) != 34 || tag[0] != '"' || tag[33] != '"' {
		return
	}
	if raw, err := hex.DecodeString(tag[1:33]); err == nil {
		*d = append(*d, cache.Digest{Algorithm: "md5", Sum: raw})
	}
}
