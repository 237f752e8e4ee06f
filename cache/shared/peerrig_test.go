package shared

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
)

// raw is a gateway that answers each request on a connection with whatever its function writes.
type raw struct {
	t     *testing.T
	url   string
	ln    net.Listener
	proof proofs
	asks  chan cache.PeerAsk
	hold  chan struct{} // closed at the end of the test
}

func startRaw(t *testing.T, answer func(r *raw, w io.Writer, ask cache.PeerAsk) (goOn bool)) *raw {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &raw{
		t: t, url: "http://" + ln.Addr().String(), ln: ln, proof: newProofs(testSecret), asks: make(chan cache.PeerAsk, 100),
		hold: make(chan struct{}),
	}
	t.Cleanup(func() { close(r.hold); ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go r.serve(c, answer)
		}
	}()
	return r
}

func (r *raw) serve(c net.Conn, answer func(*raw, io.Writer, cache.PeerAsk) bool) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		ask, err := r.proof.admit(req.Header.Get, time.Now())
		if err != nil || req.URL.Path != cache.PeerPath || req.Method != http.MethodGet {
			r.t.Errorf("asked %s %s: %v", req.Method, req.URL, err)
			return
		}
		r.asks <- ask
		if !answer(r, c, ask) {
			return
		}
	}
}

// head is the header of an answer, with further lines in place of its Content-Length.
func (r *raw) head(ask cache.PeerAsk, a cache.PeerAnswer, lines string) string {
	said, err := say(&a)
	if err != nil {
		r.t.Error(err)
	}
	var b strings.Builder
	b.WriteString("HTTP/1.1 200 OK\r\n")
	for _, f := range r.proof.seal(ask, said) {
		b.WriteString(f.Name + ": " + f.Value + "\r\n")
	}
	return b.String() + lines + "\r\n"
}

// has is an answer with a body of so many bytes, of an object of the same length.
func has(size int64) cache.PeerAnswer {
	return cache.PeerAnswer{Outcome: cache.PeerHas, Meta: testMeta(size), Length: size, Target: "primary", Kept: true}
}

func length(n int) string { return fmt.Sprintf("Content-Length: %d\r\n", n) }

const chunkedLine = "Transfer-Encoding: chunked\r\n"

// always is the stands of a lease that is held, and never of one that is not.
func always(context.Context, cache.ID, string) bool { return true }
func never(context.Context, cache.ID, string) bool  { return false }

func peersFor(t *testing.T, secret string, stands func(context.Context, cache.ID, string) bool) *peers {
	p := newPeers(secret, stands)
	p.silence = 50 * time.Millisecond
	t.Cleanup(p.close)
	return p
}

// opened is what became of one Open, with its body read to the end.
type opened struct {
	pull *cache.Pull
	body string
	err  error // of Open, or of the body
}

func openAt(ctx context.Context, p cache.Peer, from int64) opened {
	pull, err := p.Open(ctx, from, `"m"`)
	if err != nil {
		return opened{err: err}
	}
	body, err := io.ReadAll(pull.Body)
	if failed := pull.Body.Close(); err == nil {
		err = failed
	}
	return opened{pull, string(body), err}
}

func testID() cache.ID { return cache.ID{Site: "assets", Key: "k\xff"} }

// isGone tells whether an error means that the peer is gone, and does not look like the end of a body.
func isGone(err error) bool { return errors.Is(err, cache.ErrPeerGone) && !errors.Is(err, io.EOF) }
