package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mirrorgate/benchmarks/load/accesslog"
)

const (
	mostRate        = 1e6
	mostConnections = 10000
)

// settings are what all commands have in common.
type settings struct {
	Target string `required:"" placeholder:"URL" help:"The gateway: http:// or https:// and a host, no path."`
	Host   string `placeholder:"NAME" help:"The Host header of all requests, and the name asked for in TLS."`

	Log            string `xor:"keys" placeholder:"FILE" help:"An access log, also of gzip. -: stdin (replay)."`
	Format         string `enum:"auto,combined,json" default:"auto" help:"Of the log: auto, combined (and common), json."`
	Urls           string `xor:"keys" placeholder:"FILE" help:"URLs or paths, one a line, instead of a log."`
	SkipUnreadable bool   `help:"Count lines that are not of the log's format, instead of ending at the first."`

	Header      []string      `short:"H" sep:"none" placeholder:"'Name: value'" help:"Sent with all requests; repeat it."`
	Connections int           `default:"64" help:"At most so many; a request that finds none waits, and its time runs."`
	Timeout     time.Duration `default:"30s" help:"The longest wait for a connection, and for a whole answer."`
	Insecure    bool          `help:"Do not verify certificates."`

	MaxErrors limit         `placeholder:"N|N%" help:"Exit status 1 if more fail: no answer, not sent, status 5xx."`
	MaxP99    time.Duration `name:"max-p99" placeholder:"TIME" help:"Exit status 1 if the p99 of whole answers is longer."`
	JSON      bool          `name:"json" help:"Results as JSON."`
}

// check finds all mistakes at once.
func (s *settings) check() error {
	_, targetErr := parseBase("--target", s.Target)
	_, headerErr := s.headers()
	errs := []error{targetErr, headerErr}
	if s.Log == "" && s.Urls == "" {
		errs = append(errs, errors.New("nothing to ask for: name an access log (--log FILE) or a list of URLs (--urls FILE)"))
	}
	if s.Connections < 1 || s.Connections > mostConnections {
		errs = append(errs, fmt.Errorf("--connections: %d is not between 1 and %d", s.Connections, mostConnections))
	}
	if s.Timeout <= 0 || s.MaxP99 < 0 {
		errs = append(errs, errors.New("--timeout must be longer than 0, and --max-p99 not shorter"))
	}
	if strings.ContainsAny(s.Host, "/ \r\n") {
		errs = append(errs, fmt.Errorf("--host: %q is no host name: without scheme and path", s.Host))
	}
	return errors.Join(errs...)
}

// parseBase takes the address of a server. It wants all said: a guessed scheme or port could be another server's.
func parseBase(flag, text string) (*url.URL, error) {
	if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") {
		return nil, fmt.Errorf("%s: %q must begin with http:// or https://", flag, text)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", flag, err)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%s: %q has no host", flag, text)
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("%s: %q must end behind host and port: paths come from the log or the list", flag, text)
	}
	return u, nil
}

func (s *settings) headers() (http.Header, error) {
	all := http.Header{"User-Agent": {"mirrorgate-load"}}
	for _, line := range s.Header {
		name, value, ok := strings.Cut(line, ":")
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		if !ok || name == "" || strings.ContainsAny(line, "\r\n") {
			return nil, fmt.Errorf("--header: %q must be 'Name: value'", line)
		}
		if name == "Host" {
			return nil, errors.New("--header: the Host header is set by --host NAME")
		}
		all.Set(name, strings.TrimSpace(value))
	}
	return all, nil
}

func checkRate(flag string, rate float64) error {
	if !(rate > 0 && rate <= mostRate) {
		return fmt.Errorf("%s: %v is not more than 0 and at most %.0f requests a second", flag, rate, float64(mostRate))
	}
	return nil
}

// usage makes a mistake of several errors, nil if there is none.
func usage(errs ...error) error {
	if err := errors.Join(errs...); err != nil {
		return &usageError{err}
	}
	return nil
}

// keys says where the requests come from.
func (s *settings) keys() (name string, format accesslog.Format) {
	if s.Urls != "" {
		return s.Urls, accesslog.List
	}
	return s.Log, accesslog.Format(s.Format)
}

// plan is what stands in every command's announcement.
func (s *settings) plan() string {
	name, _ := s.keys()
	host := "Host as the log or list has it, or else the target's"
	if s.Host != "" {
		host = "Host " + s.Host
	}
	return fmt.Sprintf("GET and HEAD requests of %s to %s (%s), over at most %d connections", name, s.Target, host,
		s.Connections)
}

// client makes the client of a server that answers: one at which nobody listens is a mistake to hear of at once.
func (s *settings) client(ctx context.Context, flag, base string, connections int) (*client, error) {
	u, err := parseBase(flag, base)
	if err != nil {
		return nil, err
	}
	header, err := s.headers()
	if err != nil {
		return nil, err
	}
	c := newClient(u, header, s.Host, connections, s.Timeout, s.Insecure)
	conn, err := (&net.Dialer{Timeout: s.Timeout}).DialContext(ctx, "tcp", c.addr())
	if err != nil {
		return nil, fmt.Errorf("%s: nothing answers at %s: %w", flag, base, err)
	}
	return c, conn.Close()
}

// loop makes the open loop that the settings say.
func (s *settings) loop(to *client, from source, times schedule, duration time.Duration) *loop {
	return &loop{requests: from, schedule: times, duration: duration, connections: s.Connections, timeout: s.Timeout,
		send: to.send}
}

func (s *settings) limits() limits { return limits{s.MaxErrors, s.MaxP99} }
