package main

import (
	"fmt"
	"time"

	"mirrorgate/benchmarks/load/accesslog"
)

// schedule says when the nth request is due, from 0, counted from the beginning. Times do not go back.
type schedule interface {
	due(n int64, r accesslog.Request) (time.Duration, error)
}

// constant is a rate, in requests a second.
type constant float64

func (c constant) due(n int64, _ accesslog.Request) (time.Duration, error) {
	return time.Duration(float64(n) / float64(c) * float64(time.Second)), nil
}

// logTimes are the log's own, run through at a speed.
type logTimes struct {
	speed  float64
	begin  time.Time
	latest time.Duration
}

// due never goes back: a log is in the order in which answers ended, and its times may be those at which they began.
func (l *logTimes) due(_ int64, r accesslog.Request) (time.Duration, error) {
	if r.Time.IsZero() {
		return 0, &usageError{fmt.Errorf("line %d has no time, which --speed needs: use --rate", r.Line)}
	}
	if l.begin.IsZero() {
		l.begin = r.Time
	}
	l.latest = max(l.latest, time.Duration(float64(r.Time.Sub(l.begin))/l.speed))
	return l.latest, nil
}

// mostInSecond bounds how far spread reads ahead.
const mostInSecond = 1 << 16

// spread parts the requests of one second evenly over it: a log whose times are whole seconds knows no better, and
// all at once would be a load that never was.
type spread struct {
	from    source
	ready   []accesslog.Request
	next    *accesslog.Request // the first behind those
	nextErr error
}

// Next returns the next request.
func (s *spread) Next() (accesslog.Request, error) {
	if len(s.ready) == 0 {
		if err := s.fill(); err != nil {
			return accesslog.Request{}, err
		}
	}
	r := s.ready[0]
	s.ready = s.ready[1:]
	return r, nil
}

// fill reads the requests of one second.
func (s *spread) fill() error {
	first, err := s.take()
	if err != nil {
		return err
	}
	s.ready = append(s.ready[:0:0], first)
	for len(s.ready) < mostInSecond {
		r, err := s.from.Next()
		if err != nil {
			s.nextErr = err
			break
		}
		if !r.Time.Equal(first.Time) || first.Time.Nanosecond() != 0 {
			s.next = &r
			break
		}
		s.ready = append(s.ready, r)
	}
	if first.Time.IsZero() {
		return nil
	}
	for i := range s.ready {
		s.ready[i].Time = first.Time.Add(time.Second * time.Duration(i) / time.Duration(len(s.ready)))
	}
	return nil
}

func (s *spread) take() (accesslog.Request, error) {
	switch {
	case s.next != nil:
		r := *s.next
		s.next = nil
		return r, nil
	case s.nextErr != nil:
		return accesslog.Request{}, s.nextErr
	}
	return s.from.Next()
}

var _ source = (*spread)(nil)
