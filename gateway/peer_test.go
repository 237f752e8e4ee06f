package gateway

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/origin"
	"mirrorgate/rules"
)

// What clients of one gateway are told of a failure is what those of the one that pulls are told, but for what each
// site makes of 502 and 504.
func TestPeerFaults(t *testing.T) {
	f := func(err error, failureStatus, status int, code string, own bool) {
		t.Helper()
		here, there := faultOf(err, failureStatus), faultOf(fmt.Errorf("relayed: %w", peerFault(err)), failureStatus)
		if there != here || there.status != status || there.code != code || there.own != own {
			t.Errorf("%v: there %+v, here %+v", err, there, here)
		}
	}
	length := &cache.LengthError{Got: 1, Want: 2}
	f(length, 0, 502, "MirrorFailed", true)
	f(length, 424, 424, "MirrorFailed", true)
	f(&cache.BusyError{Setting: "limits.max_pulls"}, 424, 503, "SlowDown", true)
	f(errors.New("a bucket's"), 424, 503, "BucketUnavailable", true)
	f(&origin.Error{Kind: origin.KindNotFound, Incomplete: true}, 424, 404, "NoSuchKey", false) // one was passed over
	f(&origin.Error{Kind: origin.KindPassed, Status: 451, Incomplete: true}, 424, 451, "AccessDenied", false)
	if there := faultOf(&cache.PeerError{Status: 504, Code: "MirrorTimeout"}, 424); there.status != 424 || !there.own {
		t.Errorf("a time limit: %+v", there)
	}
	if p := peerFault(length); p.Negative || p.RetryAfter != 0 {
		t.Errorf("%+v", p)
	}
	if p := peerFault(&cache.NegativeError{Status: 410, Err: length}); !p.Negative || p.Status != 410 || p.Code != "NoSuchKey" {
		t.Errorf("%+v", p)
	}
	if there := faultOf(&cache.PeerError{Status: 403, Code: "AccessDenied", RetryAfter: time.Minute}, 424); there.own ||
		there.status != 403 || there.retryAfter != time.Minute {
		t.Errorf("a refusal: %+v", there)
	}
	if gone := faultOf(fmt.Errorf("%w: x", cache.ErrPeerGone), 424); gone.status != 424 || gone.code != "MirrorFailed" || !gone.own {
		t.Errorf("a peer that is gone: %+v", gone)
	}
}

// An origin's redirect is for each client to follow: it is not told as a failure.
func TestRedirectIsNotShared(t *testing.T) {
	g := New(Options{Sites: []*Site{{Site: cache.Site{Name: "s"}, Rules: new(rules.Set)}}})
	ask := cache.PeerAsk{ID: cache.ID{Site: "s", Key: "k"}}
	f := func(err error, outcome cache.PeerOutcome, hasFault bool) {
		t.Helper()
		g.share = func(context.Context, cache.PeerAsk) (cache.PeerAnswer, error) {
			return cache.PeerAnswer{Outcome: cache.PeerFailed}, fmt.Errorf("pull: %w", err)
		}
		if a := g.shared(t.Context(), ask); a.Outcome != outcome || (a.Fault != nil) != hasFault {
			t.Errorf("%v: %+v", err, a)
		}
	}
	f(&redirectedError{Status: 302, Location: "/x"}, cache.PeerAlone, false)
	f(&cache.LengthError{}, cache.PeerFailed, true)
}
