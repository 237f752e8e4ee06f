package origin_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

func TestSoundAnswers(t *testing.T) {
	t.Parallel()
	s := origin.Start(t, origin.Config{})
	const path = "/a%20b.bin"
	o := s.Object("/a b.bin")
	modified := o.LastModified.Format(http.TimeFormat)
	f := func(status int, body []byte, method string, header ...string) {
		t.Helper()
		r := get(t, s, method, path, header...)
		same(t, fmt.Sprint(method, header), r.line(), fmt.Sprintf("HTTP/1.1 %d %s", status, http.StatusText(status)))
		if status < 400 {
			sameBytes(t, fmt.Sprint(method, header), r.body, body)
		}
	}
	all := o.Truth.Bytes()
	f(200, all, "GET")
	f(200, nil, "HEAD")
	f(206, all[5:10], "GET", "Range: bytes=5-9")
	f(206, all[len(all)-3:], "GET", "Range: bytes=-3")
	f(206, all[100:], "GET", "Range: bytes=100-", "If-Range: "+o.ETag)
	f(200, all, "GET", "Range: bytes=100-", `If-Range: "other"`)
	f(206, all[100:], "GET", "Range: bytes=100-", "If-Range: "+modified)
	f(200, all, "GET", "Range: bytes=0-1,5-6")
	f(416, nil, "GET", fmt.Sprintf("Range: bytes=%d-", len(all)))
	f(304, nil, "GET", "If-None-Match: "+o.ETag)
	f(304, nil, "GET", "If-Modified-Since: "+modified)
	f(412, nil, "GET", `If-Match: "other"`)
	f(405, nil, "POST", "Content-Length: 0")

	head := get(t, s, "HEAD", path)
	for _, line := range []string{lengthIs(len(all)), "Etag: " + o.ETag, "Last-Modified: " + modified} {
		if !head.has(line) {
			t.Errorf("HEAD has no %q: %q", line, head.head)
		}
	}
	if !get(t, s, "GET", path, "Range: bytes=9999999-").has(fmt.Sprintf("Content-Range: bytes */%d", len(all))) {
		t.Error("416 does not tell the size")
	}
}

func TestKeepAliveAndPipelining(t *testing.T) {
	t.Parallel()
	s := origin.Start(t, origin.Config{})
	c := dial(t, s)
	requests := "GET /~sound,size=10/a HTTP/1.1\r\nHost: a\r\n\r\n" +
		"GET /~sound,size=20/b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
	if _, err := io.WriteString(c, requests); err != nil {
		t.Fatal(err)
	}
	first, second := s.Truth("/~sound,size=10/a").Bytes(), s.Truth("/~sound,size=20/b").Bytes()
	got := c.until(func(got []byte) bool { return bytes.HasSuffix(got, second) })
	if n := bytes.Count(got, []byte("HTTP/1.1 200 OK\r\n")); n != 2 || !bytes.Contains(got, first) {
		t.Fatalf("%d answers on one connection: %q", n, got)
	}
	same(t, "connections", s.Conns().Opened, 1)
	same(t, "the size of the request's body", s.Records("/~sound,size=20/b")[0].BodySize, 5)
}

func TestWhatIsNoRequestIsCounted(t *testing.T) {
	t.Parallel()
	s := origin.Start(t, origin.Config{})
	c := dial(t, s)
	if _, err := io.WriteString(c, "what?\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	c.rest()
	same(t, "malformed", s.Conns().Malformed, 1)
	same(t, "requests", s.Requests(""), 0)
}

func TestCounts(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := origin.Start(t, origin.Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Records: 3})
	const path = "/~sound,size=1000/a"
	get(t, s, "GET", path, "X-A: 1")
	get(t, s, "GET", path, "Range: bytes=10-19")
	get(t, s, "HEAD", path+"?q=1")
	get(t, s, "GET", "/b")
	wait(t, s, "", 4)

	waitFor(t, s, "", func(n origin.Count) bool { return n.Done == 4 })
	got := s.Count(path)
	same(t, "requests", got.Requests, 3)
	same(t, "GETs", got.Methods["GET"], 2)
	same(t, "HEADs", got.Methods["HEAD"], 1)
	same(t, "ranges", got.Ranged, 1)
	same(t, "bytes", got.Sent, 1010)
	same(t, "at a time", got.MaxActive, 1)
	same(t, "now", got.Active, 0)
	same(t, "all", s.Requests(""), 4)
	same(t, "of a path that nobody asked for", s.Requests("/c"), 0)

	records := s.Records("")
	same(t, "records kept", len(records), 3)
	r := records[0]
	same(t, "the target", r.Target, path)
	same(t, "the range", r.Header.Get("Range"), "bytes=10-19")
	same(t, "the number", r.Number, 2)
	same(t, "the status", r.Status, 206)
	same(t, "the host", r.Host, "origin.test")
	same(t, "sent", r.Sent, 10)
	if r.Err != nil || r.Ended.Before(r.Arrived) || s.Conns().Sent <= got.Sent {
		t.Errorf("%+v, %+v", r, s.Conns())
	}
	same(t, "the query's target", records[1].Target, path+"?q=1")
	s.Close()
	same(t, "lines logged", strings.Count(log.String(), "\n"), 4)
}

func TestHoldLinesAHerdUp(t *testing.T) {
	t.Parallel()
	s := origin.Start(t, origin.Config{})
	const path, herd = "/herd", 20
	before, inside := s.Hold(path, origin.BeforeHead), s.Hold(path, 1000)
	clients := make([]client, herd)
	for i := range clients {
		clients[i] = dial(t, s)
		clients[i].send("GET", path, "Connection: close")
	}
	stopped := func(n origin.Count) bool { return n.Stopped == herd }
	waitFor(t, s, path, stopped)
	same(t, "at a time", s.Count(path).MaxActive, herd)
	same(t, "connections at a time", s.Conns().MaxOpen, herd)
	same(t, "sent before the release", s.Conns().Sent, 0)
	before.Release()
	waitFor(t, s, path, func(n origin.Count) bool { return n.Stopped == herd && n.Sent == 1000*herd })
	same(t, "of another path", len(get(t, s, "GET", "/other").body), origin.DefaultSize)
	inside.Release()
	inside.Release()
	want := s.Truth(path).Bytes()
	for _, c := range clients {
		sameBytes(t, "a body", c.rest().body, want)
	}
}

func TestHoldOfRanges(t *testing.T) {
	t.Parallel()
	s := origin.Start(t, origin.Config{})
	s.Hold("", 50_000)
	same(t, "a range before the gate", len(get(t, s, "GET", "/a", "Range: bytes=0-99").body), 100)
	same(t, "a range behind it", len(get(t, s, "GET", "/a", "Range: bytes=60000-60099").body), 100)
	c := dial(t, s)
	c.send("GET", "/a", "Range: bytes=49990-")
	waitFor(t, s, "/a", func(n origin.Count) bool { return n.Stopped == 1 })
	before := s.Truth("/a").Bytes()[49990:50000]
	c.until(func(got []byte) bool { return bytes.HasSuffix(got, append([]byte("\r\n\r\n"), before...)) })
	c.quiet()
}

func TestAClientThatLeavesEndsTheStall(t *testing.T) {
	t.Parallel()
	s := origin.Start(t, origin.Config{})
	const path = "/~stall-head/a"
	c := dial(t, s)
	c.send("GET", path)
	waitFor(t, s, path, func(n origin.Count) bool { return n.Stopped == 1 })
	c.Close()
	waitFor(t, s, path, func(n origin.Count) bool { return n.Broken == 1 && n.Active == 0 && n.Stopped == 0 })
	if s.Records(path)[0].Err == nil {
		t.Error("the record does not say why")
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := origin.Start(t, origin.Config{})
	ctx, cancel := testContext(t)
	cancel()
	if s.Wait(ctx, "", 1) == nil {
		t.Error("no error")
	}
}

func TestScriptsAndObjects(t *testing.T) {
	t.Parallel()
	s := origin.Start(t, origin.Config{})
	s.Set("/a", func(r *origin.Request, a *origin.Answer) {
		*a = *origin.Status(418, fmt.Sprintf("X-Number: %d", r.Number))
	})
	same(t, "its own status", get(t, s, "GET", "/a").line(), "HTTP/1.1 418 I'm a teapot")
	if !get(t, s, "GET", "/a").has("X-Number: 2") {
		t.Error("requests are not numbered")
	}
	s.Set("/a", nil)
	same(t, "taken away", get(t, s, "GET", "/a").line(), "HTTP/1.1 200 OK")

	if err := s.SetFault("/b", "status,status=451,size=7"); err != nil {
		t.Fatal(err)
	}
	same(t, "a fault set", get(t, s, "GET", "/b").line(), "HTTP/1.1 451 Unavailable For Legal Reasons")
	same(t, "its size", s.Truth("/b").Size, 7)
	if s.SetFault("/b", "nothing-of-the-kind") == nil {
		t.Error("a fault that does not exist can be set")
	}

	o := origin.NewObject(harness.Truth{Seed: 1, Size: 100})
	o.Type, o.Header = "image/png", []string{"Cache-Control: max-age=7"}
	s.SetObject("/c.png", o)
	r := get(t, s, "GET", "/c.png")
	sameBytes(t, "the object set", r.body, o.Truth.Bytes())
	if !r.has("Content-Type: image/png") || !r.has("Cache-Control: max-age=7") {
		t.Errorf("the header is %q", r.head)
	}

	s.Set("", origin.Sound)
	const faulty = "/~cut-close,size=500/a"
	sameBytes(t, "a sound backup", get(t, s, "GET", faulty).body, origin.TruthOf(faulty).Bytes())
	same(t, "its size", origin.TruthOf(faulty).Size, 500)
}

func TestFaultInTheQuery(t *testing.T) {
	t.Parallel()
	s := origin.Start(t, origin.Config{})
	c := dial(t, s)
	c.send("GET", "/a?fault=cut-close&at=10&size=50")
	sameBytes(t, "the body", c.rest().body, s.Truth("/a").Bytes()[:10])
	r := get(t, s, "GET", "/a?fault=redirect-chain")
	if !r.has("Location: /a?fault=redirect-chain&hop=1") {
		t.Errorf("the hop loses the query: %q", r.head)
	}
}

func TestUnknownFaultsAreProblems(t *testing.T) {
	t.Parallel()
	s, err := origin.New(origin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, path := range []string{"/~cut-clsoe/a", "/~cut-close,att=5/a", "/~cut-close,at=x/a", "/~drip,rate=0/a", "/a?fault=x",
		"/~chunked,chunk=2GiB/a", "/~sound,size=-1/a", "/~sound,size=9999999999GiB/a"} {
		same(t, path, get(t, s, "GET", path).line(), "HTTP/1.1 400 Bad Request")
		if err := s.Problem(); err == nil {
			t.Errorf("%s is no problem", path)
		}
	}
	same(t, "problems", strings.Count(s.Problem().Error(), "\n"), 7)
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := origin.Start(t, origin.Config{TLS: true, Hosts: []string{"origin.test"}})
	same(t, "the scheme", s.URL(), "https://"+s.Addr())
	for _, path := range []string{"/a", "/~close-delimited/a", "/~chunked/a"} {
		if r := get(t, s, "GET", path); r.line() != "HTTP/1.1 200 OK" {
			t.Errorf("%s: %q", path, r.head)
		}
	}
	same(t, "malformed", s.Conns().Malformed, 0)
	plain := dial(t, origin.Start(t, origin.Config{}))
	plain.send("GET", "/a")
}

// TestTLSEnds: a connection that is closed properly ends in close_notify, one that is cut does not.
func TestTLSEnds(t *testing.T) {
	t.Parallel()
	s := origin.Start(t, origin.Config{TLS: true})
	const alert, data = 21, 23 // RFC 8446 section 5.1
	f := func(fault string, last byte) {
		t.Helper()
		tcp, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer tcp.Close()
		var records bytes.Buffer
		// Later versions do not show what a record is. The certificate is looked at elsewhere.
		secure := tls.Client(recorded{tcp, &records}, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
		client{t, secure}.send("GET", "/~"+fault+",size=500/a")
		client{t, secure}.rest()
		same(t, fault+": the last record's type", lastRecord(records.Bytes()), last)
	}
	f("close-delimited", alert)
	f("close", alert)
	f("close-unsaid", data)
	f("cut-close", data)
	f("cut-reset", data)
}

// recorded keeps what is read.
type recorded struct {
	net.Conn
	all *bytes.Buffer
}

func (r recorded) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.all.Write(p[:n])
	return n, err
}

// lastRecord is the type of the last TLS record.
func lastRecord(all []byte) (kind byte) {
	const header = 5
	for len(all) >= header {
		kind = all[0]
		all = all[min(len(all), header+int(binary.BigEndian.Uint16(all[3:]))):]
	}
	return kind
}

func TestRateIsShared(t *testing.T) {
	t.Parallel()
	const perSecond, each, clients = 1 << 20, 128 << 10, 4
	s := origin.Start(t, origin.Config{Rate: perSecond})
	began := time.Now()
	var all sync.WaitGroup
	for i := range clients {
		c := dial(t, s)
		c.send("GET", fmt.Sprintf("/~sound,size=%d/%d", each, i), "Connection: close")
		all.Go(func() { _, _ = io.Copy(io.Discard, c) })
	}
	all.Wait()
	if took := time.Since(began); took < 400*time.Millisecond {
		t.Errorf("%d bytes at %d bytes/s took %v", each*clients, perSecond, took)
	}
	same(t, "bytes", s.Count("").Sent, int64(each*clients))
}

func TestLargeObjectsNeedNoMemory(t *testing.T) {
	s := origin.Start(t, origin.Config{})
	const path = "/~chunked,size=8GiB,chunk=64KiB/a"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c := dial(t, s)
	c.send("GET", "/~sound,size=64MiB/a", "Connection: close")
	if n, err := io.Copy(io.Discard, c); n < 64<<20 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
		t.Errorf("%d bytes allocated", took)
	}
	const far = int64(8<<30) - 100
	tail := dial(t, s)
	tail.send("GET", path, fmt.Sprintf("Range: bytes=%d-", far), "Connection: close")
	want := make([]byte, 100)
	if _, err := s.Truth(path).ReadAt(want, far); err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "the last bytes", tail.rest().body, []byte("64\r\n"+string(want)+"\r\n0\r\n\r\n"))
}

func TestCloseLeavesNothing(t *testing.T) {
	s, err := origin.New(origin.Config{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	dial(t, s).send("GET", "/~stall-body/a")
	dial(t, s).send("GET", "/~drip,rate=1/a")
	dial(t, s).send("GET", "/~sound,size=1GiB/a") // nobody reads it
	dial(t, s)                                    // no request at all
	wait(t, s, "", 3)
	s.Close()
	s.Close()
	same(t, "connections open", s.Conns().Open, 0)
	same(t, "active", s.Count("").Active, 0)
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if bytes.Contains(stacks, []byte("test/origin.(*")) {
		t.Errorf("goroutines are left:\n%s", stacks)
	}
}
