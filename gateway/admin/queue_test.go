package admin_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"mirrorgate/gateway/admin"
)

// Whoever lists page by page sees every entry once, in the order in which they arrived.
func TestQueuePages(t *testing.T) {
	url := serve(t, admin.Config{Listen: "127.0.0.1:1"}, newQueue(250)) + "/api/v1/queue"
	f := func(query string, want, pages int) {
		t.Helper()
		var seen []string
		after := ""
		for n := 1; ; n++ {
			a := ask(t, "GET", url+"?"+query+after, "", "")
			if a.status != http.StatusOK || a.Summary.Waiting != 250 || a.Process != os.Getpid() {
				t.Fatalf("%s: %d, %+v", query, a.status, a)
			}
			for _, item := range a.Items {
				seen = append(seen, item.ID)
			}
			if !a.More {
				if n != pages {
					t.Errorf("%s: %d pages, want %d", query, n, pages)
				}
				break
			}
			after = "&after=" + a.Items[len(a.Items)-1].ID
			if n%2 == 0 {
				after = "&after=" + a.Next
			}
		}
		slices.Sort(seen)
		if got := len(slices.Compact(seen)); got != want || len(seen) != want {
			t.Errorf("%s: %d items, %d of them different, want %d", query, len(seen), got, want)
		}
	}
	f("", 250, 3)
	if a := ask(t, "GET", url, "", ""); len(a.Items) != 100 || !a.More {
		t.Errorf("a page that says nothing of its size has %d items, more %v", len(a.Items), a.More)
	}
	f("limit=1000", 250, 1)
	f("limit=7&site=a", 125, 18)
	f("state=dead", 84, 1)
	f("state=dead&site=b&limit=10", 42, 5)
	f("site=none", 0, 1)
}

// A query that is not understood lists nothing.
func TestQueueQuery(t *testing.T) {
	q := newQueue(3)
	url := serve(t, admin.Config{Listen: "127.0.0.1:1"}, q) + "/api/v1/queue?"
	f := func(query string, status int, why string) {
		t.Helper()
		a := ask(t, "GET", url+query, "", "")
		if a.status != status || !strings.Contains(a.Error, why) || len(a.Items) > 0 {
			t.Errorf("%s: %d, %q, %d items, want %d and %q", query, a.status, a.Error, len(a.Items), status, why)
		}
	}
	f("limit=0", 400, "limit must be 1 to 1000")
	f("limit=1001", 400, "limit must be 1 to 1000")
	f("limit=many", 400, "limit must be 1 to 1000")
	f("limit=1&limit=2", 400, "limit is given twice")
	f("state=waiting", 400, "state can only be dead")
	f("sites=a", 400, `"sites" is not a parameter`)
	f("site=%zz", 400, "cannot be read")
	f("after=99", 404, "no such entry")
	q.broken = errors.New("the disk is gone")
	f("", 500, "the disk is gone")
}

// A change says of each entry what came of it, and one that fails does not hold up the others.
func TestQueueChanges(t *testing.T) {
	q := newQueue(3)
	url := serve(t, admin.Config{Listen: "127.0.0.1:1", Token: token}, q) + "/api/v1/queue/"
	for _, verb := range []string{"retry", "drop"} {
		a := ask(t, "POST", url+verb, token, `{"ids": ["1", "9", "2"]}`)
		want := []admin.QueueResult{{ID: "1"}, {ID: "9", Error: admin.ErrNoEntry.Error()}, {ID: "2"}}
		if a.status != http.StatusOK || !slices.Equal(a.Results, want) {
			t.Errorf("%s: %d, %+v, want %+v", verb, a.status, a.Results, want)
		}
	}
	if a := ask(t, "POST", url+"retry", token, `{"all": true}`); a.status != http.StatusOK || a.Retried != 7 {
		t.Errorf("retry all: %d, %+v", a.status, a)
	}
	if a := ask(t, "POST", url+"pause", token, ""); a.status != http.StatusOK || !a.Paused {
		t.Errorf("pause: %d, %+v", a.status, a)
	}
	if a := ask(t, "POST", url+"resume", token, "{}"); a.status != http.StatusOK || a.Paused {
		t.Errorf("resume: %d, %+v", a.status, a)
	}
	q.broken = admin.ErrPausedByFile
	if a := ask(t, "POST", url+"resume", token, ""); a.status != http.StatusConflict || a.Error != q.broken.Error() {
		t.Errorf("resume against the configuration: %d, %q", a.status, a.Error)
	}
	want := []string{"retry 1 9 2", "drop 1 9 2", "retry all ", "pause true ", "pause false ", "pause false "}
	if got := q.changes(); !slices.Equal(got, want) {
		t.Errorf("asked of the queue: %q, want %q", got, want)
	}
	q.broken = errors.New(strings.Repeat("the disk is gone; ", 1000))
	for _, verb := range []string{"retry", "pause"} {
		body := map[string]string{"retry": `{"all": true}`}[verb]
		if a := ask(t, "POST", url+verb, token, body); a.status != 500 || !strings.HasPrefix(a.Error, "the disk is gone") {
			t.Errorf("%s on a broken disk: %d, %.50q", verb, a.status, a.Error)
		}
	}
	if a := ask(t, "POST", url+"retry", token, `{"all": true}`); len(a.Error) > 1000 {
		t.Errorf("the error of many has %d bytes", len(a.Error))
	}
}

// A body that is not exactly what is asked for changes nothing.
func TestQueueBodies(t *testing.T) {
	q := newQueue(3)
	url := serve(t, admin.Config{Listen: "127.0.0.1:1", Token: token}, q) + "/api/v1/queue/"
	many := `{"ids": ["1"` + strings.Repeat(`,"1"`, 1000) + `]}`
	f := func(verb, body string, status int, why string) {
		t.Helper()
		a := ask(t, "POST", url+verb, token, body)
		if a.status != status || !strings.Contains(a.Error, why) {
			t.Errorf("%s %.60s: %d, %q, want %d and %q", verb, body, a.status, a.Error, status, why)
		}
	}
	for _, verb := range []string{"retry", "drop"} {
		f(verb, ``, 400, "EOF")
		f(verb, `{"ids": ["1"]`, 400, "EOF")
		f(verb, `{"ids": "1"}`, 400, "ids")
		f(verb, `{"ids": ["1"]} {}`, 400, "something follows")
		f(verb, `{"ids": ["1"], "force": true}`, 400, "force")
		f(verb, `{"ids": []}`, 422, "1 to 1000")
		f(verb, `{}`, 422, "1 to 1000")
		f(verb, many, 422, "1 to 1000")
		f(verb, `{"ids": ["`+strings.Repeat("1", 1<<20)+`"]}`, 413, "1048576")
	}
	f("retry", `{"ids": ["1"], "all": true}`, 422, "exclude each other")
	f("drop", `{"all": true}`, 400, "all")
	f("pause", `{"ids": ["1"]}`, 400, "ids")
	f("resume", `x`, 400, "invalid character")
	if got := q.changes(); len(got) > 0 {
		t.Errorf("asked of the queue: %q", got)
	}
}

// access is who may do what, on the address that is listened on.
func TestAccess(t *testing.T) {
	const change, read, health = "POST /api/v1/queue/drop", "GET /api/v1/queue", "GET /health"
	f := func(listen, configured, given string, want map[string]int) {
		t.Helper()
		q := newQueue(1)
		url := serve(t, admin.Config{Listen: listen, Token: configured}, q)
		for what, status := range want {
			method, path, _ := strings.Cut(what, " ")
			body := map[string]string{change: `{"ids": ["1"]}`}[what]
			a := ask(t, method, url+path, given, body)
			if a.status != status || (a.status != 200) != (a.Error != "") || a.status != 200 && len(a.Items) > 0 {
				t.Errorf("listen %s, token %q, given %q: %s: %d, %q, want %d", listen, configured, given, what, a.status, a.Error, status)
			}
			if (status == 401) != (a.header.Get("Www-Authenticate") == "Bearer") {
				t.Errorf("%s: %d with Www-Authenticate %q", what, a.status, a.header.Get("Www-Authenticate"))
			}
		}
		if done := len(q.changes()) > 0; done != (want[change] == 200) {
			t.Errorf("listen %s, token %q, given %q: changed %v", listen, configured, given, done)
		}
	}
	for _, local := range []string{"127.0.0.1:1", "[::1]:1", "localhost:1"} {
		f(local, "", "", map[string]int{health: 200, read: 200, change: 403})
		f(local, "", token, map[string]int{health: 200, read: 200, change: 403})
		f(local, token, "", map[string]int{health: 200, read: 200, change: 401})
		f(local, token, token+"x", map[string]int{health: 200, read: 200, change: 401})
		f(local, token, token, map[string]int{health: 200, read: 200, change: 200})
	}
	for _, open := range []string{":1", "0.0.0.0:1", "[::]:1", "192.0.2.1:1", "gateway.example.com:1"} {
		f(open, "", "", map[string]int{health: 200, read: 403, change: 403})
		f(open, token, "", map[string]int{health: 200, read: 401, change: 401})
		f(open, token, token, map[string]int{health: 200, read: 200, change: 200})
	}
}

// What is not there, or not under this method, is JSON, too, and says what is.
func TestRoutes(t *testing.T) {
	url := serve(t, admin.Config{Listen: "127.0.0.1:1", Token: token}, newQueue(1))
	f := func(method, path string, status int, allow string) {
		t.Helper()
		a := ask(t, method, url+path, token, "")
		if a.status != status || a.header.Get("Allow") != allow || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %d, Allow %q, want %d, %q", method, path, a.status, a.header.Get("Allow"), status, allow)
		}
		if method != "HEAD" && (a.Error != "") != (status != 200) {
			t.Errorf("%s %s: error %q", method, path, a.Error)
		}
	}
	f("GET", "/elsewhere", 404, "")
	f("GET", "/api/v1/queue/", 404, "")
	f("GET", "//api/v1/queue", 404, "")
	f("POST", "/api/v1/queue/all", 404, "")
	f("HEAD", "/api/v1/queue", 200, "")
	f("HEAD", "/api/v1/queue/drop", 405, "POST")
	for _, verb := range []string{"retry", "drop", "pause", "resume"} {
		f("GET", fmt.Sprint("/api/v1/queue/", verb), 405, "POST")
	}
	f("POST", "/api/v1/queue", 405, "GET, HEAD")
	f("DELETE", "/api/v1/queue", 405, "GET, HEAD")
	f("PUT", "/health", 405, "GET, HEAD")
	f("POST", "/api/v1/members", 405, "GET, HEAD")
	f("GET", "/api/v1/members", 404, "") // of a gateway on its own
}
