package configs

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// What takes a restart stays as it was and is listed; the rest is as the new configuration says, and neither of the two
// is changed.
func TestOver(t *testing.T) {
	f := func(change func(c *Config), restart []string, check func(kept *Config) bool) {
		t.Helper()
		was, now := DefaultConfig(), DefaultConfig()
		change(&now)
		kept, got := now.Over(&was)
		if !slices.Equal(got, restart) || !check(kept) {
			t.Errorf("got %q, %+v, want %q", got, kept, restart)
		}
		if again, _ := now.Over(&now); len(restart) > 0 && check(again) {
			t.Errorf("%q: the new configuration was changed, or what is looked at is the same in both", restart)
		}
	}
	f(func(*Config) {}, nil, func(*Config) bool { return true })
	f(func(c *Config) { c.Log.Level, c.Server.Drain, c.Server.Grace = "debug", time.Hour, time.Minute }, nil, func(c *Config) bool {
		return c.Log.Level == "debug" && c.Server.Drain == time.Hour && c.Server.Grace == time.Minute
	})
	f(func(c *Config) { c.Sites = []Site{{Name: "new"}} }, nil, func(c *Config) bool { return c.Sites[0].Name == "new" })
	f(func(c *Config) {
		c.Server.Listen, c.DataDir, c.Limits.MaxPulls, c.Limits.MinRate, c.Log.Format = ":1", "other", 1, 1, "json"
		c.Shared.Secret, c.Admin.Token, c.Sites = "a secret of 16 bytes", "a token of 16 bytes", []Site{{Name: "new"}}
	}, []string{
		"admin.token", "data_dir", "limits.max_pulls", "limits.min_rate", "log.format", "server.listen", "shared.secret",
	}, func(c *Config) bool {
		d := DefaultConfig()
		return reflect.DeepEqual(c.Server, d.Server) && c.DataDir == d.DataDir && c.Limits == d.Limits && c.Log == d.Log &&
			c.Shared.Secret == "" && reflect.DeepEqual(c.Admin, d.Admin) && c.Sites[0].Name == "new"
	})
}
