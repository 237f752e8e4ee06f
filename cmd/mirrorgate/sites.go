package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"mirrorgate/cache"
	"mirrorgate/cache/shared"
	"mirrorgate/configs"
	"mirrorgate/gateway"
	"mirrorgate/origin"
	"mirrorgate/rules"
)

// sites makes the gateway's sites from the configuration's.
func (p *process) sites(id rules.Identity) ([]*gateway.Site, error) {
	list := make([]*gateway.Site, 0, len(p.cfg.Sites))
	for i := range p.cfg.Sites {
		c := &p.cfg.Sites[i]
		list = append(list, &gateway.Site{
			Site:  cache.Site{Name: c.Name, Bucket: p.buckets[c.Name], Save: c.Save},
			Hosts: c.Hosts, Key: c.SetConfig, Rules: rules.NewSet(c.SetConfig, c.RuleConfigs(), id),
			Origins:          make(map[string]gateway.Origin),
			BucketValidators: c.Validators == configs.ValidatorsBucket, ETagSuffixes: c.ETagSuffixes,
			NegativeTTL: c.NegativeTTL, FailureStatus: c.OriginFailureStatus,
		})
	}
	served := func(host string) bool { return gateway.Serves(list, host) }
	for i, site := range list {
		for _, rule := range p.cfg.Sites[i].Rules {
			if len(rule.Targets) == 0 {
				continue
			}
			o, err := origin.New(rule.Origin, origin.Options{Log: p.log.With("site", site.Name), Served: served, Rule: rule.ID})
			if err != nil {
				return nil, fmt.Errorf("site %s, rule %s: %w", site.Name, rule.ID, err)
			}
			limits := rule.Origin.Timeouts
			site.Origins[rule.ID] = gateway.Origin{Origin: o, Answer: limits.Answer, Stall: limits.Stall}
		}
	}
	return list, nil
}

// identity is what origins are told of this gateway.
func identity(loopID string) rules.Identity {
	return rules.Identity{
		UserAgent: "mirrorgate/" + programVersion(), Via: "mirrorgate", LoopToken: "mirrorgate-" + loopID,
	}
}

// loopID returns the id by which this gateway, or each of its fleet, knows its own requests again. Nobody else can
// guess it: who could would get 508 for what is not in the bucket.
func loopID(fleet shared.Config, dataDir string) (string, error) {
	if id := fleet.LoopID(); id != "" {
		return id, nil
	}
	path := filepath.Join(dataDir, "loop-id")
	raw, err := os.ReadFile(path)
	if err == nil {
		if id := strings.TrimSpace(string(raw)); len(id) == 32 && strings.Trim(id, "0123456789abcdef") == "" {
			return id, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the loop id: %w", err)
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	id := hex.EncodeToString(random[:])
	if err := os.WriteFile(path, []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the loop id: %w", err)
	}
	return id, nil
}

// newLogger logs as the configuration says.
func newLogger(c configs.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // the configuration has been validated: not reached
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
