package origin

import (
	"strings"
	"testing"
	"time"
)

const emptyChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

// Until the first byte of a body is there, the target is asked once more where its connection ended, then the backup.
func TestBodyThatDoesNotBegin(t *testing.T) {
	f := func(name string, asked int, answers ...string) {
		t.Run(name, func(t *testing.T) {
			primary, backup := startScript(t, answers...), startSaying(t, fine)
			o := openBoth(t, primary.url(), backup.url(), nil)
			r := fetched(t, o, get(o, "/x"))
			if got := content(t, r); got != "hello" || r.Target != roleBackup {
				t.Errorf("%q from the %s", got, r.Target)
			}
			if n := len(primary.heads); n != asked {
				t.Errorf("the primary was asked %d times, want %d", n, asked)
			}
		})
	}
	f("cut", 2, noBody, noBody, fine)
	f("chunked", 2, emptyChunked, emptyChunked, fine)
	f("cut, then another failure", 2, noBody, answering(500), fine)
	f("chunks of HTTP/1.0", 1, "HTTP/1.0 200 OK\r\n\r\n5\r\nhello\r\n0\r\n\r\n", fine)

	t.Run("the second try brings it", func(t *testing.T) {
		o := open(t, startScript(t, noBody, fine).url(), nil)
		if got := content(t, fetched(t, o, get(o, "/x"))); got != "hello" {
			t.Errorf("body %q", got)
		}
	})
	t.Run("no failover wanted", func(t *testing.T) {
		backup := startSaying(t, fine)
		o := openBoth(t, startSaying(t, noBody).url(), backup.url(), func(c *Config) { c.FailoverOn = []string{"404"} })
		if e := refused(t, o, get(o, "/x"), KindFailed); e.Op != opBody {
			t.Errorf("failed with %+v", e)
		}
		backup.unasked(t)
	})
}

// A body that ends before it begins is an empty one, if its framing says so.
func TestEmptyBodies(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", emptyChunked + "0\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n",
	} {
		o := open(t, startSaying(t, answer).url(), nil)
		if got := content(t, fetched(t, o, get(o, "/x"))); got != "" {
			t.Errorf("body %q of %q", got, answer)
		}
	}
}

// A target that sends a header and then nothing has timeouts.first_byte for the body to begin; that speaks against its
// health as any other timeout does.
func TestBodyThatStallsAtOnce(t *testing.T) {
	primary, backup := startHanging(t, noBody), startSaying(t, fine)
	o := openBoth(t, primary.url(), backup.url(), func(c *Config) { c.Timeouts.FirstByte = 50 * time.Millisecond })
	for range o.c.Breaker.Failures {
		if r := fetched(t, o, get(o, "/x")); r.Target != roleBackup {
			t.Errorf("the %s answered", r.Target)
		}
		primary.head(t)
	}
	primary.unasked(t) // not twice: it was too slow, its connection did not end
	if o.targets[rolePrimary].check(time.Now()) == nil {
		t.Error("the primary is not to blame")
	}
}

// What a client has waited before the origin is asked counts, too.
func TestBudgetBegan(t *testing.T) {
	o := open(t, startHanging(t, "").url(), func(c *Config) { c.Timeouts.Answer = time.Minute })
	r := get(o, "/x")
	r.Asked = time.Now().Add(-time.Minute + 50*time.Millisecond)
	if e := refused(t, o, r, KindTimeout); !strings.Contains(e.Error(), "timeouts.answer") {
		t.Errorf("failed with %v", e)
	}
	if err := o.targets[rolePrimary].check(time.Now()); err != nil {
		t.Errorf("the primary is to blame: %v", err)
	}
}
