package main

import (
	"errors"
	"fmt"

	"mirrorgate/gateway/admin"
)

type queueCmd struct {
	Ls     queueLsCmd     `cmd:"" help:"List what waits to be saved, the oldest first."`
	Retry  queueRetryCmd  `cmd:"" help:"Have entries tried at once: dead ones, and those whose next attempt is later."`
	Drop   queueDropCmd   `cmd:"" help:"Remove entries, whatever their state: their objects are not saved."`
	Pause  queuePauseCmd  `cmd:"" help:"Stop saving until resume, across restarts, too. Clients are served as before."`
	Resume queueResumeCmd `cmd:"" help:"Save again."`

	AbortUploads abortUploadsCmd `cmd:"" help:"Give up old uploads in parts that the bucket keeps open for nobody."`
}

// Help is what kong prints below the one line that the command list shows.
func (queueCmd) Help() string {
	return `An object that was pulled waits in data_dir until the bucket has it. Its entry is waiting, uploading, retrying
(an upload failed and is tried again later) or dead (the bucket refused it for good: it is kept, and served, until
somebody retries or drops it).

While a gateway runs it is asked on admin.listen; changes need admin.token. While none runs, the files of data_dir are
looked at directly. Exit codes: 0 fine, 1 what was asked failed (also for one of several entries), 2 the command line
or the configuration is wrong.`
}

// queueConfig is what all commands of the queue share.
type queueConfig struct {
	Config string `help:"The gateway's configuration file." required:"" placeholder:"FILE"`
}

// with opens the queue for f.
func (c queueConfig) with(s *streams, change bool, f func(admin.Queue) error) (err error) {
	cfg, err := load(c.Config)
	if err != nil {
		return err
	}
	q, done, err := openQueue(s, cfg, change)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return f(q)
}

type queueRetryCmd struct {
	queueConfig
	All bool     `help:"All dead entries."`
	IDs []string `arg:"" name:"id" optional:"" help:"IDs as ls shows them."`
}

// Run retries.
func (c *queueRetryCmd) Run(s *streams) error {
	if c.All == (len(c.IDs) > 0) {
		return &usageError{errors.New("mirrorgate queue retry needs either IDs or --all")}
	}
	return c.with(s, true, func(q admin.Queue) error {
		if !c.All {
			results, err := q.Retry(s.ctx, c.IDs)
			return s.changed(results, "tried again", err)
		}
		n, err := q.RetryAll(s.ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.stdout, "%d dead: tried again\n", n)
		return err
	})
}

type queueDropCmd struct {
	queueConfig
	IDs []string `arg:"" name:"id" help:"IDs as ls shows them."`
}

// Run drops.
func (c *queueDropCmd) Run(s *streams) error {
	return c.with(s, true, func(q admin.Queue) error {
		results, err := q.Drop(s.ctx, c.IDs)
		return s.changed(results, "dropped", err)
	})
}

// changed prints what came of each entry, and fails if one failed.
func (s *streams) changed(results []admin.QueueResult, done string, err error) error {
	failed := 0
	for _, r := range results {
		said := done
		if r.Error != "" {
			said, failed = "failed: "+printable(r.Error), failed+1
		}
		if _, err := fmt.Fprintf(s.stdout, "%s: %s\n", printable(r.ID), said); err != nil {
			return err
		}
	}
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d failed", failed, len(results))
	}
	return err
}

type queuePauseCmd struct{ queueConfig }

// Run pauses.
func (c *queuePauseCmd) Run(s *streams) error {
	return c.pause(s, true, "paused: uploads under way are finished, no further one is begun")
}

type queueResumeCmd struct{ queueConfig }

// Run resumes.
func (c *queueResumeCmd) Run(s *streams) error { return c.pause(s, false, "resumed") }

func (c queueConfig) pause(s *streams, paused bool, done string) error {
	return c.with(s, true, func(q admin.Queue) error {
		if err := q.Pause(s.ctx, paused); err != nil {
			return err
		}
		_, err := fmt.Fprintln(s.stdout, done)
		return err
	})
}
