package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are what the command line says.
type options struct {
	plan
	redis  string
	readme string // "": nothing is written
	short  bool
}

func parse(args []string, stdout, stderr io.Writer) (options, error) {
	o := options{plan: plan{keys: 4000, turns: 5, sizes: []int{3, 10, 100, 300, 1000}, settle: 5 * time.Second,
		watch: 10 * time.Second, saves: 20_000, stdout: stdout}}
	f := flag.NewFlagSet("fleet", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.redis, "redis", "redis-server", "the program that is asked: Redis or Valkey")
	f.StringVar(&o.readme, "readme", "", "the file that takes the tables")
	f.BoolVar(&o.short, "short", false, "few keys and members, for a short try")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.short {
		o.keys, o.turns, o.sizes, o.saves = 500, 2, []int{3, 20}, 500
		o.settle, o.watch = time.Second, time.Second
	}
	if f.NArg() > 0 {
		return o, errors.New("there are no arguments")
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "fleet:", err)
		return 2
	}
	if err := measureAndTell(ctx, o); err != nil {
		fmt.Fprintln(stderr, "fleet:", err)
		return 1
	}
	return 0
}

func measureAndTell(ctx context.Context, o options) error {
	program, err := exec.LookPath(o.redis)
	if err != nil {
		return err
	}
	m, err := measureAll(ctx, program, o.plan)
	if err != nil {
		return err
	}
	text := tables(m, o)
	fmt.Fprint(o.stdout, "\n", text)
	if o.readme == "" {
		return nil
	}
	return writeReadme(o.readme, text)
}
