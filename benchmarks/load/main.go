package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"mirrorgate/benchmarks/load/accesslog"
)

// Exit codes.
const (
	exitFine   = 0
	exitFailed = 1 // a limit was exceeded, or it could not be done
	exitUsage  = 2 // the command line or a line of the log is wrong
)

type commands struct {
	Replay replayCmd `cmd:"" help:"Send the requests of an access log once; compare the answers with the old server's."`
	Ramp   rampCmd   `cmd:"" help:"Raise the rate in steps, and say which one held."`
	Soak   soakCmd   `cmd:"" help:"Send at one rate for long, with a line a minute."`
}

// streams are the process's standard streams. What it is about to do and what goes wrong is on stderr, results on
// stdout.
type streams struct {
	ctx            context.Context // ends on SIGINT and SIGTERM
	stdin          io.Reader
	stdout, stderr io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// exit is an exit code whose reason has been printed.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	defer func() {
		switch early := recover().(type) {
		case nil:
		case exit:
			code = int(early)
		default:
			panic(early)
		}
	}()
	var c commands
	// Kong calls Exit after it has printed help: a panic is the only way out of its parser.
	parser := kong.Must(&c, kong.Name("load"), kong.Description("Load for a mirrorgate, before users bring it."),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { panic(exit(code)) }))
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "load: %v (see load --help)\n", err)
		return exitUsage
	}
	return exitOf(command.Run(&streams{ctx, stdin, stdout, stderr}), stderr)
}

// exitOf prints an error, and returns the exit code that it stands for.
func exitOf(err error, stderr io.Writer) int {
	var printed exit
	var usage *usageError
	var line *accesslog.LineError
	switch {
	case err == nil:
		return exitFine
	case errors.As(err, &printed):
		return int(printed)
	case errors.As(err, &usage), errors.As(err, &line):
		_, _ = fmt.Fprintf(stderr, "load: %v\n", err)
		return exitUsage
	default:
		_, _ = fmt.Fprintf(stderr, "load: %v\n", err)
		return exitFailed
	}
}

// usageError is a mistake in the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }
