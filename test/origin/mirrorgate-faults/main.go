// Command mirrorgate-faults runs an origin that misbehaves on demand. It prints the list of its faults and serves until
// it is interrupted.
package main

import (
	"context"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"

	"mirrorgate/test/origin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run serves until the context ends and returns the exit code: 0 fine, 1 it cannot be served, 2 usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, list, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	printFaults(stdout)
	if list {
		return 0
	}
	c.Log = slog.New(slog.NewTextHandler(stderr, nil))
	s, err := origin.New(c)
	if err != nil {
		fmt.Fprintln(stderr, "mirrorgate-faults:", err)
		return 1
	}
	defer s.Close()
	if c.TLS {
		_ = pem.Encode(stdout, &pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}) // as for all that is printed
	}
	fmt.Fprintln(stdout, "listening on", s.URL())
	<-ctx.Done()
	return 0
}

func parse(args []string, stderr io.Writer) (c origin.Config, list bool, err error) {
	flags := flag.NewFlagSet("mirrorgate-faults", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.Listen, "listen", "127.0.0.1:9999", "host:port to serve on")
	flags.BoolVar(&c.TLS, "tls", false, "serve over TLS, with a certificate that is printed")
	flags.Int64Var(&c.Rate, "rate", 0, "bytes per second that all connections share; 0: no limit")
	flags.IntVar(&c.Records, "records", 1000, "requests remembered one by one")
	hosts := flags.String("hosts", "", "names in the certificate besides localhost, separated by commas")
	flags.BoolVar(&list, "list", false, "print the list only")
	if err = flags.Parse(args); err != nil {
		return c, list, err
	}
	if *hosts != "" {
		c.Hosts = strings.Split(*hosts, ",")
	}
	if flags.NArg() > 0 {
		err = fmt.Errorf("what is %q?", flags.Args())
		fmt.Fprintln(stderr, err)
	}
	return c, list, err
}

// printFaults prints the table: a path, defaults, what is on the wire, what a cache makes of a GET.
func printFaults(to io.Writer) {
	table := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	group := ""
	for _, f := range origin.Faults() {
		if f.Group != group {
			group = f.Group
			fmt.Fprintf(table, "%s:\n", group)
		}
		fmt.Fprintf(table, "  /~%s/a%s\t%s\t%s\t%s\n", f.Name, f.Suffix, f.Defaults, f.Does, f.Get)
	}
	fmt.Fprintln(table, "\nwith parameters: /~NAME,size=1MiB,at=1000,chunk=4KiB,rate=1KiB,times=1,wait=2s,"+
		"after=1,status=503,to=HOST,header=32KiB/a.bin")
	_ = table.Flush() // to a terminal or a pipe that may have been closed
}
