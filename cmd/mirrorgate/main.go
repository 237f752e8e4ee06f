// Command mirrorgate is a mirror back-to-origin caching gateway: it answers object GETs from a bucket, and pulls what
// the bucket lacks from an origin by rules, streaming it to the client and saving it for the next request.
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

	"mirrorgate/configs"
)

// Exit codes.
const (
	exitFine   = 0
	exitFailed = 1 // the thing asked failed
	exitUsage  = 2 // the command line or the configuration is wrong
)

// commands is the command line.
type commands struct {
	Serve   serveCmd   `cmd:"" help:"Answer requests, as a file configures, or for one origin and one bucket."`
	Check   checkCmd   `cmd:"" help:"Check a configuration file, and print every mistake with its line."`
	Explain explainCmd `cmd:"" help:"Say what a request would do: rule, URLs asked, headers sent, where the copy goes."`
	Refresh refreshCmd `cmd:"" help:"Have a running gateway compare copies with their origins at once."`
	Queue   queueCmd   `cmd:"" help:"See and steer what waits to be saved into the bucket."`
	Members membersCmd `cmd:"" help:"See which gateways act as one, and whether they have one configuration."`
	Demo    demoCmd    `cmd:"" help:"Run a sample origin and a gateway before it, with requests to try."`
	Version versionCmd `cmd:"" help:"Print the version."`

	Migration migrationCmd `cmd:"" help:"See what still needs the old origin, and since when nothing does."`
}

// streams are the process's standard streams.
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
	parser := kong.Must(&c, kong.Name("mirrorgate"),
		kong.Description("A mirror back-to-origin caching gateway in front of an object bucket."),
		kong.Writers(stdout, stderr), kong.UsageOnError(), kong.Exit(func(code int) { panic(exit(code)) }))
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "mirrorgate: %v (see mirrorgate --help)\n", err)
		return exitUsage
	}
	err = command.Run(&streams{ctx, stdin, stdout, stderr})
	var mistakes configs.Mistakes
	var usage *usageError
	var printed exit
	switch {
	case err == nil:
		return exitFine
	case errors.As(err, &printed):
		return int(printed)
	case errors.As(err, &mistakes), errors.As(err, &usage):
		_, _ = fmt.Fprintln(stderr, err)
		return exitUsage
	default:
		_, _ = fmt.Fprintf(stderr, "mirrorgate: %v\n", err)
		return exitFailed
	}
}

// usageError is a mistake in the command line or the configuration.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }
