package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// check asks for the object, twice where the first answer may fill a cache. The last answer must have the right bytes,
// the headers that say where they come from, and cost the backend what such an answer must.
func (b *bed) check(s *server, a ask) error {
	if s.keeps {
		if _, err := b.compare(s, a); err != nil {
			return err
		}
	}
	before, err := b.settled()
	if err != nil {
		return err
	}
	header, err := b.compare(s, a)
	if err != nil {
		return err
	}
	after, err := b.sent()
	if err != nil {
		return err
	}
	if want := s.asked(1); after-before != want {
		return fmt.Errorf("%s: the backend was asked %d times for one answer, not %d times", s.name, after-before, want)
	}
	if err := s.proves(header); err != nil {
		return fmt.Errorf("%s: %w; headers %v", s.name, err, header)
	}
	return nil
}

// compare asks once, compares every byte of the answer, and returns its headers.
func (b *bed) compare(s *server, a ask) (http.Header, error) {
	response, err := b.request(s.url(a), a.headers())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	defer response.Body.Close()
	object, at, end := newObject(a.size), a.first(), a.first()+a.length()
	buffer := make([]byte, largeBuffer)
	for err == nil {
		var n int
		n, err = response.Body.Read(buffer)
		if !object.same(buffer[:n], at) {
			return nil, fmt.Errorf("%s: not the bytes of the object, in the %d from %d on", s.name, n, at)
		}
		at += int64(n)
	}
	if err != io.EOF || at != end || response.StatusCode != a.status() {
		return nil, fmt.Errorf("%s: %s, and bytes %d to %d of %d: %w", s.name, response.Status, a.first(), at, end, err)
	}
	return response.Header, nil
}

// settled is sent when nobody asks the backend any more: answers that a load had no more time for may be under way.
func (b *bed) settled() (int64, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for last := int64(-1); ; {
		now, err := b.sent()
		if err != nil || now == last {
			return now, err
		}
		last = now
		select {
		case <-tick.C:
		case <-b.ctx.Done():
			return 0, b.ctx.Err()
		}
	}
}

// says wants a header field to have that value.
func says(name, value string) func(http.Header) error {
	return func(h http.Header) error {
		if got := h.Get(name); got != value {
			return fmt.Errorf("%s is %q, not %q", name, got, value)
		}
		return nil
	}
}

// both wants both to hold.
func both(a, b func(http.Header) error) func(http.Header) error {
	return func(h http.Header) error { return errors.Join(a(h), b(h)) }
}

// nginx is the server itself, and not another one on its port.
func nginx(h http.Header) error {
	if got := h.Get("Server"); !strings.HasPrefix(got, "nginx/") {
		return fmt.Errorf("it says that it is %q, not nginx", got)
	}
	return nil
}

// varnishHit wants two numbers in X-Varnish: this request's, and that of the one which filled the cache.
func varnishHit(h http.Header) error {
	if got := h.Get("X-Varnish"); len(strings.Fields(got)) != 2 || h.Get("Age") == "" {
		return fmt.Errorf("no hit: X-Varnish is %q and Age %q", got, h.Get("Age"))
	}
	return nil
}

// anonymous is a server that leaves no trace in its answers: what the backend counts is the proof.
func anonymous(http.Header) error { return nil }
