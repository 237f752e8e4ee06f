package origin_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http/httputil"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/origin"
)

func soundProofs() map[string]proof {
	chunked := []string{"Transfer-Encoding: chunked"}
	noLength := []string{"Content-Length"}
	return map[string]proof{
		"sound":            {has: []string{lengthIs(size), "Accept-Ranges: bytes", "Content-Type: application/octet-stream"}},
		"chunked":          {has: chunked, lacks: noLength, body: chunkedUpTo(size, 4096, "", lastChunk)},
		"chunk-tiny":       {has: chunked, lacks: noLength, body: chunkedUpTo(8<<10, 1, "", lastChunk)},
		"chunk-extensions": {has: chunked, lacks: noLength, body: chunkedUpTo(size, 4096, `;a=b;c="d"`, lastChunk)},
		"trailers": {has: []string{"Transfer-Encoding: chunked", "Trailer: X-Trailer"}, lacks: noLength,
			body: chunkedUpTo(size, 4096, "", "0\r\nX-Trailer: late\r\nX-Smuggled: trailer\r\n\r\n")},
		"close":           {open: true, has: []string{"Connection: close", lengthIs(size)}},
		"close-unsaid":    {open: true, has: []string{lengthIs(size)}, lacks: []string{"Connection"}},
		"close-delimited": {open: true, lacks: []string{"Content-Length", "Transfer-Encoding"}},
		"http10":          {open: true, line: "HTTP/1.0 200 OK", has: []string{lengthIs(size)}},
		"interim": {raw: begins("HTTP/1.1 100 Continue\r\nLink: </a.css>; rel=preload\r\nX-Smuggled: interim\r\n\r\n" +
			"HTTP/1.1 102 Processing\r\n")},
		"gzip":            {has: []string{"Content-Encoding: gzip", chunked[0]}, lacks: noLength, raw: gunzips},
		"no-validators":   {lacks: []string{"ETag", "Last-Modified"}},
		"weak-validators": {lacks: []string{"Last-Modified"}, raw: contains("\r\nEtag: W/\"")},
		"no-type":         {lacks: []string{"Content-Type"}},
		"empty":           {has: []string{lengthIs(0)}, body: none},
	}
}

func begins(text string) func(origin.Object, reply) error {
	return func(_ origin.Object, r reply) error {
		if !bytes.HasPrefix(r.raw, []byte(text)) {
			return fmt.Errorf("does not begin with %q", text)
		}
		return nil
	}
}

func contains(text string) func(origin.Object, reply) error {
	return func(_ origin.Object, r reply) error {
		if !bytes.Contains(r.raw, []byte(text)) {
			return fmt.Errorf("does not contain %q", text)
		}
		return nil
	}
}

func gunzips(o origin.Object, r reply) error {
	if !r.has("Content-Encoding: gzip") || !r.has("Transfer-Encoding: chunked") {
		return errors.New("not chunked and gzipped")
	}
	z, err := gzip.NewReader(httputil.NewChunkedReader(bytes.NewReader(r.body)))
	if err != nil {
		return err
	}
	return o.Truth.Check(z)
}

func cutProofs() map[string]proof {
	says := []string{lengthIs(size)}
	headOnly := func(_ origin.Object, r reply) error {
		if len(r.raw) != 40 || !bytes.HasPrefix(r.raw, []byte("HTTP/1.1 200 OK\r\n")) {
			return errors.New("not 40 bytes of a header")
		}
		return nil
	}
	silent := func(_ origin.Object, r reply) error {
		if len(r.raw) != 0 {
			return errors.New("not silent")
		}
		return nil
	}
	return map[string]proof{
		"cut-silent":       {open: true, raw: silent},
		"cut-head":         {open: true, raw: headOnly},
		"reset-silent":     {open: true, raw: silent, reset: true},
		"reset-head":       {open: true, raw: headOnly, reset: true},
		"cut-close":        {open: true, has: says, body: upTo(half)},
		"cut-reset":        {open: true, has: says, body: upTo(half), reset: true},
		"cut-first":        {open: true, has: says, body: none},
		"cut-last":         {open: true, has: says, body: upTo(size - 1)},
		"cut-once":         {check: cutOnce(false)},
		"cut-once-reset":   {check: cutOnce(true)},
		"cut-once-chunked": {check: cutOnceChunked},
		"cut-once-weak":    {has: says, body: upTo(half), lacks: []string{"Last-Modified"}},
		"cut-once-bare":    {has: says, body: upTo(half), lacks: []string{"Last-Modified", "ETag"}},
		"cut-each":         {check: cutEach},
	}
}

// cutOnce: the first answer is cut, the resume is not.
func cutOnce(reset bool) func(*testing.T, *origin.Server, string) {
	return func(t *testing.T, s *origin.Server, path string) {
		o := s.Object(path)
		proof{open: true, has: []string{lengthIs(size)}, body: upTo(half), reset: reset}.prove(t, s, path)
		proof{header: []string{fmt.Sprintf("Range: bytes=%d-", half), "If-Range: " + o.ETag}, line: "HTTP/1.1 206 Partial Content",
			has: []string{fmt.Sprintf("Content-Range: bytes %d-%d/%d", half, size-1, size), "Etag: " + o.ETag}, body: from(half),
		}.prove(t, s, path)
	}
}

func cutOnceChunked(t *testing.T, s *origin.Server, path string) {
	proof{open: true, has: []string{"Transfer-Encoding: chunked"}, body: func(o origin.Object) string {
		return inChunks(whole(o)[:edge], 4096, "") + "1000\r\n" + whole(o)[edge:half]
	}}.prove(t, s, path)
	proof{body: chunkedUpTo(size, 4096, "", lastChunk)}.prove(t, s, path)
}

// cutEach: every answer gets an eighth further.
func cutEach(t *testing.T, s *origin.Server, path string) {
	const step = size / 8
	proof{open: true, body: upTo(step)}.prove(t, s, path)
	proof{open: true, header: []string{fmt.Sprintf("Range: bytes=%d-", half)}, line: "HTTP/1.1 206 Partial Content",
		body: func(o origin.Object) string { return whole(o)[half : half+step] }}.prove(t, s, path)
}

func chunkProofs() map[string]proof {
	chunked := []string{"Transfer-Encoding: chunked"}
	at := func(n int64, tail string) proof {
		return proof{open: true, has: chunked, lacks: []string{"Content-Length"}, body: chunkedUpTo(n, 4096, "", tail)}
	}
	const smuggled = "8\r\nsmuggled\r\n0\r\n\r\n"
	return map[string]proof{
		"chunk-edge": at(edge, ""),
		"chunk-inside": {open: true, has: chunked, body: func(o origin.Object) string {
			return inChunks(whole(o)[:edge], 4096, "") + "1000\r\n" + whole(o)[edge:half]
		}},
		"chunk-size-cut":    at(edge, "10"),
		"chunk-no-end":      at(size, ""),
		"chunk-no-crlf":     at(size, "0\r\n"),
		"chunk-half-crlf":   at(size, "0\r\n\r"),
		"chunk-trailer-cut": at(size, "0\r\nX-Trailer: la"),
		"chunk-no-data-crlf": {open: true, has: chunked, body: func(o origin.Object) string {
			return inChunks(whole(o)[:edge], 4096, "") + "8\r\n" + whole(o)[edge:edge+8] + smuggled
		}},
		"chunk-bad-size":      at(edge, "zz\r\nsmuggled\r\n0\r\n\r\n"),
		"chunk-negative-size": at(edge, "-8\r\nsmuggled\r\n0\r\n\r\n"),
		"chunk-huge-size":     at(edge, "10000000000000008\r\nsmuggled\r\n0\r\n\r\n"),
		"chunk-lies":          at(edge, "7fffffff\r\n"),
		"chunk-long-extension": {has: chunked,
			body: chunkedUpTo(size, 4096, ";a="+strings.Repeat("b", 64<<10), lastChunk)},
		"chunk-http10": {open: true, line: "HTTP/1.0 200 OK", has: chunked, body: chunkedUpTo(size, 4096, "", lastChunk)},
		"coding-unknown": {has: []string{"Transfer-Encoding: gzip, chunked"}, lacks: []string{"Content-Length"},
			body: chunkedUpTo(size, 4096, "", lastChunk)},
		"coding-and-length":       {has: append(chunked, lengthIs(size)), body: chunkedUpTo(size, 4096, "", lastChunk)},
		"coding-and-wrong-length": {has: append(chunked, lengthIs(3)), body: chunkedUpTo(size, 4096, "", lastChunk)},
	}
}

func lengthProofs() map[string]proof {
	says := func(value string) proof { return proof{has: []string{"Content-Length: " + value}} }
	return map[string]proof{
		"length-long": {open: true, has: []string{lengthIs(size + 1000)}},
		"length-short": {has: []string{lengthIs(size)}, body: func(o origin.Object) string {
			return whole(o) + "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nX-Smuggled: body\r\n\r\nsmuggled"
		}},
		"length-twice":    {raw: twice(lengthIs(size), lengthIs(size))},
		"length-list":     says(fmt.Sprintf("%d, %d", size, size)),
		"length-conflict": {raw: twice(lengthIs(size), lengthIs(size-10))},
		"length-letters":  says(fmt.Sprintf("%dx", size)),
		"length-negative": says(fmt.Sprintf("-%d", size)),
		"length-plus":     says(fmt.Sprintf("+%d", size)),
		"length-hex":      says(fmt.Sprintf("0x%x", size)),
		"length-overflow": says(fmt.Sprintf("%d00000000000000000000", size)),
		"length-empty":    {open: true, has: []string{"Content-Length: "}},
	}
}

// twice: the header has the two lines in this order, and no third of the name.
func twice(first, second string) func(origin.Object, reply) error {
	return func(_ origin.Object, r reply) error {
		name, _, _ := strings.Cut(first, ":")
		var found []string
		for _, line := range strings.Split(r.head, "\r\n") {
			if strings.HasPrefix(line, name+":") {
				found = append(found, line)
			}
		}
		if len(found) != 2 || found[0] != first || found[1] != second {
			return fmt.Errorf("found %q", found)
		}
		return nil
	}
}

func slowProofs() map[string]proof {
	return map[string]proof{
		"drip":          {check: takes(600*time.Millisecond, proof{})},
		"slow-head":     {check: slowHead},
		"late":          {check: takes(300*time.Millisecond, proof{})},
		"stall-head":    {check: stalls(func(origin.Object, string) string { return "" })},
		"stall-in-head": {check: stalls(func(_ origin.Object, head string) string { return head[:40] })},
		"stall-first":   {check: stalls(func(_ origin.Object, head string) string { return head })},
		"stall-body":    {check: stalls(func(o origin.Object, head string) string { return head + whole(o)[:half] })},
		"stall-end": {check: stalls(func(o origin.Object, head string) string {
			coded := inChunks(whole(o), 4096, "")
			return head + coded[:len(coded)-len("\r\n")]
		})},
		"pause-body": {check: takes(300*time.Millisecond, proof{})},
	}
}

// takes: the answer is that of the proof and takes at least that long.
func takes(least time.Duration, p proof) func(*testing.T, *origin.Server, string) {
	return func(t *testing.T, s *origin.Server, path string) {
		began := time.Now()
		p.prove(t, s, path)
		if took := time.Since(began); took < least {
			t.Errorf("it took only %v", took)
		}
	}
}

// slowHead: the bytes of the header come one by one, each a millisecond after the other.
func slowHead(t *testing.T, s *origin.Server, path string) {
	c := dial(t, s)
	c.send("GET", path, "Connection: close")
	reads, began := 0, time.Now()
	all := c.until(func(got []byte) bool {
		reads++
		return bytes.Contains(got, []byte("\r\n\r\n"))
	})
	if took := time.Since(began); reads < 20 || took < 150*time.Millisecond {
		t.Errorf("%d bytes in %d reads within %v", len(all), reads, took)
	}
	_, body, _ := bytes.Cut(all, []byte("\r\n\r\n"))
	sameBytes(t, "the body", append(body, c.rest().raw...), s.Truth(path).Bytes())
}

// stalls: so much comes and no more, until the path is released.
func stalls(before func(o origin.Object, head string) string) func(*testing.T, *origin.Server, string) {
	return func(t *testing.T, s *origin.Server, path string) {
		c := dial(t, s)
		c.send("GET", path, "Connection: close")
		want := ""
		got := c.until(func(got []byte) bool {
			head := string(got) + strings.Repeat("?", 1<<20) // as far as it is known
			if end := bytes.Index(got, []byte("\r\n\r\n")); end >= 0 {
				head = head[:end+len("\r\n\r\n")]
			}
			want = before(s.Object(path), head)
			return len(got) >= len(want)
		})
		waitFor(t, s, path, func(n origin.Count) bool { return n.Stopped == 1 })
		c.quiet()
		sameBytes(t, "what came before the stall", got, []byte(want))
		s.Release(path)
		rest := c.rest().raw
		if !bytes.HasPrefix(append(got, rest...), []byte("HTTP/1.1 200 OK\r\n")) || len(rest) == 0 {
			t.Errorf("%d bytes after the release", len(rest))
		}
		same(t, "stopped", s.Count(path).Stopped, 0)
	}
}
