package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// files answers with what the old server has, changed where the path says so.
func files(isNew bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := []byte(strings.Repeat("0123456789", 1000))
		w.Header().Set("ETag", `"1"`)
		if isNew {
			switch r.URL.Path {
			case "/byte":
				body[9999]++
			case "/length":
				body = body[:9999]
			case "/etag":
				w.Header().Del("ETag")
			case "/status":
				w.WriteHeader(http.StatusNotFound)
			}
		}
		if r.URL.Path == "/error" {
			body = fmt.Append(nil, isNew)
			w.Header().Set("Cache-Control", string(body))
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write(body)
	}
}

// A changed byte is found, and so is every other difference; what is the same is not.
func TestCompareFinds(t *testing.T) {
	was, is := serve(t, files(false)), serve(t, files(true))
	list := write(t, "/same\n/byte\n/length\n/etag\n/status\n/error\n/same\n")
	args := []string{"--target", is.URL, "--compare", was.URL, "--urls", list, "--rate", "200"}
	c := replayed(t, 1, args...).Compared
	got := make(map[string]string)
	for _, d := range c.List {
		got[fmt.Sprintf("%d %s %s", d.Line, d.Method, d.Target)] = d.Kind + " " + d.Old + " " + d.New
	}
	if !strings.HasPrefix(got["2 GET /byte"], "bytes sha256 ") {
		t.Errorf("the changed byte: %q", got["2 GET /byte"])
	}
	delete(got, "2 GET /byte")
	want := map[string]string{"3 GET /length": "length 10000 9999", "4 GET /etag": `ETag "1" (none)`, "5 GET /status": "status 200 404"}
	if fmt.Sprint(got) != fmt.Sprint(want) || c.Same != 3 || c.Different != 4 || len(c.Kinds) != 4 || len(c.Not) != 0 {
		t.Errorf("got %v, %+v\nwant %v", got, c, want)
	}
	if c := replayed(t, 0, append(args, "--max-differences", "4", "--list", "1")...).Compared; c.Different != 4 || len(c.List) != 1 {
		t.Errorf("a short list: %+v", c)
	}
	list = write(t, "/same\n")
	if c := replayed(t, 0, "--target", is.URL, "--compare", was.URL, "--urls", list).Compared; c.Same != 1 || c.Different != 0 {
		t.Errorf("all the same: %+v", c)
	}
}

// The old server is asked over its own few connections, and the measurement does not wait for it.
func TestOldServerIsSpared(t *testing.T) {
	var now, most atomic.Int64
	old := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-time.After(20 * time.Millisecond)
		hello(w, r)
	})
	s := serve(t, hello)
	list := write(t, strings.Repeat("/a\n", 60))
	r := replayed(t, 0, "--target", s.URL, "--compare", old.URL, "--urls", list, "--rate", "1000", "--compare-connections", "2",
		"--connections", "4")
	if most.Load() > 2 || r.Compared.Same != 60 {
		t.Errorf("%d at a time, %+v", most.Load(), r.Compared)
	}
	first, last := old.at[0], old.at[len(old.at)-1]
	if answered := s.at[len(s.at)-1].Sub(s.at[0]); last.Sub(first) < 500*time.Millisecond || answered > last.Sub(first)/2 {
		t.Errorf("the target was asked within %v, the old server within %v", answered, last.Sub(first))
	}
}

// What was not compared is counted, and comparing nothing is no success.
func TestNotCompared(t *testing.T) {
	old := serve(t, func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
	s := serve(t, hello)
	r := replayed(t, 1, "--target", s.URL, "--compare", old.URL, "--urls", write(t, "/a\n"))
	if r.Compared.Not[oldFailed] != 1 || r.Compared.OldFailure == "" || !strings.Contains(r.Exceeded[0], "nothing could be compared") {
		t.Errorf("%+v", r)
	}
	c := &comparer{}
	c.start(t.Context(), 0)
	for range mostToCompare + 3 {
		c.offer(result{})
	}
	c.offer(result{failure: timedOut})
	if c.done.Not[oldBusy] != 3 || c.done.Not[notAnswered] != 1 {
		t.Errorf("%v", c.done.Not)
	}
}
