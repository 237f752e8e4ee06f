package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// slow is the rate of whoever names none: it hurts no server.
const slow = 10

type replayCmd struct {
	settings
	Rate     float64       `xor:"pace" placeholder:"N" help:"Requests a second (10, if there is no --speed either)."`
	Speed    float64       `xor:"pace" placeholder:"X" help:"At the log's times, X times as fast: 1, 2, 0.5."`
	Duration time.Duration `default:"1m" help:"End after this time; 0: at the end of the log."`

	Compare            string   `placeholder:"URL" help:"The old server: asked for the same, and the answers compared."`
	CompareConnections int      `default:"4" help:"To the old server. It is asked no faster than it answers."`
	CompareHeaders     []string `default:"Content-Type,ETag,Last-Modified,Cache-Control" help:"Compared, too."`
	MaxDifferences     limit    `default:"0" placeholder:"N|N%" help:"Exit status 1 if more answers differ."`
	List               int      `default:"20" help:"How many differences are listed; all are counted."`
}

// Run is the command.
func (c *replayCmd) Run(s *streams) error {
	if err := c.mistakes(); err != nil {
		return err
	}
	requests, err := openFile(&c.settings, s.stdin, false)
	if err != nil {
		return err
	}
	defer requests.close()
	fmt.Fprintf(s.stderr, "load: replay: %s, %s, %s\n", c.plan(), c.pace(), c.until())
	l, compare, err := c.prepare(s, requests)
	if err != nil {
		return err
	}
	count := newTally()
	l.took = count.add
	if compare != nil {
		compare.start(s.ctx, c.CompareConnections)
		l.took = func(r result) { count.add(r); compare.offer(r) }
	}
	failed := l.run(s.ctx)
	r := count.report()
	if compare != nil {
		r.Compared = compare.finish()
		r.Exceeded = r.Compared.exceeded(c.MaxDifferences)
	}
	r.Skipped = skippedText(requests)
	verdict := r.conclude(c.limits())
	if failed == nil && requests.rounds == 0 {
		fmt.Fprintf(s.stderr, "load: ended before the log did: --duration 0 sends all of it\n")
	}
	return cmp.Or(failed, show(s.stdout, c.JSON, r), verdict)
}

func (c *replayCmd) mistakes() error {
	errs := []error{c.check()}
	if c.Rate == 0 && c.Speed == 0 {
		c.Rate = slow
	}
	if c.Speed == 0 {
		errs = append(errs, checkRate("--rate", c.Rate))
	} else if !(c.Speed > 0 && c.Speed <= 1000) {
		errs = append(errs, fmt.Errorf("--speed: %v is not more than 0 and at most 1000", c.Speed))
	}
	if c.Speed > 0 && c.Urls != "" {
		errs = append(errs, errors.New("--speed needs a log's times, and --urls is a list without: use --rate"))
	}
	if c.Compare != "" {
		_, err := parseBase("--compare", c.Compare)
		errs = append(errs, err)
	}
	if c.CompareConnections < 1 || c.CompareConnections > 64 || c.List < 0 || c.List > 100000 || c.Duration < 0 {
		errs = append(errs, errors.New("--compare-connections is from 1 to 64, --list up to 100000, --duration not negative"))
	}
	return usage(errs...)
}

// prepare makes the loop, and what compares, if that is asked for.
func (c *replayCmd) prepare(s *streams, requests source) (*loop, *comparer, error) {
	to, err := c.client(s.ctx, "--target", c.Target, c.Connections)
	if err != nil {
		return nil, nil, err
	}
	l := c.loop(to, requests, constant(c.Rate), c.Duration)
	if c.Speed > 0 {
		l.requests, l.schedule = &spread{from: requests}, &logTimes{speed: c.Speed}
	}
	if c.Compare == "" {
		return l, nil, nil
	}
	old, err := c.client(s.ctx, "--compare", c.Compare, c.CompareConnections)
	if err != nil {
		return nil, nil, err
	}
	to.digest, old.digest = true, true
	return l, &comparer{old: old, headers: c.CompareHeaders, list: c.List}, nil
}

func (c *replayCmd) pace() string {
	text := fmt.Sprintf("%v a second", c.Rate)
	if c.Speed > 0 {
		text = fmt.Sprintf("at the log's times, %v times as fast", c.Speed)
	}
	if c.Compare != "" {
		text += fmt.Sprintf(", the same of %s over at most %d connections", c.Compare, c.CompareConnections)
	}
	return text
}

func (c *replayCmd) until() string {
	if c.Duration == 0 {
		return "until the end of the log"
	}
	return fmt.Sprintf("for at most %v", c.Duration)
}

func skippedText(f *file) map[string]int64 {
	all := make(map[string]int64)
	for why, n := range f.skips() {
		all[string(why)] = int64(n)
	}
	return all
}
