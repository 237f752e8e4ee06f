package main

import (
	"strings"
	"testing"
)

const wrkReport = `Running 5s test @ http://127.0.0.1:20001/object-1024.bin
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.02ms    1.53ms  31.98ms   91.79%
    Req/Sec    42.44k     7.87k   61.42k    70.00%
  211183 requests in 5.00s, 245.51MB read
Requests/sec:  42235.07
Transfer/sec:     49.10MB
`

func TestParseWrk(t *testing.T) {
	got, err := parseWrk(wrkReport)
	if want := (loadResult{requests: 211183, rate: 42235.07}); got != want || err != nil {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	f := func(text, why string) {
		t.Helper()
		if got, err := parseWrk(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, %v; want an error with %q", got, err, why)
		}
	}
	f("", "something else")
	f(strings.Replace(wrkReport, "Requests/sec", "Answers/sec", 1), "something else")
	f(strings.Replace(wrkReport, "Requests/sec", "  Non-2xx or 3xx responses: 7\nRequests/sec", 1), "responses: 7")
	f(strings.Replace(wrkReport, "Requests/sec", "  Socket errors: connect 0, read 3, write 0, timeout 0\nRequests/sec", 1), "read 3")
	f(strings.Replace(wrkReport, "211183", "0", 1), "no answer")
}
