package admin_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/gateway/admin"
)

// refusing is a control that knows one site and the levels that there are.
type refusing struct{ *control }

func (r *refusing) SetLogLevel(level string) error {
	if level == "loud" {
		return admin.Invalid("level", "is none")
	}
	return nil
}

func (r *refusing) Purge(_ context.Context, site string, _ []string, _ *string) (int, error) {
	if site != "s" {
		return 0, fmt.Errorf("%w: site %q", admin.ErrNoSuch, site)
	}
	return 1, nil
}

// someOrigins has one rule with two targets.
type someOrigins struct{}

var _ admin.Origins = someOrigins{}

func (someOrigins) List() []admin.Origin {
	now := time.Unix(1e9, 0)
	return []admin.Origin{
		{
			Site: "s", Rule: "r", Target: "primary", URL: "http://h", State: "open", Until: now, Inflight: 1,
			Pulls: map[string]int64{"ok": 1}, LastError: "slow", LastAsked: now,
		},
		{Site: "s", Rule: "r", Target: "backup", URL: "http://g", State: "up", Pulls: map[string]int64{}},
	}
}

func (someOrigins) known(site string) error {
	if site != "s" {
		return fmt.Errorf("%w: site %q", admin.ErrNoSuch, site)
	}
	return nil
}

func (o someOrigins) Drain(_ context.Context, site, _, _ string) error { return o.known(site) }
func (o someOrigins) Pause(_ context.Context, site, _ string) error    { return o.known(site) }
func (o someOrigins) Resume(_ context.Context, site, _ string) error   { return o.known(site) }

// request makes a call's request.
func request(t *testing.T, base string, c call, given string) *http.Request {
	t.Helper()
	method, path, _ := strings.Cut(c.op, " ")
	path = strings.NewReplacer("{site}", cmp.Or(c.site, "s"), "{rule}", cmp.Or(c.rule, "r")).Replace(path)
	r, err := http.NewRequestWithContext(t.Context(), method, base+path+"?"+c.query, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if c.body != "" {
		r.Header.Set("Content-Type", cmp.Or(c.kind, "application/json"))
	}
	if c.match != "" {
		r.Header.Set("If-Match", c.match)
	}
	if given != "" {
		r.Header.Set("Authorization", "Bearer "+given)
	}
	return r
}

// complete is a listener that does what it is asked for; some names make it refuse.
func complete() admin.Options {
	now := time.Unix(1e9, 0)
	return admin.Options{
		Config: admin.Config{Listen: "127.0.0.1:1", Token: token}, Queue: newQueue(3), Origins: someOrigins{},
		Control: &refusing{control: &control{}}, Sites: someSites{}, Overview: fullOverview, Migration: someBooks{},
		Refresh: func(_ context.Context, _, key string) (string, error) {
			if key == "bad" {
				return "", errors.New("cannot be had")
			}
			return "unchanged", nil
		},
		Fleet: func(context.Context) admin.FleetState {
			return admin.FleetState{Members: []admin.Member{{ID: "a", Started: now, Seen: now, Me: true}}, Unknown: "why"}
		},
		Explain: func(given string, _ http.Header) (admin.Explanation, error) {
			if !strings.HasPrefix(given, "http://") {
				return admin.Explanation{}, errors.New("no URL")
			}
			return admin.Explanation{
				Site: "s", Key: "a", Answer: "pulled", Rule: "r", Mode: "mirror", State: "paused", When: "miss", Asks: []admin.Ask{{Target: "primary", URL: given}},
				Location: given, Headers: map[string]string{"Via": "x"}, StoredAs: "there", Keep: true, Why: "so",
			}, nil
		},
		Trial: func(_ context.Context, _, given string, _ http.Header) (admin.Trial, error) {
			switch given {
			case "h":
				return admin.Trial{}, admin.Invalid("url", "no URL")
			case "http://down/":
				return admin.Trial{}, errors.New("nobody there")
			}
			return admin.Trial{Status: 200, Header: http.Header{"Via": {"x"}}, Bytes: 1, SHA256: "ab", Cut: true, Error: "x", FirstMS: 0.5, TotalMS: 1}, nil
		},
	}
}
