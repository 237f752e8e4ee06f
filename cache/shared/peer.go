package shared

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"mirrorgate/cache"
)

const (
	dialLimit      = 500 * time.Millisecond // to reach another gateway: it is near
	handshakeLimit = 2 * time.Second
	maxHeader      = 64 << 10 // of an answer, in bytes
	maxIdle        = 32       // connections kept open to one gateway
	maxIdleInAll   = 1024
	idleTimeout    = 60 * time.Second
	silence        = time.Second // after which it is asked, and asked again, whether a lease still stands
	reachEvery     = 5           // times that this is asked it is also tried whether the gateway can be reached
)

// peers asks other gateways for objects.
type peers struct {
	proofs    proofs
	stands    func(ctx context.Context, id cache.ID, note string) bool
	transport *http.Transport
	silence   time.Duration
}

// newPeers returns the way to all other gateways. stands tells whether the note by which a peer was found still stands;
// where that cannot be told it does best to say no, for then nobody knows whether the peer lives.
func newPeers(secret string, stands func(ctx context.Context, id cache.ID, note string) bool) *peers {
	return &peers{proofs: newProofs(secret), stands: stands, silence: silence, transport: &http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialLimit}).DialContext,
		TLSHandshakeTimeout:    handshakeLimit,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns:           maxIdleInAll,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        idleTimeout,
	}}
}

// close gives up the connections that nobody uses.
func (p *peers) close() { p.transport.CloseIdleConnections() }

// peer is the gateway at advertise, which pulls id by what the note says.
func (p *peers) peer(id cache.ID, advertise, note string) cache.Peer {
	return &peer{peers: p, id: id, advertise: advertise, note: note}
}

type peer struct {
	*peers
	id        cache.ID
	advertise string
	note      string
}

var _ cache.Peer = (*peer)(nil)

// Open implements cache.Peer.
func (p *peer) Open(ctx context.Context, from int64, match string) (*cache.Pull, error) {
	if err := p.usable(match); err != nil {
		return nil, gone(err)
	}
	ask := cache.PeerAsk{ID: p.id, From: from, Match: match, Nonce: newNonce()}
	w := newWatch(ctx, p.silence, p.holds())
	resp, err := p.send(w, ask)
	if err != nil {
		return nil, w.end(err)
	}
	a, err := p.read(ask, resp)
	if err == nil && a.Outcome == cache.PeerHas {
		return &cache.Pull{
			Meta: a.Meta, Target: a.Target, Relayed: true, Kept: a.Kept, Body: &watched{body: resp.Body, watch: w},
		}, nil
	}
	_ = resp.Body.Close() // nothing of it is wanted
	if err != nil {
		return nil, w.end(err)
	}
	w.stop()
	return nil, outcome(a)
}

// holds returns what tells whether a silent peer still has the lease, and can be reached: a connection that is cut
// without a word looks like a peer that waits for its origin.
func (p *peer) holds() func(context.Context) bool {
	asked := 0
	return func(ctx context.Context) bool {
		asked++
		return p.stands(ctx, p.id, p.note) && (asked%reachEvery != 0 || p.reaches(ctx))
	}
}

// reaches tells whether a new connection to the peer can be made.
func (p *peer) reaches(ctx context.Context) bool {
	u, err := url.Parse(p.advertise)
	if err != nil {
		return false
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	c, err := p.transport.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return false
	}
	_ = c.Close() // nothing was sent
	return true
}

// usable tells why a peer cannot be asked. Its address comes out of a note.
func (p *peer) usable(match string) error {
	if !p.proofs.known() {
		return errNoSecret
	}
	if problem := checkAdvertise(p.advertise); problem != "" {
		return fmt.Errorf("its address %s", problem)
	}
	if len(match) > maxMatch || len(p.id.Key) > cache.MaxKey {
		return errors.New("what is asked for does not fit into a request")
	}
	return nil
}

// send asks. There are neither redirects nor proxies on the way.
func (p *peer) send(w *watch, ask cache.PeerAsk) (*http.Response, error) {
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, strings.TrimRight(p.advertise, "/")+cache.PeerPath, nil)
	if err != nil {
		return nil, err
	}
	for _, f := range p.proofs.sign(ask, time.Now().Unix()).fields() {
		req.Header.Set(f.Name, f.Value)
	}
	w.begin()
	defer w.arrived()
	return p.transport.RoundTrip(req)
}

// read takes the answer, if it is one of the fleet, to the ask, and its body has an end that can be proven.
func (p *peer) read(ask cache.PeerAsk, resp *http.Response) (cache.PeerAnswer, error) {
	if resp.StatusCode != http.StatusOK {
		return cache.PeerAnswer{}, fmt.Errorf("status %d", resp.StatusCode)
	}
	a, err := p.proofs.unseal(ask, resp.Header.Get)
	if err != nil {
		return a, err
	}
	chunked := slices.Equal(resp.TransferEncoding, []string{"chunked"})
	if resp.ContentLength != a.Length || a.Length < 0 && !chunked {
		return a, fmt.Errorf("a body of %d bytes instead of %d", resp.ContentLength, a.Length)
	}
	return a, nil
}

// outcome is what it means that there is no body.
func outcome(a cache.PeerAnswer) error {
	switch {
	case a.Outcome == cache.PeerLacks:
		return cache.ErrPeerLacks
	case a.Outcome == cache.PeerAlone:
		return cache.ErrPeerAlone
	case a.Fault.Negative:
		return &cache.NegativeError{Status: a.Fault.Status, Err: a.Fault}
	default:
		return a.Fault
	}
}

// gone does not wrap the cause: a connection's io.EOF must not be taken for the end of a body.
func gone(cause error) error { return fmt.Errorf("%w: %v", cache.ErrPeerGone, cause) }
