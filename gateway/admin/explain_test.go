package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mirrorgate/gateway/admin"
)

// What is explained and tried is what the caller gave, and nothing that no request can carry.
func TestExplainAndTrialRequests(t *testing.T) {
	var asked []string
	note := func(given string, header http.Header) { asked = append(asked, fmt.Sprint(given, " ", header)) }
	base := serveWith(t, admin.Options{
		Config: admin.Config{Listen: "127.0.0.1:1", Token: token},
		Explain: func(given string, header http.Header) (admin.Explanation, error) {
			if note(given, header); given == "nonsense" {
				return admin.Explanation{}, errors.New("no URL")
			}
			return admin.Explanation{Answer: "as asked"}, nil
		},
		Trial: func(_ context.Context, method, given string, header http.Header) (admin.Trial, error) {
			if note(method+" "+given, header); given == "down" {
				return admin.Trial{}, errors.New("nobody there")
			}
			return admin.Trial{Status: 200, Header: http.Header{}}, nil
		},
	})
	f := func(method, path, body string, status int, want string) {
		t.Helper()
		asked = nil
		got, text := send(t, method, base+"/api/v1/"+path, body)
		if calls := strings.Join(asked, "; "); got != status || !strings.Contains(calls+text, want) || status >= 400 && status != 502 && want != "no URL" && calls != "" {
			t.Errorf("%s %s %s: %d, %q, asked %q, want %d, %q", method, path, body, got, text, calls, status, want)
		}
	}
	e := func(query string, status int, want string) {
		t.Helper()
		f("GET", "explain?"+query, "", status, want)
	}
	e("url="+url.QueryEscape("http://h/a%2Fb?c=d"), 200, "http://h/a%2Fb?c=d map[]")
	e("url=u&header=accept:+x&header=Accept:y&header=X-Y:", 200, "u map[Accept:[x y] X-Y:[]]")
	e("url=nonsense", 400, "no URL")
	e("", 400, "url must be given once")
	e("url=a&url=b", 400, "url must be given once")
	e("url=a&headers=b", 400, `\"headers\" is not a parameter`)
	e("url=%zz", 400, "cannot be read")
	e("url=a&header=b", 400, "must be 'Name: value'")
	e("url=a&header=b%20c:d", 400, "has a name that no header")
	e("url=a&header=b:c%0d%0ad:e", 400, "has a value that no header")
	e("url=a"+strings.Repeat("&header=b:c", 101), 400, "100 header fields")

	f("POST", "trial", `{"url": "u"}`, 200, "GET u map[]")
	f("POST", "trial", `{"url": "u", "method": "HEAD", "headers": {"range": "bytes=0-"}}`, 200, "HEAD u map[Range:[bytes=0-]]")
	f("POST", "trial", `{"url": "down"}`, 502, "nobody there")
	f("POST", "trial", `{"url": "u", "headers": {"a": "b\r\nc: d"}}`, 422, "has a value that no header")
	f("POST", "trial", `{"url": "u", "headers": {"": ""}}`, 422, "has a name that no header")
	f("POST", "trial", `{"url": "u", "follow": true}`, 400, "follow")
	f("POST", "trial", `{"url": ["u"]}`, 400, "url")
}
