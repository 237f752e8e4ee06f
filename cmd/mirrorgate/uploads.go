package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mirrorgate/cache/bucket"
	"mirrorgate/cache/writeback"
	"mirrorgate/configs"
)

type abortUploadsCmd struct {
	queueConfig
	OlderThan time.Duration `help:"Only uploads that were begun so long ago, such as 24h." required:"" placeholder:"D"`
	Site      string        `help:"Only this site's bucket." placeholder:"NAME"`
	Yes       bool          `help:"Do not ask."`
}

// Help says when it is of use.
func (abortUploadsCmd) Help() string {
	return `A gateway that is killed while it begins to upload an object in parts can leave an upload open, whose parts the
bucket keeps and charges for. What the gateway remembers in data_dir it completes or gives up by itself; such uploads
are left out here. The rest is listed, and given up after a "y". Uploads of other programs under the site's prefix look
the same: choose --older-than longer than any of them may take.

The bucket is asked directly, whether a gateway runs or not. data_dir has to be there, and readable. MinIO lists only
uploads that were begun since its own start; it removes all that are older than a day by itself.`
}

// leastAge keeps apart what is being begun at this very moment, and not remembered yet.
const leastAge = time.Second

// openUpload is an upload in parts that may be given up.
type openUpload struct {
	bucket.OpenUpload
	site string
	in   *bucket.S3
}

// Run lists the uploads, asks, and gives them up.
func (c *abortUploadsCmd) Run(s *streams) error {
	if c.OlderThan < leastAge {
		return &usageError{fmt.Errorf("--older-than must be at least %v", leastAge)}
	}
	cfg, err := load(c.Config)
	if err != nil {
		return err
	}
	now := time.Now()
	open, err := c.find(s, cfg, now.Add(-c.OlderThan))
	if err != nil || len(open) == 0 {
		return err
	}
	for _, u := range open {
		_, err := fmt.Fprintf(s.stdout, "%s  %6s  %s  %s\n", u.site, ageText(now.Sub(u.Begun)), u.ID, printable(u.Key))
		if err != nil {
			return err
		}
	}
	if !c.Yes && !s.agreed(fmt.Sprintf("abort %s? [y/N] ", count(len(open), "upload"))) {
		return errors.New("nothing was aborted")
	}
	return s.abort(open)
}

// find lists the old uploads that nothing remembers, of all sites or of one.
func (c *abortUploadsCmd) find(s *streams, cfg *configs.Config, before time.Time) ([]openUpload, error) {
	other := func(site configs.Site) bool { return c.Site != "" && c.Site != site.Name }
	sites := slices.DeleteFunc(slices.Clone(cfg.Sites), other)
	if len(sites) == 0 {
		return nil, &usageError{fmt.Errorf("--site %q: the configuration has no such site", c.Site)}
	}
	// The lists come before what is remembered: what is in one of them has been remembered meanwhile, if at all.
	open, err := s.uploads(cfg, sites, before)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	remembered, err := writeback.Remembered(cfg.DataDir)
	if err != nil {
		return nil, fmt.Errorf("read which uploads the spool remembers: %w", err)
	}
	forgotten := slices.DeleteFunc(slices.Clone(open), func(u openUpload) bool { return remembered[u.ID] })
	if known := len(open) - len(forgotten); known > 0 {
		_, err = fmt.Fprintf(s.stdout, "left out: %s that the spool remembers\n", count(known, "upload"))
	}
	return forgotten, err
}

// uploads lists the old uploads of each site's bucket.
func (s *streams) uploads(cfg *configs.Config, sites []configs.Site, before time.Time) (all []openUpload, err error) {
	shared := newUploads(cfg)
	log, _ := newLogger(cfg.Log, s.stderr)
	for _, site := range sites {
		b, err := bucket.New(site.Bucket, shared, log.With("site", site.Name))
		if err != nil {
			return nil, fmt.Errorf("site %s: open the bucket: %w", site.Name, err)
		}
		in, parted := b.(*bucket.S3)
		if !parted {
			_, err = fmt.Fprintf(s.stdout, "site %s: nothing to abort: a directory has no uploads in parts\n", site.Name)
			if err != nil {
				return nil, err
			}
			continue
		}
		open, err := in.OpenUploads(s.ctx, before)
		if err != nil {
			return nil, fmt.Errorf("site %s: %w", site.Name, err)
		}
		if len(open) == 0 {
			_, err = fmt.Fprintf(s.stdout, "site %s: nothing to abort: no upload in parts is that old\n", site.Name)
		}
		for _, u := range open {
			all = append(all, openUpload{u, site.Name, in})
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// agreed asks a question, and tells whether the answer is yes. Only a yes is one; the end of stdin is none.
func (s *streams) agreed(question string) bool {
	_, _ = io.WriteString(s.stdout, question) // who cannot read it does not say yes to it
	answer := make(chan string, 1)
	// Nothing ends the read of a terminal: when the process is told to stop it is left behind, and ends with it.
	go func() {
		line, _ := bufio.NewReader(io.LimitReader(s.stdin, 100)).ReadString('\n')
		answer <- line
	}()
	select {
	case line := <-answer:
		yes := strings.ToLower(strings.TrimSpace(line))
		return yes == "y" || yes == "yes"
	case <-s.ctx.Done():
		return false
	}
}

// abort gives the uploads up, and says so of each.
func (s *streams) abort(uploads []openUpload) error {
	failed := 0
	for _, u := range uploads {
		said := "aborted"
		if err := u.in.Abort(s.ctx, u.Key, u.ID); err != nil {
			said, failed = "failed: "+printable(err.Error()), failed+1
		}
		if _, err := fmt.Fprintf(s.stdout, "%s  %s: %s\n", u.ID, printable(u.Key), said); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %s could not be aborted", failed, count(len(uploads), "upload"))
	}
	return nil
}
