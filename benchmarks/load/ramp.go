package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"
)

type rampCmd struct {
	settings
	From float64       `default:"10" help:"The first rate, in requests a second."`
	To   float64       `default:"100" help:"The last."`
	Step float64       `default:"10" help:"By how much each step is more than the one before."`
	Hold time.Duration `default:"10s" help:"How long each step takes."`
}

// rampReport is what the steps gave.
type rampReport struct {
	Steps []step  `json:"steps"`
	Held  float64 `json:"held"` // the highest rate that held; 0: none
}

type step struct {
	Rate   float64 `json:"rate"`
	Report report  `json:"report"`
}

// Run is the command. Its exit status is 0 if the last rate held.
func (c *rampCmd) Run(s *streams) error {
	if err := c.mistakes(); err != nil {
		return err
	}
	requests, err := openFile(&c.settings, s.stdin, true)
	if err != nil {
		return err
	}
	defer requests.close()
	fmt.Fprintf(s.stderr, "load: ramp: %s, from %v to %v a second by %v, %v each, until %s fail or the p99 is over %v\n",
		c.plan(), c.From, c.To, c.Step, c.Hold, c.moreThan(), c.MaxP99)
	to, err := c.client(s.ctx, "--target", c.Target, c.Connections)
	if err != nil {
		return err
	}
	table := io.Discard
	if !c.JSON {
		table = s.stdout
	}
	all, failed := c.climb(s, to, requests, table)
	return cmp.Or(failed, c.conclude(s.stdout, all))
}

func (c *rampCmd) moreThan() string { return "more than " + c.MaxErrors.text }

func (c *rampCmd) mistakes() error {
	if !c.MaxErrors.set {
		c.MaxErrors = limit{set: true, count: -1, share: 0.01, text: "1%"}
	}
	if c.MaxP99 == 0 {
		c.MaxP99 = time.Second
	}
	errs := []error{c.check(), checkRate("--from", c.From), checkRate("--to", c.To), checkRate("--step", c.Step)}
	if c.To < c.From || c.Hold <= 0 {
		errs = append(errs, errors.New("--to must not be less than --from, and --hold more than 0"))
	}
	return usage(errs...)
}

// climb takes one step after the other, until one does not hold or the interrupt comes, and prints a line of each.
func (c *rampCmd) climb(s *streams, to *client, requests source, table io.Writer) (rampReport, error) {
	var all rampReport
	fmt.Fprintf(table, "%10s %10s %10s %10s %10s %10s %10s\n", "rate", "due", "failed", "p50", "p99", "max", "held")
	for i := 0; ; i++ {
		rate := min(c.From+float64(i)*c.Step, c.To)
		count := newTally()
		l := c.loop(to, requests, constant(rate), c.Hold)
		l.took = count.add
		err := l.run(s.ctx)
		r := count.report()
		if err != nil || s.ctx.Err() != nil {
			return all, err
		}
		over := r.conclude(c.limits()) != nil
		all.Steps = append(all.Steps, step{rate, r})
		held := "yes"
		if over {
			held = "no"
		}
		fmt.Fprintf(table, "%10.1f %10d %10d %10s %10s %10s %10s\n", rate, r.Due, r.failed(), micros(r.Total.P50),
			micros(r.Total.P99), micros(r.Total.Max), held)
		if over {
			return all, nil
		}
		if all.Held = rate; rate >= c.To {
			return all, nil
		}
	}
}

// conclude says which rate held.
func (c *rampCmd) conclude(w io.Writer, all rampReport) error {
	if err := show(w, c.JSON, all); err != nil {
		return err
	}
	if all.Held < c.To {
		return exit(exitFailed)
	}
	return nil
}

// print is what stands below the table.
func (r rampReport) print(w io.Writer) error {
	text := "no rate held"
	if r.Held > 0 {
		text = fmt.Sprintf("held: %v a second", r.Held)
	}
	if n := len(r.Steps); n > 0 {
		last := r.Steps[n-1].Report
		for _, why := range last.Exceeded {
			text += "; then " + why
		}
		text += last.failuresText("\nfailed: ")
	}
	_, err := fmt.Fprintln(w, text)
	return err
}
