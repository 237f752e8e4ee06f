package bucket

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"mirrorgate/cache"
)

// FuzzAnswerHead: what is taken for a header, two other parsers read in the same way. They may take more.
func FuzzAnswerHead(f *testing.F) {
	for _, seed := range []string{
		right, "HTTP/1.0 404 Not Found\r\nConnection: keep-alive, close\r\n\r\n",
		"HTTP/1.1 206 P\r\nContent-Length: 2\r\nContent-Range: bytes 1-2/5\r\nX-Amz-Meta-A: \tb c \r\n\r\nel",
		"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\nx-amz-meta-A: 1\r\nX-Amz-Meta-a: 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-",
		"HTTP/1.1 200 OK\r\nContent-Length: 000000000000000005\r\nContent-Type: a\r\nETag: \"\xff\"\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var h answerHead
		n, err := h.parse(bytes.Clone(text))
		if err != nil {
			return
		}
		if !bytes.HasSuffix(text[:n], []byte("\r\n\r\n")) || bytes.Contains(text[:n-2], []byte("\r\n\r\n")) {
			t.Fatalf("the header ends elsewhere than behind %q", text[:n])
		}
		agrees(t, &h, text[:n])
		for cut := range n {
			if _, err := new(answerHead).parse(bytes.Clone(text[:cut])); err != errMore {
				t.Fatalf("%q, cut behind %d bytes: %v, want more", text[:n], cut, err)
			}
		}
	})
}

// agrees compares h with what fasthttp and net/http make of the same header.
func agrees(t *testing.T, h *answerHead, text []byte) {
	t.Helper()
	var fast fasthttp.ResponseHeader
	fast.SetNoDefaultContentType(true)
	if err := fast.Read(bufio.NewReaderSize(bytes.NewReader(text), len(text)+16)); err == nil {
		if fast.StatusCode() != h.status || !h.coded && h.length >= 0 && int64(fast.ContentLength()) != h.length {
			t.Fatalf("%q: status %d length %d, fasthttp says %d and %d", text, h.status, h.length, fast.StatusCode(), fast.ContentLength())
		}
		if string(fast.Peek("ETag")) != string(h.etag) && fast.PeekAll("ETag") != nil && len(fast.PeekAll("ETag")) == 1 {
			t.Fatalf("%q: etag %q, fasthttp says %q", text, h.etag, fast.Peek("ETag"))
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(text)), &http.Request{Method: "GET"})
	if err != nil {
		return
	}
	if resp.StatusCode != h.status || resp.ProtoMinor == 0 != h.old {
		t.Fatalf("%q: status %d old %v, net/http says %v", text, h.status, h.old, resp)
	}
	if !h.coded && h.length >= 0 && !h.bodiless("GET") && resp.ContentLength != h.length {
		t.Fatalf("%q: length %d, net/http says %d", text, h.length, resp.ContentLength)
	}
	for name, got := range map[string][]byte{
		"Etag": h.etag, "Content-Type": h.kind, "Content-Encoding": h.coding, "Content-Range": h.contentRange, "Expires": h.expires,
		"Cache-Control": h.cacheControl, "Content-Disposition": h.disposition, "Content-Language": h.language, "Last-Modified": h.modified,
	} {
		if all := resp.Header[name]; len(all) > 0 && all[len(all)-1] != string(got) || len(all) == 0 && len(got) > 0 {
			t.Fatalf("%q: %s %q, net/http says %q", text, name, got, all)
		}
	}
	for _, u := range h.user {
		if len(resp.Header[http.CanonicalHeaderKey("X-Amz-Meta-"+string(u.name))]) == 0 {
			t.Fatalf("%q: net/http has no user metadata %q", text, u.name)
		}
	}
}

// FuzzDate: dates are read as net/http reads them.
func FuzzDate(f *testing.F) {
	for _, seed := range []string{
		"Tue, 14 Nov 2023 22:13:20 GMT", "Thu, 29 Feb 2024 00:00:00 GMT", "Wed, 29 Feb 2023 00:00:00 GMT", "Sat, 31 Apr 2026 23:59:59 GMT",
		"Tuesday, 14-Nov-23 22:13:20 GMT", "Tue Nov 14 22:13:20 2023", "Tue, 14 Nov 2023 24:00:00 GMT", "Tue, 14 Nov 2023 22:13:60 GMT",
		"Tue, 14 Nov 0000 22:13:20 GMT", "Tue, 14 nov 2023 22:13:20 GMT", "Tue, 14 Nov 2023 22:13:20 UTC", "", "Xue, 14 Nov 2023 22:13:20 GMT",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := http.ParseTime(text)
		if got := parseDate([]byte(text)); err == nil && !got.Equal(want) || err != nil && !got.IsZero() {
			t.Errorf("%q: got %v, want %v, %v", text, got, want, err)
		}
	})
}

// Of several entries with one name, the last counts, as for all headers; names have no case.
func TestMetadataTwice(t *testing.T) {
	x := new(exchange)
	text := "HTTP/1.1 200 OK\r\nx-amz-meta-B: 1\r\nX-Amz-Meta-a: 2\r\nX-AMZ-META-b: 3\r\nx-amz-meta-: 4\r\nCache-Control: a\r\ncache-control: b\r\n\r\n"
	if _, err := x.head.parse([]byte(text)); err != nil {
		t.Fatal(err)
	}
	var m cache.Meta
	x.describeMeta(&m, 1)
	if len(m.User) != 2 || m.User["a"] != "2" || m.User["b"] != "3" || m.CacheControl != "b" {
		t.Errorf("meta = %+v", m)
	}
	if strings.Join([]string{m.ContentType, m.Expires, m.Bucket.ETag}, "") != "" {
		t.Errorf("more than was said: %+v", m)
	}
}
