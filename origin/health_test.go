package origin

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock is a time that passes only when a test says so.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// stopClock makes the origin's breakers and pauses live by a clock.
func stopClock(o *Origin) *clock {
	c := &clock{at: time.Now()}
	o.now = c.now
	return c
}

// startSwitched says whatever the switch holds at the time.
func startSwitched(t *testing.T, says string) (server *rawServer, change func(string)) {
	var now atomic.Value
	now.Store(says)
	return startRaw(t, func(c net.Conn, _ string) bool {
		_, _ = io.WriteString(c, now.Load().(string))
		return false
	}), func(says string) { now.Store(says) }
}

// spoil fetches until the target's breaker is open.
func spoil(t *testing.T, o *Origin, role string) {
	t.Helper()
	r := get(o, "/")
	for _, a := range r.Asks {
		if a.Role == role {
			r.Asks = []Ask{a}
		}
	}
	for range o.c.Breaker.Failures {
		if e := refused(t, o, r, KindFailed); e.Op == opPassOver {
			t.Fatalf("%s was passed over early: %v", role, e)
		}
	}
	if o.targets[role].check(o.now()) == nil {
		t.Fatalf("the breaker of the %s is not open", role)
	}
}

func TestDeadPrimaryCostsLittle(t *testing.T) {
	primary, change := startSwitched(t, answering(500))
	backup := startSaying(t, fine)
	o := openBoth(t, primary.url(), backup.url(), nil)
	c := stopClock(o)
	f := func(fetches, asked int, target string) {
		t.Helper()
		before := len(primary.heads)
		for range fetches {
			r := fetched(t, o, get(o, "/"))
			if got := content(t, r); got != "hello" || r.Target != target {
				t.Errorf("%q from the %s", got, r.Target)
			}
		}
		if got := len(primary.heads) - before; got != asked {
			t.Errorf("the primary was asked %d times, want %d", got, asked)
		}
	}
	f(20, 5, roleBackup)
	c.pass(o.c.Breaker.Open - 1)
	f(5, 0, roleBackup)
	c.pass(1)
	f(5, 1, roleBackup)
	c.pass(o.c.Breaker.Open)
	f(5, 1, roleBackup)
	c.pass(o.c.Breaker.Open)
	change(fine)
	f(5, 5, rolePrimary)
}

func TestAllTargetsOpen(t *testing.T) {
	primary, backup := startSaying(t, answering(500)), startSaying(t, answering(502))
	o := openBoth(t, primary.url(), backup.url(), func(c *Config) { c.MaxConcurrent = 1 })
	c := stopClock(o)
	spoil(t, o, rolePrimary)
	c.pass(2 * time.Second)
	spoil(t, o, roleBackup)
	c.pass(time.Second)
	if !o.limits.places.TryAcquire(1) { // nobody waits to be told
		t.Fatal("no place")
	}
	asked := len(primary.heads) + len(backup.heads)
	e := refused(t, o, get(o, "/"), KindBusy)
	if e.RetryAfter != 2*time.Second || !e.Temporary || e.Incomplete || e.Status != 0 {
		t.Errorf("failed with %+v", e)
	}
	if public := e.Public(); !strings.Contains(public, "not asked") {
		t.Errorf("says %q", public)
	}
	if text := e.Error(); !strings.Contains(text, "status 500") || !strings.Contains(text, "status 502") {
		t.Errorf("the log says %q", text)
	}
	if len(primary.heads)+len(backup.heads) != asked {
		t.Error("one was asked")
	}
}

func TestOnlyTargetOpen(t *testing.T) {
	o := open(t, "http://"+deadAddress(t), nil)
	c := stopClock(o)
	spoil(t, o, rolePrimary)
	c.pass(3500 * time.Millisecond)
	if e := refused(t, o, get(o, "/"), KindBusy); e.RetryAfter != 1500*time.Millisecond || e.Target != rolePrimary ||
		!strings.HasPrefix(e.Error(), "primary: passed over: its breaker is open: primary: connect: ") {
		t.Errorf("failed with %v", e)
	}
}

// While one request finds out whether the target is back, all others hear at once that it is not asked.
func TestOneProbe(t *testing.T) {
	var good atomic.Bool
	probed, answer := make(chan struct{}), make(chan string)
	server := startRaw(t, func(c net.Conn, _ string) bool {
		says := answering(500)
		if good.Load() {
			probed <- struct{}{}
			says = <-answer
		}
		_, _ = io.WriteString(c, says)
		return false
	})
	o := open(t, server.url(), nil)
	c := stopClock(o)
	spoil(t, o, rolePrimary)
	good.Store(true)
	for _, says := range []string{answering(500), fine} {
		c.pass(o.c.Breaker.Open)
		done := make(chan error)
		go func() {
			r, err := o.Fetch(t.Context(), get(o, "/"))
			if err == nil {
				err = r.Body.Close()
			}
			done <- err
		}()
		<-probed
		c.pass(2 * o.c.Breaker.Open) // also when it takes long
		for range 20 {
			if e := refused(t, o, get(o, "/"), KindBusy); e.RetryAfter <= 0 {
				t.Errorf("failed with %+v", e)
			}
		}
		answer <- says
		if err := <-done; (err == nil) != (says == fine) {
			t.Errorf("the probe ended with %v", err)
		}
	}
	done := make(chan struct{})
	go func() {
		for range 3 {
			<-probed
			answer <- fine
		}
		close(done)
	}()
	for range 3 {
		fetched(t, o, get(o, "/")).Body.Close()
	}
	<-done
}

func TestWhatOpensABreaker(t *testing.T) {
	f := func(name, primary string, opens bool, change func(*Config)) {
		t.Run(name, func(t *testing.T) {
			o := openHasty(t, primary, func(c *Config) {
				c.AllowPrivateRedirects = true
				if change != nil {
					change(c)
				}
			})
			for range o.c.Breaker.Failures {
				if r, err := fetch(t, o, get(o, "/a")); err == nil {
					_, _ = io.Copy(io.Discard, r.Body)
					r.Body.Close()
				}
			}
			if err := o.targets[rolePrimary].check(time.Now()); (err != nil) != opens {
				t.Errorf("check says %v", err)
			}
		})
	}
	says := func(status int) string { return startSaying(t, answering(status)).url() }
	hasty := func(c *Config) { c.Timeouts.Connect, c.Timeouts.FirstByte = 20*time.Millisecond, 20*time.Millisecond }
	hanging := startHanging(t, "")
	f("dead", "http://"+deadAddress(t), true, nil)
	f("no such name", "http://nowhere.invalid", true, nil)
	f("no answer", hanging.url(), true, hasty)
	f("no handshake", "https://"+hanging.addr, true, hasty)
	f("no answer, by the budget", hanging.url(), true, func(c *Config) { c.Timeouts.Answer = 20 * time.Millisecond })
	f("cut before the answer", startSaying(t, "").url(), true, nil)
	f("nonsense", startSaying(t, "nonsense").url(), true, nil)
	for _, status := range []int{500, 502, 503, 504, 599} {
		f(fmt.Sprint(status), says(status), true, nil)
	}
	f("a cut body", startSaying(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").url(), true, nil)
	f("a cut body, resumed in vain", startScriptAgain(t, begun, rest(4, 5), rest(5, 6), rest(6, 7)).url(), true, nil)
	f("a stall", startHanging(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").url(), true,
		func(c *Config) { c.Timeouts.Stall = 20 * time.Millisecond })
	f("a redirect to what fails there", startScriptAgain(t,
		"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", answering(500)).url(), true, nil)

	for _, status := range []int{400, 401, 402, 403, 404, 410, 429, 451} {
		f(fmt.Sprint(status), says(status), false, nil)
	}
	f("501", says(501), false, nil)
	f("508", says(508), false, nil)
	f("204", says(204), false, nil)
	f("503, passed", says(503), false, func(c *Config) { c.PassStatus = []int{503} })
	f("a body resumed well", startScriptAgain(t, begun, rest(4, 10)).url(), false, nil)
	f("a loop", startRedirecting(t, 302, map[string]string{"/a": "/a"}).url(), false, nil)
	elsewhere := func(to string) string { return startRedirecting(t, 302, map[string]string{"/a": to}).url() }
	f("a redirect to a dead host", elsewhere("http://"+deadAddress(t)+"/b"), false, nil)
	f("a redirect to one that fails", elsewhere(says(500)+"/b"), false, nil)
	f("a redirect to one that cuts off", elsewhere(startSaying(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").url()),
		false, nil)
	f("a redirect to a refused address", elsewhere("http://127.0.0.2:1/"), false, func(c *Config) { c.AllowPrivateRedirects = false })
	f("max_rate", says(200), false, func(c *Config) { c.MaxRate, c.Timeouts.Answer = 0.01, time.Second })
	f("off", says(500), false, func(c *Config) {
		*c = Config{
			Primary: c.Primary, Timeouts: c.Timeouts, MaxConcurrent: 1, Scope: c.Scope,
			Breaker: BreakerConfig{Failures: 0, Window: 1, Open: 1},
		}
	})
}

// startScriptAgain begins the script anew after its last answer.
func startScriptAgain(t *testing.T, answers ...string) *rawServer {
	var n atomic.Int64
	return startRaw(t, func(c net.Conn, _ string) bool {
		_, _ = io.WriteString(c, answers[int(n.Add(1)-1)%len(answers)])
		return false
	})
}

func TestLeavingIsNoFailure(t *testing.T) {
	f := func(name, says string) {
		t.Run(name, func(t *testing.T) {
			server := startHanging(t, says)
			o := open(t, server.url(), nil)
			for range 2 * o.c.Breaker.Failures {
				ctx, cancel := context.WithCancel(t.Context())
				go func() {
					<-server.heads
					cancel()
				}()
				if r, err := o.Fetch(ctx, get(o, "/")); err == nil {
					_, _ = io.Copy(io.Discard, r.Body)
					r.Body.Close()
				}
			}
			for range o.c.Breaker.Failures { // and one that has set itself an end
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
				if r, err := o.Fetch(ctx, get(o, "/")); err == nil {
					_, _ = io.Copy(io.Discard, r.Body)
					r.Body.Close()
				}
				cancel()
			}
			if err := o.targets[rolePrimary].check(time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	f("before the answer", "")
	f("in the body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
}

// Not even one that had waited longer than it takes to blame the target for the end of the budget.
func TestLeavingLateIsNoFailure(t *testing.T) {
	o := open(t, startHanging(t, "").url(), func(c *Config) { c.Breaker.Failures, c.Timeouts.Answer = 1, time.Second })
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	if _, err := o.Fetch(ctx, get(o, "/")); err == nil {
		t.Error("fetched")
	}
	if err := o.targets[rolePrimary].check(time.Now()); err != nil {
		t.Error(err)
	}
}

func TestWaitingForAPlaceIsNoFailure(t *testing.T) {
	o := open(t, startSaying(t, fine).url(), func(c *Config) { c.MaxConcurrent, c.Timeouts.Answer = 1, 10*time.Millisecond })
	first := fetched(t, o, get(o, "/"))
	for range 2 * o.c.Breaker.Failures {
		if e := refused(t, o, get(o, "/"), KindBusy); e.Op != opLimit {
			t.Errorf("failed with %+v", e)
		}
	}
	first.Body.Close()
	content(t, fetched(t, o, get(o, "/")))
}

// The primary uses up the budget: it is to blame for that, the backup is not.
func TestBudgetUsedUpByAnother(t *testing.T) {
	primary, backup := startHanging(t, ""), startHanging(t, "")
	o := openBoth(t, primary.url(), backup.url(), func(c *Config) {
		c.Timeouts.FirstByte, c.Timeouts.Answer = 60*time.Millisecond, 80*time.Millisecond
	})
	for range o.c.Breaker.Failures {
		refused(t, o, get(o, "/"), KindTimeout)
	}
	if o.targets[rolePrimary].check(time.Now()) == nil {
		t.Error("the primary is not to blame")
	}
	if err := o.targets[roleBackup].check(time.Now()); err != nil {
		t.Error(err)
	}
}

func TestOneBrokenObject(t *testing.T) {
	server := startRaw(t, func(c net.Conn, head string) bool {
		says := fine
		if strings.HasPrefix(head, "GET /broken ") {
			says = answering(500)
		}
		_, _ = io.WriteString(c, says)
		return false
	})
	o := open(t, server.url(), nil)
	for range 20 {
		refused(t, o, get(o, "/broken"), KindFailed)
		content(t, fetched(t, o, get(o, "/a")))
		content(t, fetched(t, o, get(o, "/b")))
	}
}

// A 404 counts as the last word only when every target was asked.
func TestIncomplete(t *testing.T) {
	f := func(name string, open string, primary, backup int, want Kind, incomplete bool) {
		t.Run(name, func(t *testing.T) {
			p, changeP := startSwitched(t, answering(500))
			b, changeB := startSwitched(t, answering(500))
			o := openBoth(t, p.url(), b.url(), nil)
			stopClock(o)
			if open != "" {
				spoil(t, o, open)
			}
			changeP(answering(primary))
			changeB(answering(backup))
			e := refused(t, o, get(o, "/"), want)
			if e.Incomplete != incomplete || e.RetryAfter != 0 {
				t.Errorf("failed with %+v", e)
			}
			if tried := e.Target; open != "" && tried == open {
				t.Errorf("the %s is said to have failed", tried)
			}
		})
	}
	f("both", "", 404, 404, KindNotFound, false)
	f("the backup alone", rolePrimary, 0, 404, KindNotFound, true)
	f("the backup alone, 410", rolePrimary, 0, 410, KindNotFound, true)
	f("the backup alone, passed", rolePrimary, 0, 403, KindPassed, true)
	f("the backup alone, failed", rolePrimary, 0, 500, KindFailed, false)
	f("the primary alone", roleBackup, 404, 0, KindNotFound, true)
	f("the primary alone, passed", roleBackup, 403, 0, KindPassed, false) // 403 is not in failover_on
	f("the primary alone, failed", roleBackup, 500, 0, KindFailed, false)
}

// The backup stands in for an open primary only where it would for the failures that opened it.
func TestOpenPrimaryAndFailover(t *testing.T) {
	f := func(name, primary string, asked bool, on ...string) {
		t.Run(name, func(t *testing.T) {
			backup := startSaying(t, fine)
			o := openBoth(t, primary, backup.url(), func(c *Config) { c.FailoverOn = on })
			stopClock(o)
			for range o.c.Breaker.Failures {
				r := get(o, "/")
				r.Asks = r.Asks[:1]
				if r, err := fetch(t, o, r); err == nil {
					_, _ = io.Copy(io.Discard, r.Body)
					r.Body.Close()
				}
			}
			if r, err := fetch(t, o, get(o, "/")); asked && (err != nil || r.Target != roleBackup) {
				t.Errorf("got %+v, %v", r, err)
			} else if !asked {
				failedAs(t, err, KindBusy)
				backup.unasked(t)
			}
		})
	}
	failing, dead := startSaying(t, answering(500)).url(), "http://"+deadAddress(t)
	cutting := startSaying(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").url()
	f("500", failing, true, "5xx")
	f("500 by number", failing, true, "500")
	f("500, not wanted", failing, false, "connect", "timeout", "404")
	f("dead", dead, true, "connect")
	f("dead, not wanted", dead, false, "timeout", "5xx", "404")
	f("cut bodies", cutting, true, "connect")
	f("cut bodies, not wanted", cutting, false, "timeout", "5xx", "404")
}

// A body that breaks off while the breaker is open is not resumed: the target is left alone. Later its resume may be
// the probe.
func TestResumeAndOpenBreaker(t *testing.T) {
	cut := map[string]chan struct{}{"/a": make(chan struct{}), "/b": make(chan struct{})}
	server := startRaw(t, func(c net.Conn, head string) bool {
		path := strings.Fields(head)[1]
		switch {
		case strings.Contains(head, "\r\nRange: "):
			_, _ = io.WriteString(c, rest(4, 10))
		case cut[path] != nil:
			_, _ = io.WriteString(c, begun)
			<-cut[path]
		default:
			_, _ = io.WriteString(c, answering(500))
		}
		return false
	})
	o := open(t, server.url(), nil)
	c := stopClock(o)
	a, b := fetched(t, o, get(o, "/a")), fetched(t, o, get(o, "/b"))
	spoil(t, o, rolePrimary)
	asked := len(server.heads)
	close(cut["/a"])
	_, err := io.ReadAll(a.Body)
	if failedAs(t, err, KindFailed); len(server.heads) != asked || !strings.Contains(err.Error(), "breaker") {
		t.Errorf("failed with %v", err)
	}
	c.pass(o.c.Breaker.Open - 1)
	refused(t, o, get(o, "/"), KindBusy) // and the break does not prolong that
	c.pass(1)
	close(cut["/b"])
	if got := content(t, b); got != digits {
		t.Errorf("body %q", got)
	}
	refused(t, o, get(o, "/"), KindFailed) // it is asked again
}

func TestBreakerIsLogged(t *testing.T) {
	server, change := startSwitched(t, answering(500))
	o := open(t, server.url(), nil)
	var log strings.Builder
	o.log = slog.New(slog.NewTextHandler(&log, nil))
	c := stopClock(o)
	spoil(t, o, rolePrimary)
	refused(t, o, get(o, "/"), KindBusy)
	c.pass(o.c.Breaker.Open)
	refused(t, o, get(o, "/"), KindFailed)
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "its breaker is open") {
		t.Errorf("log %q", got)
	}
	c.pass(o.c.Breaker.Open)
	change(fine)
	content(t, fetched(t, o, get(o, "/")))
	content(t, fetched(t, o, get(o, "/")))
	if got := log.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "answers again") {
		t.Errorf("log %q", got)
	}
}

// Many at once: no more than the failures and those that were already on their way reach a dead target.
func TestStampedeOnADeadTarget(t *testing.T) {
	const workers, each = 8, 50
	server := startSaying(t, answering(500))
	o := open(t, server.url(), nil)
	stopClock(o)
	var work sync.WaitGroup
	var asked atomic.Int64
	for range workers {
		work.Go(func() {
			for range each {
				if _, err := o.Fetch(t.Context(), get(o, "/")); err.(*Error).Kind != KindBusy {
					asked.Add(1)
				}
			}
		})
	}
	work.Wait()
	if n := asked.Load(); n > int64(o.c.Breaker.Failures+workers) || n != int64(len(server.heads)) {
		t.Errorf("%d fetches reached it, %d requests", n, len(server.heads))
	}
}

func TestHeadCountsToo(t *testing.T) {
	o := open(t, startSaying(t, "HTTP/1.1 500 Error\r\nContent-Length: 0\r\n\r\n").url(), nil)
	r := get(o, "/")
	r.Method = http.MethodHead
	for range o.c.Breaker.Failures {
		refused(t, o, r, KindFailed)
	}
	refused(t, o, r, KindBusy)
}
