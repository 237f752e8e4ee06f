package origin

import (
	"net/http/httptrace"
	"sync/atomic"
)

// ask asks a target, and once more if its connection ended before a byte of the answer, or of its body: the server may
// just have been restarted, or something between here and there forgot the connection. Everything else would only end
// the same way, and who resumes counts and spaces the attempts itself.
func (p *pull) ask(a Ask) (*reply, *Error) {
	got, err := p.try(a)
	if err == nil || !err.cut || p.resumes {
		return got, err
	}
	p.o.log.DebugContext(p.budget.ctx, "connection ended before the answer; asking again", "target", a.Role, "error", err)
	got, again := p.try(a)
	if again != nil && (again.Op == opPassOver || again.Op == opLimit) {
		return nil, err // it was not asked again: the first failure tells more
	}
	return got, again
}

// progress is how far a request has come.
type progress struct {
	op       atomic.Value // what is being tried
	conns    atomic.Int32 // connections it was given: more than one if net/http has tried again
	answered atomic.Bool  // a byte of the answer came
}

// trace follows a request, and makes the limit on the connection pass into the one on the first byte when there is a
// connection.
func (p *pull) trace(w *watch, s *progress) *httptrace.ClientTrace {
	limit := func(op string, l *limitError) {
		s.op.Store(op)
		w.arm(l)
	}
	return &httptrace.ClientTrace{
		GetConn: func(string) { limit(opConnect, &limitError{"timeouts.connect", p.o.c.Timeouts.Connect}) },
		GotConn: func(httptrace.GotConnInfo) {
			s.conns.Add(1)
			limit(opAnswer, &limitError{"timeouts.first_byte", p.o.c.Timeouts.FirstByte})
		},
		GotFirstResponseByte: func() { s.answered.Store(true) },
	}
}

// cut tells whether the connection of a request ended before a byte of its answer, and nobody has tried again yet.
func (s *progress) cut(err error) bool {
	return broken(err) && !s.answered.Load() && s.conns.Load() <= 1
}
