package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

type soakCmd struct {
	settings
	Rate     float64       `default:"10" help:"Requests a second."`
	Duration time.Duration `default:"1h" help:"How long. An interrupt (Ctrl-C) ends it with a summary, too."`
	Every    time.Duration `default:"1m" help:"How often a line is printed."`
}

// Run is the command.
func (c *soakCmd) Run(s *streams) error {
	errs := []error{c.check(), checkRate("--rate", c.Rate)}
	if c.Duration <= 0 || c.Every <= 0 {
		errs = append(errs, errors.New("--duration and --every must be more than 0"))
	}
	if err := usage(errs...); err != nil {
		return err
	}
	requests, err := openFile(&c.settings, s.stdin, true)
	if err != nil {
		return err
	}
	defer requests.close()
	fmt.Fprintf(s.stderr, "load: soak: %s, %v a second, for %v (%.0f requests), a line every %v\n", c.plan(), c.Rate,
		c.Duration, c.Rate*c.Duration.Seconds(), c.Every)
	to, err := c.client(s.ctx, "--target", c.Target, c.Connections)
	if err != nil {
		return err
	}
	r, failed := c.soak(s, to, requests)
	r.Skipped = skippedText(requests)
	verdict := r.conclude(c.limits())
	return cmp.Or(failed, show(s.stdout, c.JSON, r), verdict)
}

// soak runs to the end or the interrupt, and returns the report of the whole time.
func (c *soakCmd) soak(s *streams, to *client, requests source) (report, error) {
	total, now := newTally(), &window{tally: newTally()}
	l := c.loop(to, requests, constant(c.Rate), c.Duration)
	l.took = func(r result) { total.add(r); now.add(r) }
	lines, stop := context.WithCancel(context.WithoutCancel(s.ctx))
	var printer sync.WaitGroup
	printer.Go(func() { c.lines(lines, s.stdout, now) })
	err := l.run(s.ctx)
	stop()
	printer.Wait()
	return total.report(), err
}

// window is the tally of the time since the last line.
type window struct {
	mu    sync.Mutex
	tally *tally
}

func (w *window) add(r result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tally.add(r)
}

// next returns the report of this window, and begins another.
func (w *window) next() report {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.tally.report()
	w.tally = newTally()
	return r
}

// minute is one line.
type minute struct {
	At time.Time `json:"at"`
	report
}

// lines prints a line at each interval.
func (c *soakCmd) lines(ctx context.Context, w io.Writer, now *window) {
	ticker := time.NewTicker(c.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case at := <-ticker.C:
			m := minute{at, now.next()}
			m.Exceeded = []string{}
			_ = show(w, c.JSON, m) // a closed stdout shows at the end
		}
	}
}

func (m minute) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s  %8.1f/s %6d failed  p50 %8s  p99 %8s  max %8s  %10s  %s\n",
		m.At.Format(time.TimeOnly), m.rate(), m.failed(), micros(m.Total.P50), micros(m.Total.P99), micros(m.Total.Max),
		size(m.Bytes), countsText(m.Statuses))
	return err
}
