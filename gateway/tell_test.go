package gateway_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"mirrorgate/cache"
	"mirrorgate/gateway"
)

// get is a request on a connection of its own.
func get(path string, fields ...string) string { return ask("GET "+path+" HTTP/1.1", fields...) }

func ask(line string, fields ...string) string {
	fields = append(fields, "Host: site.test", "Connection: close")
	return line + "\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n"
}

// told1 is what is told of one request in short.
func told1(a gateway.Answered) string {
	whole := "whole"
	if a.Err != nil {
		whole = "failed"
	}
	return fmt.Sprintf("%v %d, %d bytes, %s, site %q rule %q key %q origin %q %s", a.Outcome, a.Status, a.Bytes, whole,
		a.Site, a.Rule, a.Key, a.Origin, a.NotKept)
}

// TestTold asks in every way in which a request can go, one after the other, and compares what is told with what came.
func TestTold(t *testing.T) {
	g := serveTold(t, nil)
	asked := int64(0)
	f := func(want, request string) {
		t.Helper()
		asked++
		answer := g.say(t, request)
		a := next(t, g.answers)
		if got := strings.TrimSpace(told1(a)); !strings.HasPrefix(got, want) {
			t.Errorf("%.60q: told of\n%s, want\n%s", request, got, want)
		}
		head, body, _ := strings.Cut(answer, "\r\n\r\n")
		if !strings.Contains(head, "X-Request-Id: "+a.ID+"\r\n") || !strings.Contains(head, fmt.Sprintf(" %d ", a.Status)) {
			t.Errorf("%.60q: told of %s with status %d, the answer is\n%s", request, a.ID, a.Status, head)
		}
		if !strings.Contains(head, "chunked") && a.Bytes != int64(len(body)) {
			t.Errorf("%.60q: told of %d bytes, got %d", request, a.Bytes, len(body))
		}
		if a.Began.IsZero() || a.FirstByte <= 0 || a.Total < a.FirstByte {
			t.Errorf("%.60q: began %v, first byte after %v, all after %v", request, a.Began, a.FirstByte, a.Total)
		}
	}
	const site, pull = `whole, site "site" rule "" key `, `site "site" rule "pull" key `
	f(`bucket 200, 6 bytes, `+site+`"b.txt" origin ""`, get("/b.txt"))
	f(`memory 200, 6 bytes, `+site+`"b.txt"`, get("/b.txt"))
	f(`memory 200, 0 bytes, `+site+`"b.txt"`, ask("HEAD /b.txt HTTP/1.1"))
	f(`memory 206, 2 bytes, `+site+`"b.txt"`, get("/b.txt", "Range: bytes=2-3"))
	f(`memory 304, 0 bytes, `+site+`"b.txt"`, get("/b.txt", "If-None-Match: *"))
	f(`bucket 200, 307200 bytes, `+site+`"big.bin"`, get("/big.bin"))
	f(`memory 200, 307200 bytes, `+site+`"big.bin"`, get("/big.bin"))
	f(`mirrored 200, 5 bytes, whole, `+pull+`"pull/a" origin "primary"`, get("/pull/a"))
	f(`spool 200, 5 bytes, whole, `+pull+`"pull/a" origin ""`, get("/pull/a"))
	f(`mirrored 200, 9 bytes, whole, `+pull+`"pull/chunks"`, get("/pull/chunks"))
	f(`mirrored 200, 9 bytes, whole, `+pull+`"pull/chunks2"`, strings.Replace(get("/pull/chunks2"), "1.1", "1.0", 1))
	f(`mirrored 200, 7 bytes, whole, `+pull+`"pull/private" origin "primary" private`, get("/pull/private"))
	f(`mirrored 200, 2 bytes, failed, `+pull+`"pull/cut"`, get("/pull/cut")) // the last byte that came is kept back
	f(`passed 200, 0 bytes, whole, `+pull+`"pull/head" origin "primary"`, ask("HEAD /pull/head HTTP/1.1"))
	f(`passed 206, 10 bytes, whole, `+pull+`"pull/large" origin "primary"`, get("/pull/large", "Range: bytes=9000000-9000009"))
	f(`negative 404, `, get("/pull/absent"))
	f(`redirected 301, 0 bytes, whole, `+pull+`"pull/dir" origin "primary"`, get("/pull/dir"))
	f(`redirected 302, 0 bytes, whole, site "site" rule "go" key "go/x" origin "primary"`, get("/go/x"))
	f(`proxied 200, 5 bytes, whole, site "site" rule "pass" key "pass/x" origin "primary"`, get("/pass/x"))
	f(`denied 403, `, get("/deny/x"))
	f(`missing 404, `, get("/none"))
	f(`missing 404, `, get("/.mirrorgate/x"))
	f(`refused 405, `, ask("DELETE /b.txt HTTP/1.1"))
	f(`refused 412, `, get("/b.txt", `If-Match: "other"`))
	f(`refused 416, `, get("/b.txt", "Range: bytes=100-"))
	f(`refused 400, `, get("/%zz"))
	f(`refused 417, `, get("/b.txt", "Expect: 100-continue", "Content-Length: 5"))
	f(`refused 400, `, "nonsense\r\n\r\n")
	f(`refused 431, `, get("/b.txt", "X: "+strings.Repeat("x", 20<<10)))
	f(`error 508, `, get("/pull/loop", "CDN-Loop: loop"))
	f(`error 502, `, get("/pull/failing"))
	g.say(t, get("/.mirrorgate/health"))
	counted(t, g, asked)
	watched(t, g, 13)
}

// counted compares what was counted with the number of requests, and makes sure that nothing was told twice.
func counted(t *testing.T, g *told, asked int64) {
	t.Helper()
	if len(g.answers) > 0 {
		t.Errorf("told of a request that was none, or twice: %+v", <-g.answers)
	}
	var requests, timed int64
	for _, c := range g.Counts() {
		for _, n := range c.Answers {
			requests += n.Requests
		}
	}
	for _, l := range g.Latencies() {
		for i := range l.Total {
			timed += l.Total[i] + l.FirstByte[i]
		}
	}
	if requests != asked || timed != 2*asked {
		t.Errorf("%d counted and %d times noted of %d requests", requests, timed, asked)
	}
}

// watched looks at those that Options.Watch is told of.
func watched(t *testing.T, g *told, want int) {
	t.Helper()
	if len(g.watched) != want {
		t.Errorf("watch was told of %d, want %d", len(g.watched), want)
	}
	for range len(g.watched) {
		a := <-g.watched
		if a.Site != "site" || a.Rule == "" || a.Key == "" || !a.Needed() && a.Outcome != gateway.OutcomeNegative &&
			a.Outcome != gateway.OutcomeError {
			t.Errorf("watch was told of %s", told1(a))
		}
	}
}

// TestToldOfWhoAsks has a client ask for a host that no site has, with what it says of itself.
func TestToldOfWhoAsks(t *testing.T) {
	g := serveTold(t, nil)
	g.say(t, "GET /a?b=c HTTP/1.1\r\nHost: else.test:80\r\nUser-Agent: me\r\nReferer: there\r\nConnection: close\r\n\r\n")
	a := next(t, g.answers)
	if a.Outcome != gateway.OutcomeRefused || a.Status != 404 || a.Site != "" || a.Host != "else.test:80" ||
		a.Target != "/a?b=c" || a.Agent != "me" || a.Refer != "there" || a.Client != "127.0.0.1" || a.Method != "GET" ||
		a.Proto != "HTTP/1.1" {
		t.Errorf("%+v", a)
	}
	if c := g.Counts(); len(c) != 1 || c[0].Site != "" || c[0].Rule != "" {
		t.Errorf("%+v", c)
	}
}

// TestToldOfAJoin has two clients ask for an object that the origin holds back.
func TestToldOfAJoin(t *testing.T) {
	g := serveTold(t, nil)
	answers := make(chan string, 2)
	for range 2 {
		go func() { answers <- g.say(t, get("/pull/held")) }()
	}
	eventually(t, func() error {
		if g.Active() < 2 {
			return errors.New("not both have come")
		}
		return nil
	})
	<-g.asked
	outcomes := map[gateway.Outcome]int{next(t, g.answers).Outcome: 1}
	outcomes[next(t, g.answers).Outcome]++
	if outcomes[gateway.OutcomeMirrored] != 1 || outcomes[gateway.OutcomeJoined] != 1 {
		t.Errorf("%v", outcomes)
	}
	<-answers
	<-answers
}

// TestToldOfWhoLeaves has a client leave a large body.
func TestToldOfWhoLeaves(t *testing.T) {
	g := serveTold(t, nil)
	f := func(path string) {
		t.Helper()
		c, err := net.Dial("tcp", g.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := errors.Join(c.(*net.TCPConn).SetReadBuffer(4<<10), second(c.Write([]byte(get(path))))); err != nil {
			t.Fatal(err)
		}
		got, err := c.Read(make([]byte, 10_000))
		if err := errors.Join(err, c.Close()); err != nil {
			t.Fatal(err)
		}
		a := next(t, g.answers)
		if a.Err == nil || a.Status != 200 || a.Bytes >= large || a.Bytes < int64(got)-1000 {
			t.Errorf("%s: after %d bytes told of %s (%v)", path, got, told1(a), a.Err)
		}
	}
	f("/pass/large")
	f("/pull/large")
	f("/pull/large") // joined, or from the spool
}

// lone is a fleet that admits one way of asking.
type lone struct{}

func (lone) Admit(field func(string) string) (cache.PeerAsk, error) {
	if field("Proof") == "" {
		return cache.PeerAsk{}, errors.New("not one of us")
	}
	return cache.PeerAsk{ID: cache.ID{Site: "site", Key: "k"}}, nil
}

func (lone) Seal(cache.PeerAsk, *cache.PeerAnswer) []cache.Field { return nil }

// TestNotToldOfPeers has another gateway ask, and one that only says so.
func TestNotToldOfPeers(t *testing.T) {
	g := serveTold(t, lone{})
	g.say(t, get(cache.PeerPath, "Proof: x"))
	g.say(t, get(cache.PeerPath))
	if a := next(t, g.answers); a.Outcome != gateway.OutcomeRefused || a.Status != 403 {
		t.Errorf("told of %s", told1(a))
	}
	counted(t, g, 1)
}

func second[T any](_ T, err error) error { return err }
