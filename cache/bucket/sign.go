package bucket

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"
	"sync/atomic"
	"time"
)

// credential signs requests. An empty access key means that requests go unsigned.
type credential struct {
	access, secret, token string
}

// emptyPayload is the SHA-256 of no bytes: GET and HEAD have no body.
const emptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

const (
	amzTime   = "20060102T150405Z"
	scopeTail = "/s3/aws4_request"
)

// signer makes AWS Signature Version 4 for requests without a body and without a query. The key that AWS derives per
// day and region is made once. It may be used concurrently.
type signer struct {
	region  string
	current atomic.Pointer[signingKey]
	second  atomic.Pointer[stamp]
}

// stamp is one second as AWS writes it. Formatting a time takes as long as a tenth of a signature.
type stamp struct {
	second int64
	text   string
}

// signingKey is one credential's derived key for one day.
type signingKey struct {
	credential *credential
	day        int64
	scope      string
	secret     []byte
}

// unsigned is what a signature covers. Empty fields are absent headers.
type unsigned struct {
	method, host, rangeValue, ifMatch string
	path                              []byte // encoded
}

// signature holds the headers to send, and room for the next request. It is valid until it is used again.
type signature struct {
	path, date, authorization []byte
	names, buf                []byte
	sum                       [sha256.Size]byte

	key *signingKey // that mac was made for
	mac hash.Hash
}

// sign fills out with the headers for r at the time now.
func (s *signer) sign(out *signature, c *credential, r unsigned, now time.Time) {
	now = now.UTC()
	key := s.keyFor(c, now)
	out.date = s.appendTime(out.date[:0], now)
	out.names = appendNames(out.names[:0], r, c.token != "")
	out.buf = appendCanonical(out.buf[:0], r, out.date, c.token, out.names)
	out.sum = sha256.Sum256(out.buf)

	out.buf = append(out.buf[:0], "AWS4-HMAC-SHA256\n"...)
	out.buf = append(out.buf, out.date...)
	out.buf = append(out.buf, '\n')
	out.buf = append(out.buf, key.scope...)
	out.buf = append(out.buf, '\n')
	out.buf = hex.AppendEncode(out.buf, out.sum[:])

	if out.key != key {
		out.key, out.mac = key, hmac.New(sha256.New, key.secret)
	}
	out.mac.Reset()
	out.mac.Write(out.buf)
	sum := out.mac.Sum(out.sum[:0])

	auth := append(out.authorization[:0], "AWS4-HMAC-SHA256 Credential="...)
	auth = append(append(auth, c.access...), '/')
	auth = append(auth, key.scope...)
	auth = append(append(auth, ", SignedHeaders="...), out.names...)
	auth = append(auth, ", Signature="...)
	out.authorization = hex.AppendEncode(auth, sum)
}

// appendTime writes the second that now, in UTC, is in.
func (s *signer) appendTime(dst []byte, now time.Time) []byte {
	t := s.second.Load()
	if second := now.Unix(); t == nil || t.second != second {
		t = &stamp{second, now.Format(amzTime)}
		s.second.Store(t)
	}
	return append(dst, t.text...)
}

func (s *signer) keyFor(c *credential, now time.Time) *signingKey {
	day := now.Unix() / (24 * 60 * 60)
	if k := s.current.Load(); k != nil && k.day == day && k.credential == c {
		return k
	}
	k := newSigningKey(c, s.region, now)
	s.current.Store(k)
	return k
}

func newSigningKey(c *credential, region string, now time.Time) *signingKey {
	date := now.Format("20060102")
	key := []byte("AWS4" + c.secret)
	for _, part := range []string{date, region, "s3", "aws4_request"} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	day := now.Unix() / (24 * 60 * 60)
	return &signingKey{credential: c, day: day, scope: date + "/" + region + scopeTail, secret: key}
}

// appendNames writes the names of the signed headers in their order.
func appendNames(dst []byte, r unsigned, token bool) []byte {
	dst = append(dst, "host;"...)
	if r.ifMatch != "" {
		dst = append(dst, "if-match;"...)
	}
	if r.rangeValue != "" {
		dst = append(dst, "range;"...)
	}
	dst = append(dst, "x-amz-content-sha256;x-amz-date"...)
	if token {
		dst = append(dst, ";x-amz-security-token"...)
	}
	return dst
}

// appendCanonical writes the canonical request of the S3 API reference, "Signature calculations for the Authorization
// header": method, path, no query, headers, their names, the payload's hash.
func appendCanonical(dst []byte, r unsigned, date []byte, token string, names []byte) []byte {
	dst = append(append(dst, r.method...), '\n')
	dst = append(append(dst, r.path...), "\n\nhost:"...)
	dst = append(append(dst, r.host...), '\n')
	dst = appendHeader(dst, "if-match:", r.ifMatch)
	dst = appendHeader(dst, "range:", r.rangeValue)
	dst = append(dst, "x-amz-content-sha256:"+emptyPayload+"\nx-amz-date:"...)
	dst = append(append(dst, date...), '\n')
	dst = appendHeader(dst, "x-amz-security-token:", token)
	dst = append(append(append(dst, '\n'), names...), '\n')
	return append(dst, emptyPayload...)
}

// appendHeader writes one canonical header, runs of spaces folded, or nothing for an empty one.
func appendHeader(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, name...)
	if strings.ContainsAny(value, " \t") {
		value = strings.Join(strings.Fields(value), " ")
	}
	return append(append(dst, value...), '\n')
}
