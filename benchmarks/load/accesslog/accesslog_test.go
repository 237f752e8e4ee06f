package accesslog

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// readAll reads a log to its end or first error.
func readAll(t *testing.T, text string, format Format) ([]Request, *Reader, error) {
	t.Helper()
	r, err := NewReader("the.log", strings.NewReader(text), format)
	if err != nil {
		t.Fatal(err)
	}
	var all []Request
	for {
		request, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, r, nil
		}
		if err != nil {
			return all, r, err
		}
		all = append(all, request)
	}
}

// brief is a request as the tables below have it.
func brief(r Request) string {
	at := ""
	if !r.Time.IsZero() {
		at = r.Time.UTC().Format("15:04:05.999")
	}
	return fmt.Sprintf("%s %s host=%s status=%d at=%s", r.Method, r.Target, r.Host, r.Status, at)
}

func TestLines(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		all, r, err := readAll(t, line+"\n", Auto)
		got := fmt.Sprint(r.Skipped)
		if len(all) == 1 {
			got = brief(all[0])
		}
		if err != nil || got != want {
			t.Errorf("%s\n got %s, %v\nwant %s", line, got, err, want)
		}
	}
	const head = `203.0.113.9 - - [24/Nov/2026:19:23:38 +0100] `
	f(head+`"GET /a.txt HTTP/1.1" 200 12`, "GET /a.txt host= status=200 at=18:23:38")
	f(head+`"HEAD /a.txt?b=%20c HTTP/2.0" 304 - "http://x/" "curl/8 \"x\""`, "HEAD /a.txt?b=%20c host= status=304 at=18:23:38")
	f(`www.example.com:443 `+head+`"GET / HTTP/1.1" 200 1 "-" "-"`, "GET / host=www.example.com status=200 at=18:23:38")
	f(head+`"GET http://old.example.com/x?y HTTP/1.1" 200 1`, "GET /x?y host=old.example.com status=200 at=18:23:38")
	f(head+`"GET /a//b%2Fc/../d HTTP/1.1" 200 1`, "GET /a//b%2Fc/../d host= status=200 at=18:23:38")
	f(head+`"GET /\xE9\"\\x HTTP/1.1" 200 1`, "GET /\xe9\"\\x host= status=200 at=18:23:38")
	f(head+`"GET /old" 200 1`, "GET /old host= status=200 at=18:23:38")
	f(`::1 - some one [24/Nov/2026:19:23:38 +0100] "GET /a HTTP/1.1" 200 1`, "GET /a host= status=200 at=18:23:38")
	f(head+`"POST /a HTTP/1.1" 200 1`, "map[another method:1]")
	f(head+`"-" 408 0`, "map[no request line:1]")
	f(head+`"\x16\x03\x01\x02" 400 150`, "map[no request line:1]")
	f(head+`"GET /a b HTTP/1.1" 400 1`, "map[no request line:1]")
	f(head+`"GET * HTTP/1.1" 400 1`, "map[not a path:1]")
	f(head+`"GET /a\x0d\x0aX:y HTTP/1.1" 400 1`, "map[not a path:1]")

	f(`{"request": "GET /a HTTP/1.1", "status": 200, "time": "2026-11-24T19:23:38.25+01:00", "host": "a.example:8080"}`,
		"GET /a host=a.example:8080 status=200 at=18:23:38.25")
	f(`{"method": "HEAD", "uri": "/a?b", "status": "404", "msec": "1795544618.5", "other": {"x": []}}`,
		"HEAD /a?b host= status=404 at=18:23:38.5")
	f(`{"request_method": "GET", "request_uri": "/a", "time_local": "24/Nov/2026:19:23:38 +0100", "http_host": "-"}`,
		"GET /a host= status=0 at=18:23:38")
	f(`{"method": "GET", "uri": "/`+"\xe9"+`"}`, "map[JSON that is not UTF-8:1]")
	f(`{"method": "PUT", "uri": "/a"}`, "map[another method:1]")
}

func TestConditionsOfJSON(t *testing.T) {
	all, _, err := readAll(t, `{"method":"GET","uri":"/a","http_range":"bytes=0-1","http_if_none_match":"-"}`, JSON)
	if err != nil || len(all) != 1 || len(all[0].Header) != 1 || all[0].Header.Get("Range") != "bytes=0-1" {
		t.Error(all, err)
	}
}

// A mistake names the line, and says what was expected.
func TestMistakes(t *testing.T) {
	f := func(format Format, text, want string) {
		t.Helper()
		all, _, err := readAll(t, text, format)
		if err == nil || !strings.HasPrefix(err.Error(), "the.log, line ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want an error with %q", text, all, err, want)
		}
	}
	const good = `::1 - - [24/Nov/2026:19:23:38 +0100] "GET /a HTTP/1.1" 200 1` + "\n"
	f(Auto, good+"\n"+"hello\n", "line 3: expected ADDRESS")
	f(Auto, `::1 - - [24/11/2026 19:23] "GET /a HTTP/1.1" 200 1`, `the time "24/11/2026 19:23" is not like`)
	f(Auto, `::1 - - [24/Nov/2026:19:23:38 +0100] "GET /a HTTP/1.1`, `closing " is missing`)
	f(Auto, `::1 - - [24/Nov/2026:19:23:38 +0100] "GET /a HTTP/1.1"`, "the status is missing")
	f(Auto, `::1 - - [24/Nov/2026:19:23:38 +0100] "GET /a HTTP/1.1" abc`, `the status "abc"`)
	f(Auto, `{"uri": "/a"}`, `no "method"`)
	f(Auto, `{"path": "/a", "method": "GET"}`, `neither "request" nor "uri"`)
	f(Auto, `{"uri": "/a"`, "not a line of JSON")
	f(Auto, `{"uri": "/a", "method": "GET", "status": [1]}`, "neither a string nor a number")
	f(Auto, `{"uri": "/a", "method": "GET", "time": "yesterday"}`, `the time "yesterday"`)
	f(Auto, `{"uri": "/a", "method": "GET", "host": "a b"}`, "Host header")
	f(List, "/a\nimages/b.txt\n", `line 2: "images/b.txt" is neither a path nor a URL: a path begins with "/"`)
	f(List, "/a b\n", "percent-encode")
	f(List, "ftp://x/a\n", "no URL")
	f(List, "/"+strings.Repeat("a", maxLine), "longer than")
}

func TestList(t *testing.T) {
	all, _, err := readAll(t, "# keys\r\n/a%20b?c\r\n\r\n https://www.example.com/x#top\nhttp://h:81\nhttp://h?q\n", List)
	var got []string
	for _, r := range all {
		got = append(got, fmt.Sprintf("%d %s %s %s", r.Line, r.Method, r.Host, r.Target))
	}
	want := "[2 GET  /a%20b?c 4 GET www.example.com /x 5 GET h:81 / 6 GET h /?q]"
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v\nwant %s", got, err, want)
	}
}

// After a line that is not of the format the next can be read.
func TestGoesOnBehindMistake(t *testing.T) {
	r, err := NewReader("x", strings.NewReader("/a\nb\n/c\n"), List)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 3 {
		request, err := r.Next()
		got = append(got, request.Target, fmt.Sprint(err != nil))
	}
	if fmt.Sprint(got) != "[/a false  true /c false]" {
		t.Error(got)
	}
}

func TestGzip(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for i := range 3 {
		fmt.Fprintf(w, "/%d\n", i)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if all, _, err := readAll(t, packed.String(), List); err != nil || len(all) != 3 || all[2].Target != "/2" {
		t.Error(all, err)
	}
	if _, _, err := readAll(t, packed.String()[:packed.Len()-6], List); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut short: %v", err)
	}
	if _, err := NewReader("x", strings.NewReader("\x1f\x8bno"), List); err == nil {
		t.Error("what is no gzip was taken for it")
	}
}

// Whatever stands in a log: what comes out can be sent, and is nothing else than one request.
func FuzzReader(f *testing.F) {
	for _, line := range []string{
		`h:80 ::1 - - [24/Nov/2026:19:23:38 +0100] "GET /a\x20\"\n HTTP/1.1" 200 1 "-" "-"`,
		`::1 - - [24/Nov/2026:19:23:38 +0100] "GET /a\x0d\x0ab HTTP/1.1" 200 1`,
		`{"method":"GET","uri":"http://a/b","time":1.5,"status":200,"host":"x","http_range":"bytes=0-1"}`,
		"/a\nhttp://h/x?y", "\x1f\x8b",
	} {
		f.Add(line, uint8(0))
		f.Add(line, uint8(3))
	}
	f.Fuzz(func(t *testing.T, text string, format uint8) {
		r, err := NewReader("x", strings.NewReader(text), []Format{Auto, Combined, JSON, List}[format%4])
		if err != nil {
			return
		}
		for range 100 {
			request, err := r.Next()
			var line *LineError
			if errors.As(err, &line) {
				continue
			}
			if err != nil {
				return
			}
			check(t, request)
		}
	})
}

func check(t *testing.T, r Request) {
	ok := (r.Method == "GET" || r.Method == "HEAD") && strings.HasPrefix(r.Target, "/") && r.Status >= 0 && r.Status < 1000
	text := r.Target + r.Host
	for _, values := range r.Header {
		text += strings.ReplaceAll(values[0], " ", "")
	}
	if !ok || strings.ContainsAny(text, " \r\n\t\x00") || strings.Contains(r.Host, "/") {
		t.Errorf("%q", []string{r.Method, r.Target, r.Host, text})
	}
	if !r.Time.IsZero() && (r.Time.Year() < 0 || r.Time.After(time.Unix(1<<40, 0))) {
		t.Errorf("time %v", r.Time)
	}
}
