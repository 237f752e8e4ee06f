package origin

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func asking(status int, retryAfter string) string {
	return fmt.Sprintf("HTTP/1.1 %d Answer\r\nRetry-After: %s\r\nContent-Length: 5\r\n\r\nerror", status, retryAfter)
}

func TestPausedTarget(t *testing.T) {
	f := func(name, says string, want Kind, wait time.Duration) {
		t.Run(name, func(t *testing.T) {
			server, change := startSwitched(t, says)
			o := open(t, server.url(), func(c *Config) { c.PassStatus = []int{451} })
			c := stopClock(o)
			e := refused(t, o, get(o, "/"), want)
			if e.RetryAfter != wait || e.Status == 0 {
				t.Errorf("failed with %+v", e)
			}
			change(fine)
			if wait == 0 {
				content(t, fetched(t, o, get(o, "/")))
				return
			}
			c.pass(wait - time.Second)
			if e := refused(t, o, get(o, "/"), KindBusy); e.RetryAfter != time.Second || !strings.Contains(e.Error(), "Retry-After") {
				t.Errorf("failed with %+v", e)
			}
			c.pass(time.Second)
			content(t, fetched(t, o, get(o, "/")))
			if n := len(server.heads); n != 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
	f("503", asking(503, "7"), KindBusy, 7*time.Second)
	f("429", asking(429, "7"), KindBusy, 7*time.Second)
	f("too long", asking(429, "3600"), KindBusy, maxPause)
	f("a date", "HTTP/1.1 503 A\r\nDate: Sun, 01 Mar 2026 12:00:00 GMT\r\nRetry-After: Sun, 01 Mar 2026 12:00:09 GMT\r\n"+
		"Content-Length: 0\r\n\r\n", KindBusy, 9*time.Second)
	f("at once", asking(503, "0"), KindFailed, 0)
	f("nonsense", asking(503, "soon"), KindFailed, 0)
	f("none", answering(429), KindFailed, 0)
	f("404", asking(404, "7"), KindNotFound, 0)
	f("500", asking(500, "7"), KindFailed, 0)
}

func TestPassedStatusPausesToo(t *testing.T) {
	server := startSaying(t, asking(429, "7"))
	o := open(t, server.url(), func(c *Config) { c.PassStatus = []int{429} })
	refused(t, o, get(o, "/"), KindPassed)
	refused(t, o, get(o, "/"), KindBusy)
}

func TestPauseAndFailover(t *testing.T) {
	f := func(name string, status int, asked bool, on ...string) {
		t.Run(name, func(t *testing.T) {
			primary, backup := startSaying(t, asking(status, "7")), startSaying(t, fine)
			o := openBoth(t, primary.url(), backup.url(), func(c *Config) { c.FailoverOn = on })
			for range 3 {
				r, err := fetch(t, o, get(o, "/"))
				if asked && (err != nil || r.Target != roleBackup) {
					t.Errorf("got %+v, %v", r, err)
				} else if !asked {
					failedAs(t, err, KindBusy)
					backup.unasked(t)
				}
			}
			if n := len(primary.heads); n != 1 {
				t.Errorf("the primary was asked %d times", n)
			}
		})
	}
	f("503", 503, true, "5xx")
	f("503 by number", 503, true, "503")
	f("503, not wanted", 503, false, "connect", "404")
	f("429", 429, true, "4xx")
	f("429, not wanted", 429, false, "connect", "timeout", "5xx", "404")
}

func TestPauseMakesIncomplete(t *testing.T) {
	primary, backup := startSaying(t, asking(503, "7")), startSaying(t, answering(404))
	o := openBoth(t, primary.url(), backup.url(), nil)
	if e := refused(t, o, get(o, "/"), KindBusy); e.RetryAfter != 7*time.Second || e.Target != rolePrimary {
		t.Errorf("failed with %+v", e) // it was tried, and did not say that the object is missing
	}
	if e := refused(t, o, get(o, "/"), KindNotFound); !e.Incomplete {
		t.Errorf("failed with %+v", e)
	}
}

func TestSoonestOfTwoPauses(t *testing.T) {
	o := openBoth(t, startSaying(t, asking(503, "30")).url(), startSaying(t, asking(503, "7")).url(), nil)
	c := stopClock(o)
	if e := refused(t, o, get(o, "/"), KindBusy); e.RetryAfter != 7*time.Second {
		t.Errorf("failed with %+v", e)
	}
	c.pass(time.Second)
	if e := refused(t, o, get(o, "/"), KindBusy); e.RetryAfter != 6*time.Second {
		t.Errorf("failed with %+v", e)
	}
}

// A host to which a target redirects has no say about the target.
func TestPauseOfAnother(t *testing.T) {
	other := startSaying(t, asking(503, "7"))
	server := startRedirecting(t, 302, map[string]string{"/a": other.url() + "/b"})
	o := open(t, server.url(), func(c *Config) { c.AllowPrivateRedirects = true })
	refused(t, o, get(o, "/a"), KindFailed)
	content(t, fetched(t, o, get(o, "/c")))
}
