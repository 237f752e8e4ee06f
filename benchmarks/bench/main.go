package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program: the benchmark, or one of the servers of its own that it starts.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var err error
	switch {
	case len(args) == 2 && args[0] == "backend":
		err = serveBackend(ctx, args[1], 0)
	case len(args) == 2 && args[0] == "thrifty":
		err = serveBackend(ctx, args[1], thriftyBuffer)
	case len(args) == 2 && args[0] == "floor":
		err = serveFloor(ctx, args[1])
	default:
		return runBench(ctx, args, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// options are what the command line says.
type options struct {
	cases   []string // see benchCase.isMeant; none: all
	seconds int      // of one turn
	pairs   int      // turns of each server
	rate    int      // answers per second of the cases at a constant rate; 0: half of the measured maximum
	readme  string   // "": nothing is written
	root    string   // of the repository

	connections int     // of wrk; 0: 32, or 8 for large objects
	portion     float64 // of the clients and objects of cases that count them
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var cases string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&cases, "cases", "", "cases to measure, by name or by what stands before the \"-\" in it; empty: all")
	f.IntVar(&o.seconds, "seconds", 10, "how long one turn takes")
	f.IntVar(&o.pairs, "pairs", 5, "how many turns each server has")
	f.IntVar(&o.rate, "rate", 0, "answers per second at a constant rate; 0: half of the measured maximum")
	f.StringVar(&o.readme, "readme", "", "the file that takes the tables")
	f.StringVar(&o.root, "root", ".", "the repository")
	f.IntVar(&o.connections, "connections", 0, "connections of wrk; 0: 32, or 8 for large objects")
	f.Float64Var(&o.portion, "portion", 1, "portion of the clients and objects of cases that count them, for a short try")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.cases = strings.Fields(cases)
	if f.NArg() > 0 || o.seconds < 1 || o.pairs < 1 || o.rate < 0 || o.connections < 0 || o.portion <= 0 || o.portion > 1 {
		return o, errors.New("no arguments, at least one second and one pair, nothing negative, and a portion up to 1")
	}
	return o, nil
}

// count is so many of what a case counts.
func (o options) count(all int) int { return max(1, int(float64(all)*o.portion)) }

func runBench(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	var cases []benchCase
	if err == nil {
		cases, err = chosen(o.cases)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	if err := measureAll(ctx, o, cases, stdout); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// measureAll measures the cases one after the other. What was measured is written also if a later one fails.
func measureAll(ctx context.Context, o options, cases []benchCase, stdout io.Writer) (err error) {
	b, err := newBed(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	done := results{run: thisRun(o)}
	for _, c := range cases {
		fmt.Fprintf(stdout, "%s: %s\n", c.name, c.title)
		lines, failed := b.measure(ctx, c, stdout)
		if failed != nil {
			err = fmt.Errorf("%s: %w", c.name, failed)
			break
		}
		done.add(c, lines)
	}
	if o.readme == "" || len(done.cases) == 0 {
		return err
	}
	done.run = done.run.finished()
	return errors.Join(err, writeReadme(o.readme, done))
}
