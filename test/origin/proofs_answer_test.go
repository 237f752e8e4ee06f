package origin_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/origin"
)

// statusIs is the line of an answer with its small text.
func statusIs(status int, has ...string) proof {
	line := fmt.Sprintf("HTTP/1.1 %d %s", status, http.StatusText(status))
	body := text(line[len("HTTP/1.1 "):] + "\n")
	if status == 204 || status == 304 {
		body = none
	}
	return proof{line: line, has: has, body: body}
}

func statusProofs() map[string]proof {
	thenOK := func(first proof) proof {
		return proof{check: func(t *testing.T, s *origin.Server, path string) {
			first.prove(t, s, path)
			proof{has: []string{lengthIs(size)}}.prove(t, s, path)
		}}
	}
	all := map[string]proof{
		"status":               statusIs(503),
		"error-then-ok":        thenOK(statusIs(503)),
		"too-many":             statusIs(429, "Retry-After: 1"),
		"unavailable":          statusIs(503, "Retry-After: 1"),
		"unavailable-until":    {raw: retryDate},
		"unavailable-huge":     statusIs(503, "Retry-After: 31557600000000"),
		"unavailable-nonsense": statusIs(503, "Retry-After: soon"),
		"too-many-then-ok":     thenOK(statusIs(429, "Retry-After: 1")),
		"not-modified":         statusIs(304),
		"range-unasked": {line: "HTTP/1.1 206 Partial Content", body: upTo(half),
			has: []string{lengthIs(half), fmt.Sprintf("Content-Range: bytes 0-%d/%d", half-1, size)}},
		"range-unasked-whole": {line: "HTTP/1.1 206 Partial Content",
			has: []string{lengthIs(size), fmt.Sprintf("Content-Range: bytes 0-%d/%d", size-1, size)}},
	}
	for _, status := range []int{203, 204, 300, 400, 401, 403, 404, 410, 418, 451, 500, 502, 504, 508, 600, 999} {
		all[fmt.Sprintf("status-%d", status)] = statusIs(status)
	}
	return all
}

func retryDate(_ origin.Object, r reply) error {
	_, value, _ := strings.Cut(r.head, "Retry-After: ")
	at, err := http.ParseTime(strings.Split(value, "\r\n")[0])
	if err == nil && time.Until(at).Abs() > patience {
		err = errors.New("not about now")
	}
	return err
}

func redirectProofs() map[string]proof {
	to := func(status int, location string) proof { return statusIs(status, "Location: "+location) }
	all := map[string]proof{
		"redirect":         to(302, "http://169.254.169.254/"),
		"redirect-chain":   {check: redirectChain},
		"redirect-far":     to(302, "/~redirect-far/a.bin?hop=1"),
		"redirect-loop":    to(302, "/~redirect-loop/a.bin"),
		"redirect-two":     {check: redirectTwo},
		"redirect-slash":   to(301, "/~redirect-slash/a.bin/"),
		"redirect-nowhere": {line: "HTTP/1.1 302 Found", lacks: []string{"Location"}, body: text("302 Found\n")},
		"redirect-invalid": to(302, "http://[::1/%zz"),
		"redirect-control": to(302, "/a\rX-Smuggled: location\x00\x7f"),
		"redirect-file":    to(302, "file:///etc/passwd"),
		"redirect-gopher":  to(302, "gopher://127.0.0.1:6379/_INFO"),
	}
	for name, host := range map[string]string{
		"metadata": "169.254.169.254", "metadata-mapped": "[::ffff:169.254.169.254]", "metadata-nat64": "[64:ff9b::169.254.169.254]",
		"metadata-6to4": "[2002:a9fe:a9fe::1]", "metadata-decimal": "2852039166", "metadata-octal": "0251.0376.0251.0376",
		"metadata-hex": "0xa9fea9fe", "metadata-v6": "[fd00:ec2::254]", "metadata-alibaba": "100.100.100.200",
		"metadata-azure": "168.63.129.16", "private": "10.0.0.1", "private-mapped": "[::ffff:10.0.0.1]", "private-c": "192.168.0.1",
		"private-v6": "[fc00::1]", "loopback-name": "localhost:9", "loopback-v6": "[::1]:9", "loopback-other": "127.0.0.2:9",
		"zero": "0.0.0.0:9", "zero-v6": "[::]:9", "link-local-v6": "[fe80::1]", "multicast": "224.0.0.1",
		"broadcast": "255.255.255.255",
	} {
		all["redirect-"+name] = to(302, "http://"+host+"/latest/meta-data/")
	}
	return all
}

func redirectChain(t *testing.T, s *origin.Server, path string) {
	for hop, at := 1, path; hop <= 3; hop++ {
		next := fmt.Sprintf("%s?hop=%d", path, hop)
		statusIs(302, "Location: "+next).prove(t, s, at)
		at = next
	}
	sameBytes(t, "the body at the end", get(t, s, "GET", path+"?hop=3").body, s.Truth(path).Bytes())
}

func redirectTwo(t *testing.T, s *origin.Server, path string) {
	statusIs(302, "Location: "+path+"?hop=1").prove(t, s, path)
	statusIs(302, "Location: "+path+"?hop=0").prove(t, s, path+"?hop=1")
	statusIs(302, "Location: "+path+"?hop=1").prove(t, s, path+"?hop=0")
}

func headProofs() map[string]proof {
	// both: HEAD is as the proof says and GET is sound.
	both := func(head, get proof) proof {
		head.method = "HEAD"
		return proof{check: func(t *testing.T, s *origin.Server, path string) {
			head.prove(t, s, path)
			get.prove(t, s, path)
		}}
	}
	says := proof{has: []string{lengthIs(size)}}
	silent := func(_ origin.Object, r reply) error {
		if len(r.raw) > 0 {
			return errors.New("not silent")
		}
		return nil
	}
	all := map[string]proof{
		"head-cut":       both(proof{open: true, raw: silent}, says),
		"head-body":      both(proof{has: []string{lengthIs(size)}, body: upTo(100)}, says),
		"head-no-length": both(proof{lacks: []string{"Content-Length"}}, says),
		"head-refused-length": both(proof{line: "HTTP/1.1 405 Method Not Allowed"}, proof{header: []string{"Range: bytes=0-0"},
			lacks: []string{"Content-Length"}, body: chunkedUpTo(size, 4096, "", lastChunk)}),
	}
	for _, status := range []int{403, 404, 405, 500, 501} {
		p := statusIs(status)
		p.body = none
		all[fmt.Sprintf("head-%d", status)] = both(p, says)
	}
	return all
}

// asked is the range that the proofs ask for, in objects of any size.
const (
	asked  = 50_000
	length = 1000
)

// rangeAnswers are the answers to that range in an object of a size.
func rangeAnswers(size int) map[string]proof {
	const partial = "HTTP/1.1 206 Partial Content"
	part := func(first, n int64) func(origin.Object) string {
		return func(o origin.Object) string { return whole(o)[first : first+n] }
	}
	says := func(first, last, of int) string { return fmt.Sprintf("Content-Range: bytes %d-%d/%d", first, last, of) }
	right := says(asked, asked+length-1, size)
	refused := statusIs(416, fmt.Sprintf("Content-Range: bytes */%d", size))
	bare := statusIs(416)
	bare.lacks = []string{"Content-Range"}
	return map[string]proof{
		"ignored":     {has: []string{lengthIs(size)}, lacks: []string{"Content-Range"}},
		"shifted":     {line: partial, has: []string{says(asked+1, asked+length-1, size), lengthIs(length - 1)}, body: part(asked+1, length-1)},
		"mislabelled": {line: partial, has: []string{says(asked+1, asked+length, size)}, body: part(asked, length)},
		"other-size":  {line: partial, has: []string{says(asked, asked+length-1, size+1)}, body: part(asked, length)},
		"other-etag": {line: partial, has: []string{right}, body: func(o origin.Object) string {
			return part(asked, length)(o.Version(1))
		}},
		"short": {line: partial, has: []string{right, lengthIs(length / 2)}, body: part(asked, length/2)},
		"long": {line: partial, has: []string{right, lengthIs(length + 8)}, body: func(o origin.Object) string {
			return part(asked, length)(o) + "smuggled"
		}},
		"cut":   {open: true, line: partial, has: []string{right, lengthIs(length)}, body: part(asked, length/2)},
		"bare":  {line: partial, lacks: []string{"Content-Range"}, body: part(asked, length)},
		"twice": {raw: twice(says(asked+1, asked+length, size), right)},
		"unit":  {line: partial, has: []string{strings.Replace(right, "bytes", "items", 1)}, body: part(asked, length)},
		"multipart": {line: partial, has: []string{"Content-Type: multipart/byteranges; boundary=part"}, lacks: []string{"Content-Range"},
			body: text("--part\r\nContent-Type: application/octet-stream\r\n" + right + "\r\n\r\nsmuggled\r\n--part--\r\n")},
		"416":      refused,
		"416-bare": bare,
		"204":      statusIs(204),
		"404":      statusIs(404),
		"error":    statusIs(500),
	}
}

// rangeProofs: a plain GET is sound, one with a Range is not.
func rangeProofs() map[string]proof {
	all := map[string]proof{}
	for name, p := range rangeAnswers(12 << 20) {
		p.header = []string{fmt.Sprintf("Range: bytes=%d-%d", asked, asked+length-1)}
		all["range-"+name] = proof{check: func(t *testing.T, s *origin.Server, path string) {
			proof{has: []string{lengthIs(12 << 20)}}.prove(t, s, path)
			p.prove(t, s, path)
		}}
	}
	return all
}

// resumeProofs: a plain GET is cut, one with a Range is wrong.
func resumeProofs() map[string]proof {
	all := map[string]proof{
		"etag-changes":       {check: etagChanges("HTTP/1.1 200 OK", 0)},
		"etag-changes-range": {check: etagChanges("HTTP/1.1 206 Partial Content", half)},
		"etag-vanishes": {check: func(t *testing.T, s *origin.Server, path string) {
			cut().prove(t, s, path)
			proof{header: []string{fmt.Sprintf("Range: bytes=%d-", half)}, line: "HTTP/1.1 206 Partial Content",
				lacks: []string{"ETag", "Last-Modified"}, body: from(half)}.prove(t, s, path)
		}},
	}
	for name, p := range rangeAnswers(size) {
		p.header = []string{fmt.Sprintf("Range: bytes=%d-%d", asked, asked+length-1)}
		all["resume-"+name] = proof{check: func(t *testing.T, s *origin.Server, path string) {
			cut().prove(t, s, path)
			p.prove(t, s, path)
		}}
	}
	return all
}

func cut() proof { return proof{open: true, has: []string{lengthIs(size)}, body: upTo(half)} }

// etagChanges: after the cut it is another object, of which everything from a byte on comes.
func etagChanges(line string, first int64) func(*testing.T, *origin.Server, string) {
	return func(t *testing.T, s *origin.Server, path string) {
		old := s.Object(path)
		cut().prove(t, s, path)
		proof{header: []string{fmt.Sprintf("Range: bytes=%d-", half), "If-Range: " + old.ETag}, line: line,
			has:  []string{"Etag: " + old.Version(1).ETag},
			body: func(o origin.Object) string { return whole(o.Version(1))[first:] }}.prove(t, s, path)
		if old.ETag == old.Version(1).ETag || bytes.Equal(old.Truth.Bytes(), old.Version(1).Truth.Bytes()) {
			t.Error("it is the same object")
		}
	}
}
