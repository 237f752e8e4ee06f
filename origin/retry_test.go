package origin

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestRetry(t *testing.T) {
	f := func(name string, want Kind, asked int, answers ...string) {
		t.Run(name, func(t *testing.T) {
			server := startScript(t, answers...)
			o := open(t, server.url(), func(c *Config) { c.Timeouts.FirstByte = 50 * time.Millisecond })
			if want == "" {
				if got := content(t, fetched(t, o, get(o, "/x"))); got != "hello" {
					t.Errorf("body %q", got)
				}
			} else {
				refused(t, o, get(o, "/x"), want)
			}
			if n := len(server.heads); n != asked {
				t.Errorf("%d requests, want %d", n, asked)
			}
		})
	}
	f("cut before the answer", "", 2, "", fine)
	f("cut twice", KindFailed, 2, "", "", fine)
	f("404 then", KindNotFound, 2, "", answering(404), fine)
	f("one byte of an answer", KindFailed, 1, "H", fine)
	f("nonsense", KindFailed, 1, "nonsense", fine)
	f("an interim answer", KindFailed, 1, "HTTP/1.1 103 Early Hints\r\n\r\n", fine)
	f("500", KindFailed, 1, answering(500), fine)
	f("404", KindNotFound, 1, answering(404), fine)
}

func TestNoRetryAfterATimeout(t *testing.T) {
	server := startHanging(t, "")
	o := open(t, server.url(), func(c *Config) { c.Timeouts.FirstByte = 50 * time.Millisecond })
	refused(t, o, get(o, "/x"), KindTimeout)
	server.head(t)
	server.unasked(t)
}

func TestResetIsRetried(t *testing.T) {
	var n atomic.Int64
	server := startRaw(t, func(c net.Conn, _ string) bool {
		if n.Add(1) == 1 {
			_ = c.(*net.TCPConn).SetLinger(0) // its close is a reset
			return false
		}
		_, _ = io.WriteString(c, fine)
		return false
	})
	o := open(t, server.url(), nil)
	if got := content(t, fetched(t, o, get(o, "/x"))); got != "hello" {
		t.Errorf("body %q", got)
	}
}

// On a connection that was used before, net/http tries again by itself; that is then the one time.
func TestRetryOnAUsedConnection(t *testing.T) {
	var n atomic.Int64
	server := startRaw(t, func(c net.Conn, _ string) bool {
		if n.Add(1) > 1 {
			return false
		}
		_, err := io.WriteString(c, fine)
		return err == nil
	})
	o := open(t, server.url(), nil)
	content(t, fetched(t, o, get(o, "/x")))
	refused(t, o, get(o, "/x"), KindFailed)
	if got := n.Load(); got != 3 {
		t.Errorf("%d requests", got)
	}
}

func TestRetryKeepsTheBudget(t *testing.T) {
	var n atomic.Int64
	server := startRaw(t, func(_ net.Conn, _ string) bool { return n.Add(1) > 1 })
	o := open(t, server.url(), func(c *Config) { c.Timeouts.Answer = 100 * time.Millisecond })
	begun := time.Now()
	if e := refused(t, o, get(o, "/x"), KindTimeout); !strings.Contains(e.Error(), "timeouts.answer") || time.Since(begun) > patience/2 {
		t.Errorf("failed with %v", e)
	}
	if got := n.Load(); got != 2 {
		t.Errorf("%d requests", got)
	}
}

func TestRetryThenBackup(t *testing.T) {
	primary, backup := startSaying(t, ""), startSaying(t, fine)
	o := openBoth(t, primary.url(), backup.url(), nil)
	stopClock(o)
	for i := range 10 {
		if r := fetched(t, o, get(o, "/x")); content(t, r) != "hello" || r.Target != roleBackup {
			t.Errorf("got %+v", r)
		}
		// Every request counts as a failure: the third pull's is the fifth, after which none is tried again.
		if got, want := len(primary.heads), min(2*(i+1), 5); got != want {
			t.Errorf("%d requests, want %d", got, want)
		}
	}
}

// What kept the second try from being sent hides the failure of the first from nobody.
func TestRetryThatIsNotSent(t *testing.T) {
	o := open(t, startSaying(t, "").url(), func(c *Config) { c.MaxRate, c.Timeouts.Answer = 0.5, time.Second })
	if e := refused(t, o, get(o, "/x"), KindFailed); e.Op != opAnswer {
		t.Errorf("failed with %+v", e)
	}
	o = open(t, startSaying(t, "").url(), func(c *Config) { c.Breaker.Failures = 1 })
	if e := refused(t, o, get(o, "/x"), KindFailed); e.Op != opAnswer {
		t.Errorf("failed with %+v", e)
	}
}
