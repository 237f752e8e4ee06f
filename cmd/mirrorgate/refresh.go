package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"mirrorgate/configs"
	"mirrorgate/gateway/admin"
)

type refreshCmd struct {
	Config string   `help:"The running gateway's configuration file." required:"" placeholder:"FILE"`
	Site   string   `help:"The site of the keys; not needed when there is one site." placeholder:"NAME"`
	Keys   []string `arg:"" name:"key" help:"Keys whose copies are compared with their origins."`
}

// refreshLimit bounds a refresh: it waits for the bodies that have changed.
const refreshLimit = time.Hour

// Run asks the running gateway, and prints what came of each key.
func (c *refreshCmd) Run(s *streams) error {
	cfg, err := configs.Load(c.Config)
	if err != nil {
		return err
	}
	if c.Site == "" {
		if len(cfg.Sites) != 1 {
			return &usageError{errors.New("the configuration has several sites: name one with --site")}
		}
		c.Site = cfg.Sites[0].Name
	}
	ctx, cancel := context.WithTimeout(s.ctx, refreshLimit)
	defer cancel()
	results, err := askRefresh(ctx, cfg.Admin, admin.KeysRequest{Site: c.Site, Keys: c.Keys})
	if err != nil {
		return err
	}
	failed := 0
	for _, r := range results {
		said := r.Outcome
		if r.Error != "" {
			said, failed = "failed: "+r.Error, failed+1
		}
		if _, err := fmt.Fprintf(s.stdout, "%s: %s\n", r.Key, said); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d keys failed", failed, len(results))
	}
	return nil
}

// askRefresh sends the request to the gateway's admin listener.
func askRefresh(ctx context.Context, c admin.Config, ask admin.KeysRequest) ([]admin.KeyResult, error) {
	if c.Listen == "" || c.Token == "" {
		return nil, &usageError{errors.New("a refresh needs admin.listen and admin.token in the configuration")}
	}
	var answer struct {
		Results []admin.KeyResult `json:"results"`
	}
	err := newAdminClient(c).ask(ctx, http.MethodPost, "/api/v1/refresh", ask, &answer)
	return answer.Results, err
}
