package bucket

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"mirrorgate/cache"
)

// BenchmarkOpen reads a 1 KiB object with five metadata entries over one connection to a server that does nothing else.
func BenchmarkOpen(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go serveOneObject(l)
	var c S3Config
	c.SetDefaults()
	c.Endpoint, c.Name, c.AccessKey, c.SecretKey = "http://"+l.Addr().String(), "box", "AKID", "secret"
	s, err := NewS3(c, "", NewUploads(UploadLimits{PartSize: 5 << 20}), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		obj, err := s.Open(b.Context(), "images/a.jpg", cache.ReadOptions{})
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, obj.Body); n != 1024 || err != nil {
			b.Fatal(n, err)
		}
		obj.Body.Close()
	}
}

// serveOneObject answers every request alike, and allocates nothing for it.
func serveOneObject(l net.Listener) {
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 1024\r\nContent-Type: image/jpeg\r\n" +
		"ETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\nLast-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n" +
		"Cache-Control: max-age=60\r\nx-amz-meta-mg-time: 1700000000\r\n" +
		"x-amz-meta-mg-proof: 1024 900150983cd24fb0d6963f7d28e17f72\r\nx-amz-meta-mg-etag: \"abc\"\r\n" +
		"x-amz-meta-mg-target: primary\r\nx-amz-meta-mg-rule: images\r\n\r\n" + strings.Repeat("x", 1024))
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			for request, n := make([]byte, 4096), 0; ; {
				read, err := c.Read(request[n:])
				if n += read; err != nil {
					return
				}
				if bytes.HasSuffix(request[:n], []byte("\r\n\r\n")) {
					n = 0
					c.Write(answer)
				}
			}
		}()
	}
}
