package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// The roles of targets.
const (
	rolePrimary = "primary"
	roleBackup  = "backup"
)

// Options is what an Origin needs from its surroundings.
type Options struct {
	Log *slog.Logger
	// Served tells whether this gateway answers for a host (lower case, without port and trailing dot). nil: for none.
	Served func(host string) bool
	Rule   string // the id, for the log
	// Budget is what all gateways share, which scope: fleet needs; else it is not used.
	Budget Budget
	Tally  *Tally // what pulls are counted in; nil: one of its own
	// Tracer makes a span of each request of a pull whose context belongs to a sampled trace; nil: none.
	Tracer trace.Tracer
}

// Origin pulls from the targets of one rule and keeps its limits. All methods may be called concurrently.
type Origin struct {
	c       Config
	log     *slog.Logger
	served  func(host string) bool
	targets map[string]*target // by role
	over    failover
	limits  *limits
	stall   *limitError
	now     func() time.Time // for breakers and pauses
	patient time.Duration    // between two attempts to resume, the first of which brought nothing
	tally   *Tally
	tracer  trace.Tracer // nil: none

	failovers, resumed, paused throttle
}

// Request is one object to be pulled.
type Request struct {
	Method string // GET or HEAD
	Asks   []Ask  // in the order in which they are asked
	// Header is sent as it is, but for Host and, to a bucket, Authorization and x-amz-*. It is not changed.
	Header http.Header
	// Secret names the fields of Header that the rule sets. They are left out when a redirect leads to another scheme,
	// host or port. nil: not known, then all but the gateway's own, Range and If-* are left out there.
	Secret map[string]bool
	// Asked is when somebody began to wait for the answer: timeouts.answer counts from then on. Zero: from now on.
	Asked time.Time
	// Trace tells the target of the trace that the pull belongs to, if it is sampled.
	Trace bool
	// Proxy allows 206 and 416 when Header has Range, and 304 and 412 when it has the conditions for them.
	Proxy bool
}

// Ask is one URL at one target. Its path and query are sent as they stand.
type Ask struct {
	Role string // primary or backup
	URL  string
}

// Response is what an origin answered. Its Body must be closed, also after it was read to its end: until then the pull
// holds its place under max_concurrent.
type Response struct {
	// Status is 200; with Request.Proxy also 206, 304, 412 or 416. It is a redirect when that is for the client to
	// follow: with follow_redirects: 0, to a host that this gateway serves, or if AddsSlash. There is no body then.
	Status int
	// Header belongs to the caller. It holds no hop-by-hop fields and no control characters.
	Header http.Header
	// Body may be read by one goroutine and closed by any. It fails with an *Error when the origin stalls, the end is
	// cut off or the context of the pull ends. Closed early, it aborts the pull. A GET (not of Request.Proxy) that was
	// answered with 200 and a strong ETag is first continued from the same target where it broke off: a Read may take
	// as long as that takes.
	Body      io.ReadCloser
	Length    int64  // of the body, for HEAD what GET would have; -1: not known
	Proven    bool   // the end of the body is announced; false: whoever closes the connection ends it
	Target    string // the role of the target that answered
	Signed    bool   // it came from the target's bucket itself, not from where a redirect led
	AddsSlash bool   // a redirect whose URL is the one asked and a "/"
}

// New returns an Origin for a configuration whose mistakes, if it has any, are the error.
func New(c Config, o Options) (*Origin, error) {
	var mistakes []error
	c.Validate(func(path, problem string) { mistakes = append(mistakes, fmt.Errorf("%s: %s", path, problem)) })
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	fleet := o.Budget
	switch {
	case c.Scope != ScopeFleet:
		fleet = nil
	case fleet == nil:
		return nil, errors.New("scope: fleet: there are no other gateways to share limits with")
	}
	made := &Origin{
		c: c, log: o.Log, served: o.Served, targets: make(map[string]*target), over: newFailover(c.FailoverOn),
		limits: newLimits(c, fleet), stall: &limitError{"timeouts.stall", c.Timeouts.Stall},
		now: time.Now, patient: resumeAgain, tally: o.Tally, tracer: o.Tracer,
	}
	if made.tally == nil {
		made.tally = new(Tally)
	}
	if made.log == nil {
		made.log = slog.New(slog.DiscardHandler)
	}
	made.log = made.log.With("rule", o.Rule)
	if made.served == nil {
		made.served = func(string) bool { return false }
	}
	for role, t := range map[string]Target{rolePrimary: c.Primary, roleBackup: c.Backup} {
		if t.Zero() {
			continue
		}
		to, err := newTarget(role, t, c)
		if err != nil {
			return nil, err
		}
		to.tally = made.tally.target(role)
		made.targets[role] = to
	}
	return made, nil
}

// Close closes the connections that wait for the next pull. Pulls under way go on.
func (o *Origin) Close() {
	for _, t := range o.targets {
		t.close()
	}
}

// Fetch asks the targets, in order as far as the failover set says, and returns when the header of the answer is there,
// and of a GET the first byte of its body.
// ctx bounds the whole pull, the body included. Every error is an *Error; one that is due to ctx wraps its cause.
func (o *Origin) Fetch(ctx context.Context, r Request) (*Response, error) {
	if err := o.check(r); err != nil {
		return nil, &Error{Kind: KindFailed, Op: opAnswer, Err: err}
	}
	if err := o.shut(r.Asks); err != nil {
		o.refused(r, endingOf(err), err)
		return nil, err
	}
	p := &pull{o: o, r: r, budget: watched(ctx)}
	p.budget.armSince(r.Asked, &limitError{"timeouts.answer", o.c.Timeouts.Answer})
	if full := p.enter(); full != nil {
		o.refused(r, p.ending(full), full)
		p.budget.end()
		return nil, full
	}
	response, err := p.run()
	if err != nil {
		p.end()
		return nil, err
	}
	p.budget.disarm()
	return response, nil
}

func (o *Origin) check(r Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return fmt.Errorf("method %q is never sent to an origin", r.Method)
	}
	if len(r.Asks) == 0 {
		return errors.New("there is no URL to ask")
	}
	for _, a := range r.Asks {
		if o.targets[a.Role] == nil {
			return fmt.Errorf("there is no target %q", a.Role)
		}
	}
	return nil
}
