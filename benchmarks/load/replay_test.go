package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const logHead = `203.0.113.9 - - [24/Nov/2026:19:23:38 +0000] `

// What is sent is what stood in the log, to the byte.
func TestRequestsAreSentAsLogged(t *testing.T) {
	s := serve(t, hello)
	log := write(t, `www.example.com:80 `+logHead+`"GET /a//b%2fc/../d?e=%20&f HTTP/1.1" 200 5`+"\n"+
		logHead+`"HEAD //x/y? HTTP/1.1" 200 -`+"\n"+
		logHead+`"GET /\xc3\xa9!'()*;,|\x22 HTTP/1.1" 404 5`+"\n"+
		logHead+`"POST /z HTTP/1.1" 200 5`+"\n")
	r := replayed(t, 0, "--target", s.URL, "--log", log, "--rate", "1000", "-H", "Accept: x/y, z", "--connections", "1")
	var got []string
	for _, one := range s.asked {
		got = append(got, one.Method+" "+one.RequestURI)
	}
	want := []string{"GET /a//b%2fc/../d?e=%20&f", "HEAD //x/y?", "GET /\u00e9!'()*;,|\""}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if one := s.asked[0]; one.Host != "www.example.com" || one.Header.Get("Accept") != "x/y, z" || len(one.Header) != 2 {
		t.Errorf("%s %v", one.Host, one.Header)
	}
	if r.Due != 3 || r.Statuses["200"] != 3 || r.Logged.Alike != 2 || r.Logged.Different != 1 || r.Skipped["another method"] != 1 ||
		r.Logged.Pairs[0] != (loggedPair{404, 200, 1}) || r.Bytes != 10 || r.Outcomes["no Cache-Status"] != 3 {
		t.Errorf("%+v", r)
	}
}

// Times and ranges of JSON are sent; a log without them is no reason to call a 200 another status than a 304.
func TestConditions(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "a.txt", time.Unix(0, 0), strings.NewReader("hello"))
	})
	log := write(t, `{"method":"GET","uri":"/a","status":206,"http_range":"bytes=0-1"}`+"\n"+
		`{"method":"GET","uri":"/a","status":304}`+"\n")
	r := replayed(t, 0, "--target", s.URL, "--log", log, "--rate", "1000")
	if r.Logged.Alike != 1 || r.Logged.Whole != 1 || r.Statuses["206"] != 1 || r.Bytes != 7 {
		t.Errorf("%+v", r)
	}
}

// At a log's own times, requests of one second are spread over it, and the speed counts.
func TestLogTimes(t *testing.T) {
	var log strings.Builder
	for _, second := range []int{0, 0, 0, 0, 2, 1, 3, 3} {
		fmt.Fprintf(&log, `::1 - - [24/Nov/2026:19:23:%02d +0000] "GET /a HTTP/1.1" 200 5`+"\n", 10+second)
	}
	f, err := openFile(&settings{Log: write(t, log.String()), Format: "auto"}, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	from, times := &spread{from: f}, &logTimes{speed: 2}
	var got []time.Duration
	for n := int64(0); ; n++ {
		r, err := from.Next()
		if err != nil {
			break
		}
		due, err := times.due(n, r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, due)
	}
	if want := "[0s 125ms 250ms 375ms 1s 1s 1.5s 1.75s]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	s := serve(t, hello)
	r := replayed(t, 0, "--target", s.URL, "--log", f.settings.Log, "--speed", "10")
	if took := s.at[len(s.at)-1].Sub(s.at[0]); r.Due != 8 || took < 340*time.Millisecond {
		t.Errorf("%d requests, the last %v after the first", r.Due, took)
	}
}

// Exit statuses, and what the user reads: what is wrong, where, and what to do.
func TestExitStatuses(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			<-time.After(30 * time.Millisecond)
		case "/broken":
			w.WriteHeader(http.StatusBadGateway)
		case "/cut":
			w.Header().Set("Content-Length", "10")
		}
		hello(w, r)
	})
	list := write(t, "/a\n/a\n/slow\n/broken\n/cut\n/a\n/a\n/a\n/a\n/a\n")
	f := func(want int, wantOut, wantErr string, args ...string) {
		t.Helper()
		code, stdout, stderr := program(t, args...)
		if code != want || !strings.Contains(stdout, wantOut) || !strings.Contains(stderr, wantErr) {
			t.Errorf("%q: exit status %d, want %d\n%s\n%s\nwant %q, %q", args, code, want, stdout, stderr, wantOut, wantErr)
		}
	}
	replay := func(more ...string) []string {
		return append([]string{"replay", "--target", s.URL, "--rate", "200"}, more...)
	}
	f(0, "10 due", "GET and HEAD requests of ", replay("--urls", list)...)
	f(0, "answer cut short: 1, the first: GET /cut", "", replay("--urls", list, "--max-errors", "2")...)
	f(1, "2 of 10 requests failed, and --max-errors is 1", "", replay("--urls", list, "--max-errors", "1")...)
	f(1, "status 502: 1, the first: GET /broken", "", replay("--urls", list, "--max-errors", "19%")...)
	f(0, "", "", replay("--urls", list, "--max-errors", "20%")...)
	f(1, "the p99 of whole answers is", "", replay("--urls", list, "--max-p99", "29ms")...)
	f(0, "5 due", "ended before the log did", replay("--urls", list, "--duration", "25ms")...)

	f(0, "Usage: load <command>", "")
	f(2, "", "missing flags: --target=URL", "replay")
	f(2, "", `"localhost:80" must begin with http://`, "replay", "--target", "localhost:80", "--urls", list)
	f(2, "", "has no host", "soak", "--target", "http://:80", "--urls", list)
	f(2, "", "paths come from", "ramp", "--target", "http://h/path", "--urls", list)
	f(2, "", "name an access log", replay()...)
	f(2, "", "no such file", replay("--urls", list+"x")...)
	f(2, "", "line 1: \"a.txt\" is neither a path nor a URL", replay("--urls", write(t, "a.txt\n"))...)
	f(2, "", "no GET or HEAD request that can be sent (skipped: another method: 1)", replay("--log", write(t, logHead+`"PUT /a HTTP/1.1" 200 5`))...)
	f(2, "", "--rate: -1 is not more than 0", "soak", "--target", s.URL, "--urls", list, "--rate=-1")
	f(2, "", "use --rate", "replay", "--target", s.URL, "--urls", list, "--speed", "1")
	f(2, "", "line 1 has no time", "replay", "--target", s.URL, "--log", write(t, `{"method":"GET","uri":"/a"}`), "--speed", "1")
	f(2, "", "must be 'Name: value'", replay("--urls", list, "-H", "x")...)
	f(2, "", "neither a number", replay("--urls", list, "--max-errors", "few")...)
	f(2, "", "name a file", "soak", "--target", s.URL, "--log", "-")
	f(1, "", "nothing answers at http://127.0.0.1:1", "replay", "--target", "http://127.0.0.1:1", "--urls", list)

	bad := write(t, "/a\n/b\nc\n/d\n")
	f(2, "2 due", "line 3: \"c\" is neither", replay("--urls", bad)...)
	f(0, "not of the log's format: 1", "", replay("--urls", bad, "--skip-unreadable")...)
}

// A certificate that does not fit is a failure, with the reason; --insecure does without.
func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	list := write(t, "/a\n")
	r := replayed(t, 1, "--target", s.URL, "--urls", list, "--max-errors", "0")
	if f := r.Failures[string(noTLS)]; f.Count != 1 || !strings.Contains(f.Example, "certificate") {
		t.Errorf("%+v", r)
	}
	if r := replayed(t, 0, "--target", s.URL, "--urls", list, "--insecure", "--max-errors", "0"); r.Answered != 1 {
		t.Errorf("%+v", r)
	}
}
