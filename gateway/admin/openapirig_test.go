package admin_test

import (
	"context"
	"fmt"
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
