package origin

import (
	"io"
	"strings"
	"testing"
	"time"
)

func TestMaxConcurrent(t *testing.T) {
	server := startSaying(t, fine)
	o := open(t, server.url(), func(c *Config) { c.MaxConcurrent, c.Timeouts.Answer = 1, 50*time.Millisecond })
	first := fetched(t, o, get(o, "/"))
	content := func(r *Response) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
	}
	content(first) // the place is held until the body is closed, read or not
	e := refused(t, o, get(o, "/"), KindBusy)
	if !strings.Contains(e.Error(), "max_concurrent (1)") || e.RetryAfter <= 0 || !e.Temporary {
		t.Errorf("failed with %+v", e)
	}
	first.Body.Close()
	first.Body.Close()
	second := fetched(t, o, get(o, "/"))
	refused(t, o, get(o, "/"), KindBusy)
	second.Body.Close()
}

func TestPlaceIsWaitedFor(t *testing.T) {
	o := open(t, startSaying(t, fine).url(), func(c *Config) { c.MaxConcurrent = 1 })
	first := fetched(t, o, get(o, "/"))
	done := make(chan error)
	go func() {
		r, err := o.Fetch(t.Context(), get(o, "/"))
		if err == nil {
			err = r.Body.Close()
		}
		done <- err
	}()
	first.Body.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestFailuresGiveTheirPlaceBack(t *testing.T) {
	missing := startSaying(t, answering(404))
	for _, url := range []string{missing.url(), "http://" + deadAddress(t)} {
		o := open(t, url, func(c *Config) { c.MaxConcurrent = 1 })
		for range 3 {
			if _, err := fetch(t, o, get(o, "/")); err.(*Error).Kind == KindBusy {
				t.Error(err)
			}
		}
	}
	slash := startRedirecting(t, 301, map[string]string{"/a": "/a/"})
	o := open(t, slash.url(), func(c *Config) { c.MaxConcurrent = 1 })
	for range 3 {
		fetched(t, o, get(o, "/a")).Body.Close()
	}
}

func TestMaxRate(t *testing.T) {
	server := startSaying(t, fine)
	o := open(t, server.url(), func(c *Config) { c.MaxRate, c.Timeouts.Answer = 0.5, time.Second })
	fetched(t, o, get(o, "/"))
	e := refused(t, o, get(o, "/"), KindBusy)
	if !strings.Contains(e.Error(), "max_rate (0.5 ") || e.RetryAfter < time.Second {
		t.Errorf("failed with %+v", e)
	}
	if server.line(t); len(server.heads) != 0 {
		t.Error("it was asked all the same")
	}

	o = open(t, server.url(), func(c *Config) { c.MaxRate = 5 })
	begun := time.Now()
	for range 6 {
		fetched(t, o, get(o, "/")).Body.Close()
	}
	if took := time.Since(begun); took < 150*time.Millisecond {
		t.Errorf("6 requests at 5 per second took %s", took)
	}
}

func TestRedirectsCountForTheRate(t *testing.T) {
	server := startRedirecting(t, 302, map[string]string{"/a": "/b"})
	o := open(t, server.url(), func(c *Config) { c.MaxRate, c.Timeouts.Answer = 2, 100*time.Millisecond })
	fetched(t, o, get(o, "/a")).Body.Close()
	refused(t, o, get(o, "/b"), KindBusy)
}

func TestMaxBandwidth(t *testing.T) {
	const size = 40 << 10
	server := startSaying(t, "HTTP/1.1 200 OK\r\nContent-Length: 40960\r\n\r\n"+strings.Repeat("x", size))
	o := open(t, server.url(), func(c *Config) { c.MaxBandwidth = 100 << 10 })
	begun := time.Now()
	if got := content(t, fetched(t, o, get(o, "/"))); len(got) != size {
		t.Errorf("%d bytes", len(got))
	}
	if took := time.Since(begun); took < 200*time.Millisecond {
		t.Errorf("40 KiB at 100 KiB/s took %s", took)
	}
	o = open(t, server.url(), func(c *Config) { c.MaxBandwidth = 1 })
	r := fetched(t, o, get(o, "/"))
	failed := make(chan error)
	go func() {
		_, err := io.ReadAll(r.Body)
		failed <- err
	}()
	<-time.After(20 * time.Millisecond)
	r.Body.Close()
	failedAs(t, <-failed, KindFailed)
}

func TestWatch(t *testing.T) {
	w := watched(t.Context())
	defer w.end()
	w.arm(&limitError{"a", time.Hour})
	w.fire() // a timer that fired for what was armed before
	if w.ctx.Err() != nil {
		t.Fatal("it ended early")
	}
	w.arm(&limitError{"b", time.Nanosecond})
	select {
	case <-w.ctx.Done():
	case <-time.After(patience):
		t.Fatal("it never ended")
	}
	if e := ended(w.ctx, opBody); e.Kind != KindTimeout || !strings.Contains(e.Error(), "b (1ns)") {
		t.Errorf("ended with %v", e)
	}
}

func TestThrottle(t *testing.T) {
	var th throttle
	at := time.Unix(0, 0)
	f := func(after time.Duration, dropped int, ok bool) {
		t.Helper()
		if gotDropped, gotOK := th.pass(at.Add(after)); gotDropped != dropped || gotOK != ok {
			t.Errorf("after %s: %d, %t", after, gotDropped, gotOK)
		}
	}
	f(0, 0, true)
	f(1, 0, false)
	f(2, 0, false)
	f(noteEvery, 2, true)
	f(2*noteEvery, 0, true)
}
