package contract_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"mirrorgate/test/harness"
)

// failure is what an error's answer has to be.
type failure struct {
	status       int
	code         string
	cacheControl string // "": no-store
	rule         string // named in the message, "" when none is responsible
	key          string
}

// want fails the test unless the answer is the failure, as XML that tells nobody where the origins are.
func (f failure) want(t *testing.T, method string, a harness.Answer, secrets ...string) {
	t.Helper()
	if f.cacheControl == "" {
		f.cacheControl = "no-store"
	}
	equal(t, "status", a.Status, f.status)
	equal(t, "Cache-Control", strings.Join(a.Header.Values("Cache-Control"), "|"), f.cacheControl)
	if a.Err != nil {
		t.Errorf("the body broke off: %v", a.Err)
	}
	if method == http.MethodHead {
		equal(t, "the body's length", len(a.Body), 0)
		return
	}
	f.wantXML(t, a)
	for _, secret := range append(secrets, "127.0.0.1", "localhost", "dial", "tcp") {
		if strings.Contains(string(a.Body), secret) {
			t.Errorf("the body tells %q: %s", secret, a.Body)
		}
	}
}

func (f failure) wantXML(t *testing.T, a harness.Answer) {
	t.Helper()
	var body struct {
		XMLName            xml.Name
		Code, Message, Key string
		RequestID          string `xml:"RequestId"`
	}
	if err := xml.Unmarshal(a.Body, &body); err != nil {
		t.Errorf("the body is not XML: %v: %q", err, a.Body)
		return
	}
	equal(t, "Content-Type", a.Header.Get("Content-Type"), "application/xml")
	equal(t, "the root element", body.XMLName.Local, "Error")
	equal(t, "Code", body.Code, f.code)
	equal(t, "RequestId", body.RequestID, a.Header.Get("X-Request-Id"))
	if body.Message == "" || !strings.Contains(body.Message, f.rule) {
		t.Errorf("Message %q does not name the rule %q", body.Message, f.rule)
	}
	if f.key != "" {
		equal(t, "Key", body.Key, f.key)
	}
}

// errorCase is one row of the table.
type errorCase struct {
	name, method, target string
	header               []string
	failure
	more map[string]string // further headers of the answer
}

func (c errorCase) run(t *testing.T, r *rig, secrets ...string) {
	t.Run(c.name, func(t *testing.T) {
		method := c.method
		if method == "" {
			method = http.MethodGet
		}
		a := r.do(t, method, c.target, c.header...)
		c.want(t, method, a, secrets...)
		for name, value := range c.more {
			equal(t, name, a.Header.Get(name), value)
		}
		if method == http.MethodGet && c.status != http.StatusRequestedRangeNotSatisfiable {
			f := c.failure
			if strings.HasPrefix(f.cacheControl, "max-age") {
				f.cacheControl = a.Header.Get("Cache-Control")
			}
			f.want(t, http.MethodHead, r.head(t, c.target, c.header...))
		}
	})
}

// errorRules are rules whose objects end in every kind of failure. Each failure has a rule of its own, as many of them
// may make the gateway leave a target alone.
func errorRules(dead string) []string {
	var rules []string
	for _, status := range []int{201, 204, 400, 429, 500, 503, 508} {
		rules = append(rules, fmt.Sprintf(`{id: mirror-%d, match: {prefix: m/%d}, origin: {primary: "${ORIGIN}"}}`,
			status, status))
	}
	rules = append(rules,
		`{id: mirror, match: {prefix: m/}, origin: {primary: "${ORIGIN}"}}`,
		`{id: crop, match: {prefix: crop/}, rewrite: {crop: true}, origin: {primary: "${ORIGIN}"}}`,
		`{id: slow, match: {prefix: slow/}, origin: {primary: "${ORIGIN}", timeouts: {first_byte: 300ms}}}`,
		`{id: dead, match: {prefix: dead/}, origin: {primary: "http://`+dead+`/internal-path"},
    forward: {headers: {set: {Authorization: "Basic aHVzaA=="}}}}`)
	for _, status := range []int{403, 404, 410, 451} {
		rules = append(rules, fmt.Sprintf(`{id: deny-%d, mode: deny, match: {prefix: deny-%d/}, deny: {status: %d}}`,
			status, status, status))
	}
	return rules
}

func errorOrigin(t *testing.T) *origin {
	return startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		var status int
		_, err := fmt.Sscanf(r.URL.Path, "/m/%d", &status)
		switch {
		case err == nil:
			page{status: status, body: "words of the origin", header: []string{"Set-Cookie", "a=b"}}.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/slow/"):
			<-r.Context().Done()
		default:
			http.NotFound(w, r)
		}
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	o := errorOrigin(t)
	r := serve(t, site("", errorRules(harness.FreeAddr(t))...), "ORIGIN="+o.url)
	r.put(t, "here.txt", "0123456789")

	uri := failure{status: 400, code: "InvalidURI"}
	noKey := failure{status: 404, code: "NoSuchKey"}
	learnt := failure{status: 404, code: "NoSuchKey", cacheControl: "max-age=5", rule: "mirror"}
	denied := func(status int, cacheControl, rule string) failure {
		return failure{status: status, code: "AccessDenied", cacheControl: cacheControl, rule: rule}
	}
	mirrorFailed := failure{status: 502, code: "MirrorFailed", rule: "mirror"}
	for _, c := range []errorCase{
		{name: "bad percent encoding", target: "/m/%zz", failure: uri},
		{name: "NUL", target: "/m/%00", failure: uri},
		{name: "not UTF-8", target: "/m/%E9", failure: uri},
		{name: "no slash first", target: "m/a", failure: uri},
		{name: "key too long", target: "/m/" + strings.Repeat("k", 1023),
			failure: failure{status: 400, code: "KeyTooLongError"}},

		{name: "no rule", target: "/nowhere/a%26%3Cb%3E%22.jpg",
			failure: failure{status: 404, code: "NoSuchKey", key: `nowhere/a&<b>".jpg`}},
		{name: "no key", target: "/", failure: noKey},
		{name: "refused path", target: "/m/%2e%2e/a", failure: noKey},
		{name: "the origin says 404", target: "/m/404", failure: learnt},
		{name: "the origin says 410", target: "/m/410", failure: learnt},
		{name: "the origin says 404, remembered", target: "/m/404", failure: learnt,
			more: map[string]string{"Cache-Status": "mirrorgate; hit; detail=negative"}},
		{name: "no site", target: "/m/a", header: []string{"Host", "other.test"},
			failure: failure{status: 404, code: "NoSuchBucket"}},

		{name: "401 passed", target: "/m/401", failure: denied(401, "max-age=5", "mirror")},
		{name: "403 passed", target: "/m/403", failure: denied(403, "max-age=5", "mirror")},
		{name: "451 passed", target: "/m/451", failure: denied(451, "max-age=5", "mirror")},
		{name: "403 denied", target: "/deny-403/a", failure: denied(403, "", "deny-403")},
		{name: "451 denied", target: "/deny-451/a", failure: denied(451, "", "deny-451")},
		{name: "404 denied", target: "/deny-404/a", failure: noKey},
		{name: "410 denied", target: "/deny-410/a", failure: failure{status: 410, code: "NoSuchKey"}},

		{name: "method", method: "POST", target: "/here.txt", failure: failure{status: 405, code: "MethodNotAllowed"},
			more: map[string]string{"Allow": "GET, HEAD"}},
		{name: "precondition", target: "/here.txt", header: []string{"If-Match", `"other"`},
			failure: failure{status: 412, code: "PreconditionFailed"}},
		{
			name: "range", target: "/here.txt", header: []string{"Range", "bytes=10-"},
			failure: failure{status: 416, code: "InvalidRange"}, more: map[string]string{"Content-Range": "bytes */10"},
		},
		{name: "header too long", target: "/here.txt", header: []string{"X-Long", strings.Repeat("x", 17<<10)},
			failure: failure{status: 431, code: "RequestHeaderSectionTooLarge"}},

		{name: "the origin says 400", target: "/m/400", failure: mirrorFailed},
		{name: "the origin says 429", target: "/m/429", failure: mirrorFailed},
		{name: "the origin says 500", target: "/m/500", failure: mirrorFailed},
		{name: "the origin says 503", target: "/m/503", failure: mirrorFailed},
		{name: "the origin says 508", target: "/m/508", failure: mirrorFailed},
		{name: "the origin says 201", target: "/m/201", failure: mirrorFailed},
		{name: "the origin says 204", target: "/m/204", failure: mirrorFailed},
		{name: "the origin is dead", target: "/dead/a", failure: failure{status: 502, code: "MirrorFailed", rule: "dead"}},
		{name: "the origin is slow", target: "/slow/a", failure: failure{status: 504, code: "MirrorTimeout", rule: "slow"}},
	} {
		c.run(t, r, o.addr, "internal-path", "aHVzaA", "words of the origin")
	}
	if log := r.Log(t); strings.Contains(log, "aHVzaA") {
		t.Error("the log has the secret header")
	}
	r.wantBucket(t, "here.txt")
}

func TestErrorsWithFailureStatus(t *testing.T) {
	t.Parallel()
	o := errorOrigin(t)
	r := serve(t, site("origin_failure_status: 424\nnegative_ttl: 90s", errorRules(harness.FreeAddr(t))...),
		"ORIGIN="+o.url)
	for _, c := range []errorCase{
		{name: "failed", target: "/m/500", failure: failure{status: 424, code: "MirrorFailed", rule: "mirror"}},
		{name: "dead", target: "/dead/a", failure: failure{status: 424, code: "MirrorFailed", rule: "dead"}},
		{name: "slow", target: "/slow/a", failure: failure{status: 424, code: "MirrorTimeout", rule: "slow"}},
		{name: "404", target: "/m/404", failure: failure{status: 404, code: "NoSuchKey", cacheControl: "max-age=90"}},
		{name: "403", target: "/m/403", failure: failure{status: 403, code: "AccessDenied", cacheControl: "max-age=90"}},
	} {
		c.run(t, r, o.addr)
	}
	r.wantBucket(t)
}

// TestSlowDown fills each bound with one request, whose answer the origin does not end, and sends another.
func TestSlowDown(t *testing.T) {
	t.Parallel()
	f := func(name, global, limits string, begins bool) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGate()
			o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
				if begins {
					w.Header().Set("Content-Length", "100")
					_, _ = io.WriteString(w, "the first bytes")
					_ = http.NewResponseController(w).Flush()
				}
				g.pass(r)
			})
			rule := `{id: r, origin: {primary: "${ORIGIN}", timeouts: {answer: 700ms}` + limits + `}}`
			r := serve(t, global+site("", rule), "ORIGIN="+o.url)
			r.dial(t).send(t, request("GET", "/first.txt"))
			wait(t, "the first request at the origin", g.arrived)
			within(t, patience/2, func() {
				a := r.get(t, "/second.txt")
				failure{status: 503, code: "SlowDown"}.want(t, "GET", a, o.addr)
				if retry := a.Header.Get("Retry-After"); retry == "" || strings.Trim(retry, "0123456789") != "" {
					t.Errorf("Retry-After is %q", retry)
				}
			})
			o.wantTotal(t, 1)
		})
	}
	f("max_inflight", "limits: {max_inflight: 1}\n", "", true)
	f("max_waiting", "limits: {max_waiting: 1}\n", "", false)
	f("max_pulls", "limits: {max_pulls: 1}\n", "", true)
	f("max_concurrent", "", ", max_concurrent: 1", true)
	f("max_rate", "", ", max_rate: 0.1", true)
}

func TestHeadOff(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serveRules(t, o, `{id: r, head: off, origin: {primary: "${ORIGIN}"}}`)
	failure{status: 404}.want(t, "HEAD", r.head(t, "/a.txt"))
	o.wantTotal(t, 0)
	wantObject(t, r.get(t, "/a.txt"), "/a.txt", saved("r"))
	r.waitSaved(t, "a.txt", "/a.txt")
	equal(t, "status", r.head(t, "/a.txt").Status, 200)
}
