package origin

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

func answering(status int) string {
	return fmt.Sprintf("HTTP/1.1 %d Answer\r\nContent-Length: 5\r\n\r\nerror", status)
}

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

// openBoth makes an Origin with a backup.
func openBoth(t *testing.T, primary, backup string, change func(*Config)) *Origin {
	return open(t, primary, func(c *Config) {
		c.Backup = Target{URL: backup}
		if change != nil {
			change(c)
		}
	})
}

func TestBackupIsAsked(t *testing.T) {
	f := func(name string, primary string, asked bool, change func(*Config)) {
		t.Run(name, func(t *testing.T) {
			backup := startSaying(t, fine)
			o := openBoth(t, primary, backup.url()+"/base", change)
			r, err := fetch(t, o, get(o, "/x"))
			if !asked {
				if backup.unasked(t); err == nil {
					t.Errorf("got %+v", r)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if line := backup.line(t); r.Target != roleBackup || content(t, r) != "hello" || line != "GET /base/x HTTP/1.1" {
				t.Errorf("got %+v of %q", r, line)
			}
		})
	}
	on := func(set ...string) func(*Config) { return func(c *Config) { c.FailoverOn = set } }
	says := func(status int) string { return startSaying(t, answering(status)).url() }
	dead := "http://" + deadAddress(t)
	nonsense, loop := startSaying(t, "nonsense").url(), startRedirecting(t, 302, map[string]string{"/x": "/x"}).url()

	f("404", says(404), true, nil)
	f("410", says(410), true, nil)
	f("404 not wanted", says(404), false, on("connect", "5xx"))
	f("dead", dead, true, nil)
	f("dead, not wanted", dead, false, on("timeout", "5xx", "404"))
	f("no such name", "http://nowhere.invalid", true, nil)
	f("nonsense", nonsense, true, nil)
	f("a loop", loop, true, nil)
	f("500", says(500), true, nil)
	f("508", says(508), true, nil)
	f("503 by number", says(503), true, on("503"))
	f("502, not by number", says(502), false, on("503"))
	f("403", says(403), false, nil)
	f("403 by number", says(403), true, on("403"))
	f("403 as 4xx", says(403), true, on("4xx"))
	f("404 as 4xx", says(404), true, on("4xx"))
	f("206", startSaying(t, "HTTP/1.1 206 Part\r\nContent-Range: bytes 0-0/1\r\nContent-Length: 1\r\n\r\nx").url(), true, nil)

	slow := func(set ...string) func(*Config) {
		return func(c *Config) {
			c.Timeouts.FirstByte, c.Timeouts.Connect, c.FailoverOn = 50*time.Millisecond, 50*time.Millisecond, set
		}
	}
	hanging := startHanging(t, "")
	f("timeout", hanging.url(), true, slow("timeout"))
	f("timeout, not wanted", hanging.url(), false, slow("connect", "5xx", "404"))
	f("slow to connect, as connect", "https://"+hanging.addr, true, slow("connect"))
	f("slow to connect, as timeout", "https://"+hanging.addr, true, slow("timeout"))
}

func TestNeverAfterTheBodyBegan(t *testing.T) {
	primary, backup := startSaying(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"), startSaying(t, fine)
	o := openBoth(t, primary.url(), backup.url(), nil)
	r := fetched(t, o, get(o, "/x"))
	_, err := io.ReadAll(r.Body)
	failedAs(t, err, KindFailed)
	backup.unasked(t)
}

func TestVerdicts(t *testing.T) {
	f := func(primary, backup int, on string, want Kind, status int, target string) {
		t.Run(fmt.Sprint(primary, backup), func(t *testing.T) {
			o := openBoth(t, startSaying(t, answering(primary)).url(), startSaying(t, answering(backup)).url(),
				func(c *Config) { c.FailoverOn = []string{"404", "5xx", on} })
			e := refused(t, o, get(o, "/x"), want)
			if e.Status != status || e.Target != target {
				t.Errorf("failed with %+v", e)
			}
			if text := e.Error(); !strings.Contains(text, fmt.Sprintf("primary: status %d; backup: status %d", primary, backup)) {
				t.Errorf("says %q", text)
			}
		})
	}
	f(404, 404, "connect", KindNotFound, 404, roleBackup)
	f(404, 410, "connect", KindNotFound, 410, roleBackup)
	f(500, 404, "connect", KindFailed, 500, rolePrimary)
	f(404, 500, "connect", KindFailed, 500, roleBackup)
	f(500, 502, "connect", KindFailed, 502, roleBackup)
	f(404, 403, "connect", KindPassed, 403, roleBackup)
	f(403, 404, "403", KindPassed, 403, rolePrimary)
	f(500, 451, "connect", KindFailed, 500, rolePrimary)
	f(404, 402, "connect", KindFailed, 402, roleBackup)
}

func TestPassStatus(t *testing.T) {
	f := func(status int, want Kind, change func(*Config)) {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			o := open(t, startSaying(t, answering(status)).url(), change)
			if e := refused(t, o, get(o, "/x"), want); e.Status != status {
				t.Errorf("failed with %+v", e)
			}
		})
	}
	f(401, KindPassed, nil)
	f(403, KindPassed, nil)
	f(451, KindPassed, nil)
	f(402, KindFailed, nil)
	f(508, KindFailed, nil)
	f(402, KindPassed, func(c *Config) { c.PassStatus = []int{402} })
	f(403, KindFailed, func(c *Config) { c.PassStatus = []int{402} })
	f(503, KindPassed, func(c *Config) { c.PassStatus = []int{503} })
}

func TestOneBudgetForAllTargets(t *testing.T) {
	primary, backup := startHanging(t, ""), startHanging(t, "")
	limits := func(first, answer time.Duration) func(*Config) {
		return func(c *Config) { c.Timeouts.FirstByte, c.Timeouts.Answer = first, answer }
	}
	o := openBoth(t, primary.url(), backup.url(), limits(200*time.Millisecond, 240*time.Millisecond))
	begun := time.Now()
	e := refused(t, o, get(o, "/x"), KindTimeout)
	if took := time.Since(begun); took < 240*time.Millisecond {
		t.Errorf("took %s", took)
	}
	primary.line(t)
	backup.line(t)
	if text := e.Error(); !strings.Contains(text, "timeouts.answer") || !strings.Contains(text, "timeouts.first_byte") {
		t.Errorf("says %q", text)
	}

	o = openBoth(t, primary.url(), backup.url(), limits(patience, 50*time.Millisecond))
	refused(t, o, get(o, "/x"), KindTimeout)
	primary.line(t)
	backup.unasked(t)
}
