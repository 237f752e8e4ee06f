package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"mirrorgate/gateway/admin"
)

// The bounds of a trial.
const (
	trialBytes = 64 << 20 // of a body that are read
	trialLimit = time.Minute
)

// trial sends a request to the traffic listener, whatever host the URL names. The request is written by hand: net/http
// would clean what is tried.
func (p *process) trial(ctx context.Context, method, url string, header http.Header) (admin.Trial, error) {
	head, err := trialHead(method, url, header)
	if err != nil {
		return admin.Trial{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, trialLimit, fmt.Errorf("a trial waits %s at most", trialLimit))
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", reachable(p.ln.Addr().String()))
	if err != nil {
		return admin.Trial{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	t, err := tried(conn, method, head)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	return t, err
}

// tried sends the head and reads what comes back.
func tried(conn net.Conn, method string, head []byte) (admin.Trial, error) {
	begun := time.Now()
	if _, err := conn.Write(head); err != nil {
		return admin.Trial{}, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return admin.Trial{}, err
	}
	defer resp.Body.Close()
	t := admin.Trial{Status: resp.StatusCode, Header: resp.Header, FirstMS: milliseconds(time.Since(begun))}
	sum := sha256.New()
	t.Bytes, err = io.Copy(sum, io.LimitReader(resp.Body, trialBytes+1))
	t.TotalMS = milliseconds(time.Since(begun))
	switch {
	case err != nil:
		t.Error = "the body broke off: " + err.Error()
	case t.Bytes > trialBytes:
		t.Bytes, t.Cut = trialBytes, true
	case method == http.MethodGet:
		t.SHA256 = hex.EncodeToString(sum.Sum(nil))
	}
	return t, nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// trialHead makes the head of the request, in which nothing can pass for another request.
func trialHead(method, url string, header http.Header) ([]byte, error) {
	if method != http.MethodGet && method != http.MethodHead {
		return nil, admin.Invalid("method", "must be GET or HEAD")
	}
	host, target, err := splitURL(url)
	if err != nil {
		return nil, admin.Invalid("url", err.Error())
	}
	if host == "" || strings.ContainsFunc(url, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil, admin.Invalid("url", "must have a host, and no spaces and control characters")
	}
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", method, target, host)
	for name, values := range header {
		if slices.Contains(ofConnection(), name) {
			return nil, admin.Invalid("headers", name+" is not for a trial to set")
		}
		for _, value := range values {
			fmt.Fprintf(&head, "%s: %s\r\n", name, value)
		}
	}
	head.WriteString("\r\n")
	return head.Bytes(), nil
}

// ofConnection lists the header fields that would change what the connection carries.
func ofConnection() []string {
	return []string{
		"Host", "Connection", "Content-Length", "Transfer-Encoding", "Upgrade", "Expect", "Trailer", "Te", "Keep-Alive",
		"Proxy-Connection",
	}
}
