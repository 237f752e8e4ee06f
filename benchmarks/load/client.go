package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"hash"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"mirrorgate/benchmarks/load/accesslog"
)

// result is what became of a request that was due. The times run from then.
type result struct {
	request accesslog.Request
	due     time.Time

	waited time.Duration // until it was sent: for a connection
	first  time.Duration // until the first byte of the answer
	total  time.Duration // until its last

	answer  answer
	failure failure // "": an answer came, to its end
	err     error
}

// answer is what came, as far as it counts.
type answer struct {
	status int
	length int64 // of the body; of a HEAD what Content-Length says, -1: nothing
	bytes  int64 // that came
	sum    [sha256.Size]byte
	header http.Header
}

// client asks one server. It follows no redirect, unpacks nothing, and speaks HTTP/1.1.
type client struct {
	base    *url.URL
	header  http.Header
	host    string
	timeout time.Duration
	digest  bool // of the body
	http    *http.Transport
}

func newClient(base *url.URL, header http.Header, host string, conns int, limit time.Duration, insecure bool) *client {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return &client{base: base, header: header, host: host, timeout: limit, http: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: limit}).DialContext,
		TLSClientConfig:     &tls.Config{ServerName: name, InsecureSkipVerify: insecure},
		DisableCompression:  true,
		MaxIdleConnsPerHost: conns,
		MaxConnsPerHost:     conns,
	}}
}

// addr is the address of the server.
func (c *client) addr() string {
	port := c.base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[c.base.Scheme]
	}
	return net.JoinHostPort(c.base.Hostname(), port)
}

// send asks for one thing, and reads the answer to its end.
func (c *client) send(ctx context.Context, r accesslog.Request) result {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	began := time.Now()
	var first atomic.Int64
	trace := &httptrace.ClientTrace{GotFirstResponseByte: func() { first.Store(int64(time.Since(began))) }}
	out := result{request: r}
	request := c.request(r).WithContext(httptrace.WithClientTrace(ctx, trace))
	if request.URL.RequestURI() != r.Target {
		return out.failed(unsendable, errUnsendable)
	}
	response, err := c.http.RoundTrip(request)
	if err != nil {
		return out.failed(failureOf(err), err)
	}
	defer response.Body.Close()
	out.answer, err = c.read(r, response)
	out.first, out.total = time.Duration(first.Load()), time.Since(began)
	if err != nil {
		return out.failed(failureOf(err), err)
	}
	return out
}

func (r result) failed(f failure, err error) result {
	r.failure, r.err = f, err
	return r
}

// request sends the target as it is. Opaque does so, except that what begins with "//" would be taken for a host.
func (c *client) request(r accesslog.Request) *http.Request {
	u := &url.URL{Scheme: c.base.Scheme, Host: c.base.Host, Opaque: r.Target}
	if strings.HasPrefix(r.Target, "//") {
		u.Opaque = ""
		u.RawPath, u.RawQuery, u.ForceQuery = cutQuery(r.Target)
		u.Path, _ = url.PathUnescape(u.RawPath)
	}
	header := c.header.Clone()
	for name, values := range r.Header {
		header[name] = values
	}
	host := r.Host
	if c.host != "" {
		host = c.host
	}
	return &http.Request{Method: r.Method, URL: u, Host: host, Header: header}
}

func cutQuery(target string) (path, query string, empty bool) {
	path, query, found := strings.Cut(target, "?")
	return path, query, found && query == ""
}

func (c *client) read(r accesslog.Request, response *http.Response) (answer, error) {
	a := answer{status: response.StatusCode, header: response.Header}
	into, sum := io.Discard, hash.Hash(nil)
	if c.digest {
		sum = sha256.New()
		into = sum
	}
	var err error
	a.bytes, err = io.Copy(into, response.Body)
	if a.length = a.bytes; r.Method == http.MethodHead {
		a.length = response.ContentLength
	}
	if sum != nil {
		sum.Sum(a.sum[:0])
	}
	return a, err
}
