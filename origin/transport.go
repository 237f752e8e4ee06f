package origin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

const (
	maxHeaderBytes = 64 << 10 // of an answer, 1xx ones included
	maxIdle        = 64       // connections kept open to one host
	maxIdleInAll   = 256
	idleTimeout    = 60 * time.Second
	pingAfter      = 15 * time.Second // of silence on an HTTP/2 connection
	pingTimeout    = 5 * time.Second
	readBuffer     = 16 << 10 // of a connection: a small answer comes in one read
)

// target is an origin that may be asked.
type target struct {
	role       string
	base       *url.URL
	hostHeader string
	bucket     *bucket // nil: a web server
	breaker    breaker
	pause      pause
	tally      *targetTally

	home *http.Transport // to the target's own host
	away *http.Transport // to where its redirects lead: no private addresses, no trust but the usual one
	dial dialTo
}

func newTarget(role string, t Target, c Config) (*target, error) {
	text, _, _ := t.Base()
	base, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", role, withoutURL(err))
	}
	secure := t.TLS
	if t.S3 != nil {
		secure.CAFile = t.S3.CAFile
	}
	config, err := secure.config()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", role, err)
	}
	made := &target{
		role: role, base: base, hostHeader: t.Host, breaker: breaker{c: c.Breaker},
		dial: dialTo{base: base, to: t.ConnectTo},
	}
	made.home = newTransport(c.Timeouts.Connect, true, config, made.dial.address)
	made.away = newTransport(c.Timeouts.Connect, c.AllowPrivateRedirects, &tls.Config{}, nil)
	if t.S3 != nil {
		made.bucket = newBucket(*t.S3, c.Timeouts.Connect)
	}
	return made, nil
}

func (t *target) close() {
	t.home.CloseIdleConnections()
	t.away.CloseIdleConnections()
	if t.bucket != nil {
		t.bucket.close()
	}
}

// isHome tells whether u is on the target's own host, which is where its TLS settings, its connect_to and the right to
// a private address hold.
func (t *target) isHome(u *url.URL) bool { return hostOf(u) == hostOf(t.base) }

func (t *target) transport(u *url.URL) *http.Transport {
	if t.isHome(u) {
		return t.home
	}
	return t.away
}

// newTransport returns a Transport without the proxy of the environment, behind which the addresses could not be seen,
// and without its own idea of compression, which would hide the encoding that is to be kept.
func newTransport(
	connect time.Duration, private bool, secure *tls.Config, instead func(address string) string,
) *http.Transport {
	dialer := &net.Dialer{Timeout: connect, KeepAlive: 30 * time.Second, ControlContext: guard(private)}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if instead != nil {
				address = instead(address)
			}
			return dialer.DialContext(ctx, network, address)
		},
		TLSClientConfig:        secure,
		TLSHandshakeTimeout:    connect,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConns:           maxIdleInAll,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        idleTimeout,
		ReadBufferSize:         readBuffer,
	}
}

// dialTo is connect_to: it holds for every port of the target's host, its own port only where the URL's port would be
// dialled, so that a redirect from http to https arrives at the same server.
type dialTo struct {
	base *url.URL
	to   string
}

func (d dialTo) address(address string) string {
	if d.to == "" {
		return address
	}
	host, port, _ := splitConnectTo(d.to)
	_, asked, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if port == "" || asked != portOf(d.base) {
		port = asked
	}
	return net.JoinHostPort(host, port)
}

// config returns how certificates are checked.
func (t TLS) config() (*tls.Config, error) {
	// Switching the check off is the user's choice, for this target's own host only
	c := &tls.Config{ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify}
	if t.CAFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(t.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file %s holds no certificate in PEM form", t.CAFile)
	}
	return c, nil
}
