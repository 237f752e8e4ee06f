package origin_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"mirrorgate/test/origin"
)

func lineProofs() map[string]proof {
	silentBut := func(text string) func(origin.Object, reply) error {
		return func(_ origin.Object, r reply) error {
			if string(r.raw) != text {
				return fmt.Errorf("not just %.60q", text)
			}
			return nil
		}
	}
	const early = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-Smuggled: interim\r\n\r\n"
	all := map[string]proof{
		"line-bare":      {line: "HTTP/1.1 200"},
		"line-late":      {raw: begins("\r\nHTTP/1.1 200 OK\r\n")},
		"line-garbage":   {open: true, raw: silentBut(strings.Repeat("\x16\x03\x01\x00\xff\r\n", 100))},
		"line-body-only": {open: true, raw: func(o origin.Object, r reply) error { return o.Truth.Check(bytes.NewReader(r.raw)) }},
		"line-endless":   {line: "HTTP/1.1 200 OK" + strings.Repeat("!", 4<<20)},
		"interim-flood":  {raw: begins(strings.Repeat(early, 10_000) + "HTTP/1.1 200 OK\r\n")},
		"interim-only":   {open: true, raw: silentBut(early)},
		"switching": {open: true, line: "HTTP/1.1 101 Switching Protocols", has: []string{"Connection: Upgrade", "Upgrade: smuggled"},
			body: none},
	}
	for name, line := range map[string]string{
		"icy": "ICY 200 OK", "short": "HTTP/1.1", "letters": "HTTP/1.1 2OO OK", "long-code": "HTTP/1.1 2000 OK",
		"negative": "HTTP/1.1 -20 OK", "lower-case": "http/1.1 200 ok", "no-version": "200 OK", "version": "HTTP/9.9 200 OK",
		"control": "HTTP/1.1 200 O\x00\x01\rK",
	} {
		all["line-"+name] = proof{line: line}
	}
	return all
}

func headerProofs() map[string]proof {
	long := func(n int) func(origin.Object, reply) error {
		return func(o origin.Object, r reply) error {
			if len(r.head) < n || len(r.head) > n+1000 {
				return fmt.Errorf("%d bytes of header", len(r.head))
			}
			return o.Truth.Check(bytes.NewReader(r.body))
		}
	}
	all := map[string]proof{
		"header-large":   {raw: long(32 << 10)},
		"header-huge":    {raw: long(16 << 20)},
		"header-endless": {check: endless},
		"header-unended": {open: true, raw: func(_ origin.Object, r reply) error {
			if !strings.HasPrefix(r.head, "HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\n") || len(r.body) > 0 ||
				!bytes.HasSuffix(r.raw, []byte("s\r\n")) {
				return errors.New("not a header without an end")
			}
			return nil
		}},
		"header-bare-lf": {raw: bareLF},
		"etags":          {raw: twoETags},
	}
	const disposition = "Content-Disposition: "
	for name, line := range map[string]string{
		"cr": disposition + "inline\rX-Smuggled: cr", "lf": disposition + "inline\nX-Smuggled: lf",
		"nul": disposition + "inline\x00X-Smuggled", "control": disposition + "\x01in\x1bline\x7f",
		"latin1": disposition + "attachment; filename=\"\xe9.bin\"", "utf8": disposition + "attachment; filename=\"é世.bin\"",
		"no-colon": "X-Smuggled", "no-name": ": X-Smuggled", "space": "Content-Disposition : inline",
		"space-in-name": "Content Disposition: inline", "etag-control": "ETag: \"a\rb\x01\"",
		"type-control": "Content-Type: text/plain\rX-Smuggled: type", "connection": "Connection: Cache-Control, Content-Type",
		"cache-status": "Cache-Status: origin; hit; X-Smuggled", "amz": "x-amz-X-Smuggled: a",
	} {
		all["header-"+name] = proof{has: []string{line, lengthIs(size)}}
	}
	all["header-crlf"] = proof{has: []string{disposition + "inline", "X-Smuggled: crlf"}}
	all["header-fold"] = proof{raw: contains("\r\n" + disposition + "inline;\r\n filename=a.bin\r\n")}
	return all
}

// endless: megabytes of header come and no end, until the client leaves.
func endless(t *testing.T, s *origin.Server, path string) {
	c := dial(t, s)
	c.send("GET", path)
	head := make([]byte, 4<<20)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(head, []byte("\r\n\r\n")) || !bytes.HasPrefix(head, []byte("HTTP/1.1 200 OK\r\n")) {
		t.Error("not a header without an end")
	}
	c.Close()
	waitFor(t, s, path, func(n origin.Count) bool { return n.Broken == 1 && n.Active == 0 })
}

func twoETags(o origin.Object, r reply) error {
	if !r.has("Etag: "+o.ETag) || !r.has(`ETag: "another"`) {
		return errors.New("not two ETags")
	}
	return nil
}

func bareLF(o origin.Object, r reply) error {
	head, body, found := bytes.Cut(r.raw, []byte("\n\n"))
	if !found || bytes.Contains(head, []byte("\r")) || !bytes.HasPrefix(head, []byte("HTTP/1.1 200 OK\nAccept-Ranges: bytes\n")) {
		return errors.New("not LF only")
	}
	return o.Truth.Check(bytes.NewReader(body))
}

func digestProofs() map[string]proof {
	md5Of := func(b []byte) []byte { s := md5.Sum(b); return s[:] }
	sha256Of := func(b []byte) []byte { s := sha256.Sum256(b); return s[:] }
	crcOf := func(b []byte) []byte {
		return binary.BigEndian.AppendUint32(nil, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	}
	all := map[string]proof{
		"digest-nonsense":  {has: []string{"Content-MD5: not base64"}},
		"digest-truncated": {has: []string{"Content-MD5: AAAA"}},
		"digest-unknown":   {has: []string{"Repr-Digest: unixsum=:AAAA:"}},
		"digest-composite": {has: []string{"x-amz-checksum-sha256: AAAA-3", "x-amz-checksum-type: COMPOSITE"}},
		"etag-no-md5": {raw: func(o origin.Object, r reply) error {
			sum := md5Of(o.Truth.Bytes())
			sum[0] ^= 1
			return contains("\r\nEtag: \""+hex.EncodeToString(sum)+"\"\r\n")(o, r)
		}},
	}
	for _, d := range []struct {
		name, format string
		sum          func([]byte) []byte
	}{
		{"md5", "Content-MD5: %s", md5Of}, {"repr", "Repr-Digest: sha-256=:%s:", sha256Of}, {"old", "Digest: sha-256=%s", sha256Of},
		{"amz", "x-amz-checksum-sha256: %s\r\nx-amz-checksum-type: FULL_OBJECT", sha256Of},
		{"goog-md5", "x-goog-hash: md5=%s", md5Of}, {"goog-crc32c", "x-goog-hash: crc32c=%s", crcOf},
	} {
		says := func(wrong byte) func(origin.Object, reply) error {
			return func(o origin.Object, r reply) error {
				sum := d.sum(o.Truth.Bytes())
				sum[0] ^= wrong
				line := fmt.Sprintf(d.format, base64.StdEncoding.EncodeToString(sum))
				return errors.Join(contains("\r\n"+line)(o, r), o.Truth.Check(bytes.NewReader(r.body)))
			}
		}
		all["digest-"+d.name], all["digest-"+d.name+"-wrong"] = proof{raw: says(0)}, proof{raw: says(1)}
	}
	return all
}

func policyProofs() map[string]proof {
	all := map[string]proof{}
	for name, line := range map[string]string{
		"no-store": "Cache-Control: no-store", "private": "Cache-Control: private, max-age=60",
		"max-age": "Cache-Control: public, max-age=3600", "max-age-0": "Cache-Control: max-age=0, must-revalidate",
		"set-cookie": "Set-Cookie: session=1; HttpOnly", "vary-cookie": "Vary: Cookie", "vary-all": "Vary: *",
		"vary-encoding": "Vary: Accept-Encoding, Origin", "encoding-br": "Content-Encoding: br",
		"html": "Content-Type: text/html; charset=utf-8",
	} {
		all[name] = proof{has: []string{line, lengthIs(size)}}
	}
	return all
}
