package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"

	"mirrorgate/cache/writeback"
	"mirrorgate/configs"
	"mirrorgate/gateway/admin"
)

// openQueue finds who can look into the spool of cfg: this process, or the gateway that runs. The caller calls done.
//
// Whoever has the lock of data_dir may look, and nobody else. So the directory is tried first, which changes nothing
// while another process has it, and only then that process is asked. To ask first would be to trust an address: that
// nothing answers there does not mean that no gateway runs (it may have been started with another admin.listen, or
// none), and what answers there may be another gateway. The lock tells which process is meant: that is compared, too.
//
// Where data_dir cannot be looked into (another machine or container, another user), only the address is left.
func openQueue(s *streams, cfg *configs.Config, change bool) (q admin.Queue, done func() error, err error) {
	spool, err := openSpool(cfg, s.stderr)
	if err == nil {
		q, done, err := withFleet(spoolQueue{spool}, cfg)
		if err != nil {
			return nil, nil, errors.Join(err, spool.Close())
		}
		return q, func() error { return errors.Join(done(), spool.Close()) }, nil
	}
	holder, unknown := writeback.Holder(cfg.DataDir)
	outside := errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission)
	if !outside && (unknown != nil || holder == "") {
		return nil, nil, err
	}
	why := fmt.Sprintf("data_dir %s is in use by the process %s, which has to be asked", cfg.DataDir, holder)
	if outside {
		why = fmt.Sprintf("data_dir cannot be used here (%v), so a running gateway has to be asked", err)
	}
	remote, err := askGateway(s.ctx, cfg.Admin, why, holder, change)
	return remote, func() error { return nil }, err
}

// openSpool takes the spool, but makes no directory: where there is none, nothing waits, or the path is not meant.
func openSpool(cfg *configs.Config, stderr io.Writer) (*writeback.Spool, error) {
	if _, err := os.Stat(cfg.DataDir); err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError})) // damage
	spool, err := writeback.OpenSpool(cfg.DataDir, cfg.Spool, log)
	if err == nil {
		spool.PauseByConfig(cfg.Writeback.Paused)
	}
	return spool, err
}

// askGateway returns the queue of the gateway that listens as c says, if it is the process that is meant.
func askGateway(ctx context.Context, c admin.Config, why, holder string, change bool) (admin.Queue, error) {
	switch {
	case c.Listen == "":
		return nil, &usageError{fmt.Errorf(
			"%s: that needs admin.listen in the configuration, and the gateway restarted with it", why)}
	case change && c.Token == "":
		return nil, &usageError{fmt.Errorf(
			"%s: a change needs admin.token in the configuration, and the gateway restarted with it", why)}
	}
	q := remoteQueue{newAdminClient(c), why}
	page, err := q.List(ctx, admin.QueueFilter{Limit: 1})
	if err == nil && holder != "" && strconv.Itoa(page.Process) != holder {
		err = &usageError{fmt.Errorf("%s, but on admin.listen (%s) the process %d answers: another gateway",
			why, c.Listen, page.Process)}
	}
	return q, err
}
