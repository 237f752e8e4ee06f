package origin

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestChunkless(t *testing.T) {
	f := func(body string, want error) {
		t.Helper()
		for _, r := range []io.Reader{strings.NewReader(body), iotest.OneByteReader(strings.NewReader(body))} {
			got, err := io.ReadAll(&chunkless{ReadCloser: io.NopCloser(r)})
			if !errors.Is(err, want) || want == nil && string(got) != body || want != nil && len(got) > 0 {
				t.Errorf("%.20q: got %.20q, %v, want %v", body, got, err, want)
			}
		}
	}
	f("", nil)
	f("hello", nil)
	f("12 monkeys\r\n", nil)
	f("5", nil)
	f("\r\n", nil)
	f(strings.Repeat("a", 1000), nil)
	f(strings.Repeat("z", 63)+"\r\nmore", nil)
	f("5\r\nhello\r\n0\r\n\r\n", errChunks)
	f("1F4;name=value\r\n"+strings.Repeat("x", 500), errChunks)
	f("0\r\n\r\n", errChunks)
}

// An HTTP/1.0 server that sends chunks gets a clear failure.
func TestChunksOfHTTP10(t *testing.T) {
	const answer = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	o := open(t, startSaying(t, answer).url(), nil)
	if e := refused(t, o, get(o, "/x"), KindFailed); !errors.Is(e, errChunks) {
		t.Errorf("failed with %v", e)
	}
}
