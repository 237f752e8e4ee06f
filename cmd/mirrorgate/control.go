package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"mirrorgate/configs"
	"mirrorgate/gateway/admin"
)

// control is how the admin API steers the process.
type control struct{ p *process }

var _ admin.Control = control{}

func (c control) Config(context.Context) (admin.ConfigView, error) {
	cfg := c.p.config()
	view, err := cfg.View()
	return admin.ConfigView{File: c.p.file, Setup: cfg.Setup(), Config: view, Reload: c.p.reloadState()}, err
}

func (c control) Reload(ctx context.Context) (admin.ReloadState, error) {
	state, err := c.p.reload(ctx)
	return state, invalid(err)
}

// invalid makes the API's error of the mistakes in a configuration. Other errors stay as they are.
func invalid(err error) error {
	var found configs.Mistakes
	if !errors.As(err, &found) {
		return err
	}
	list := make([]admin.Mistake, len(found))
	for i, m := range found {
		list[i] = admin.Mistake{Path: m.Path, Line: m.Line, Problem: m.Problem}
	}
	return &admin.InvalidError{Mistakes: list}
}

func (c control) LogLevel() string { return strings.ToLower(c.p.level.Level().String()) }

func (c control) SetLogLevel(level string) error {
	set := configs.DefaultConfig().Log
	set.Level = level
	var wrong error
	set.Validate(func(path, problem string) { wrong = admin.Invalid(path, problem) })
	if wrong == nil {
		c.p.level.Set(levelOf(set))
	}
	return wrong
}

func (c control) Purge(_ context.Context, site string, keys []string, prefix *string) (dropped int, err error) {
	if c.p.gateway.Site(site) == nil {
		return 0, fmt.Errorf("%w: site %q", admin.ErrNoSuch, site)
	}
	return c.p.purge(site, keys, prefix), nil
}

func (c control) Pull(ctx context.Context, site, key string) (outcome string, err error) {
	return c.p.gateway.Pull(ctx, site, key)
}
