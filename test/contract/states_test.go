package contract_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mirrorgate/test/harness"
)

// stateRules are rules of each mode, all in one state, each for the folder of its name.
func stateRules(state string) []string {
	rules := []string{`{id: denied, mode: deny, when: miss, match: {prefix: denied/}, deny: {status: 410}}`}
	for name, fields := range map[string]string{
		"mirror":   "mode: mirror",
		"redirect": "mode: redirect",
		"proxy":    "mode: proxy",
		"always":   "mode: proxy, when: always",
		"sent":     "mode: redirect, when: always",
		"skip":     "forward: {query: skip}",
		"headless": "head: off",
	} {
		rules = append(rules, fmt.Sprintf(`{id: %s, state: %s, %s, match: {prefix: %s/}, origin: {primary: "${ORIGIN}"}}`,
			name, state, fields, name))
	}
	return rules
}

// requestForm is a kind of request, with its status for an object of a few bytes that is there.
type requestForm struct {
	name, method string
	header       []string
	status       int
}

func requestForms() []requestForm {
	return []requestForm{
		{"GET", "GET", nil, 200},
		{"HEAD", "HEAD", nil, 200},
		{"range", "GET", []string{"Range", "bytes=1-2"}, 206},
		{"far range", "GET", []string{"Range", "bytes=900000000-"}, 416},
		{"conditional", "GET", []string{"If-None-Match", "*"}, 304},
		{"unmet", "GET", []string{"If-Match", `"other"`}, 412},
	}
}

// switched is a gateway whose rules change their state by a restart.
type switched struct {
	*rig
	o   *origin
	put func(t *testing.T, key, body string)
	set func(t *testing.T, settings string, rules ...string) // ends with a restart; nothing is ever saved
}

// onSwitched runs f before a directory and before a bucket of a server. What is pulled stays in the spool.
func onSwitched(t *testing.T, handler http.HandlerFunc, f func(t *testing.T, s *switched)) {
	t.Parallel()
	run := func(t *testing.T, bucket string, put func(r *rig) func(*testing.T, string, string)) {
		o := startOrigin(t, handler)
		config := func(settings string, rules ...string) string {
			text := site(settings, rules...)
			if bucket != "" {
				text = strings.Replace(text, `{dir: "${BUCKET}"}`, bucket, 1)
			}
			return "memory: {max_bytes: 64MiB, ttl: 1h}\nwriteback: {paused: true}\n" + text
		}
		s := &switched{rig: serve(t, config("", mirrorRule), "ORIGIN="+o.url), o: o}
		s.put = put(s.rig)
		s.set = func(t *testing.T, settings string, rules ...string) {
			t.Helper()
			s.WriteConfig(t, config(settings, rules...))
			s.Restart(t)
		}
		f(t, s)
	}
	t.Run("dir", func(t *testing.T) {
		run(t, "", func(r *rig) func(*testing.T, string, string) { return r.put })
	})
	t.Run("minio", func(t *testing.T) {
		m := harness.StartMinIO(t)
		m.CreateBucket(t, serverBucket)
		bucket := fmt.Sprintf("{s3: {endpoint: %q, name: %s, access_key: %q, secret_key: %q}}",
			m.Endpoint, serverBucket, m.AccessKey, m.SecretKey)
		run(t, bucket, func(r *rig) func(*testing.T, string, string) {
			r.bucket, r.server = serverBucket, m
			return func(t *testing.T, key, body string) { m.Put(t, serverBucket, key, []byte(body), nil) }
		})
	})
}

// spooled are the files of what waits to be saved.
func (s *switched) spooled(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.DataDir, "spool", "pending", "*", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestStates: what needs the origin is answered in its place, what does not is answered as ever, and the origin is left
// alone. Set back to active, all is as it was.
func TestStates(t *testing.T) {
	onSwitched(t, echo, func(t *testing.T, s *switched) {
		s.set(t, "", stateRules("active")...)
		wantObject(t, s.get(t, "/mirror/spooled"), "/mirror/spooled", saved("mirror"))
		wantObject(t, s.get(t, "/skip/spooled"), "/skip/spooled", saved("skip"))
		for _, folder := range []string{"mirror", "redirect", "proxy", "skip", "denied"} {
			s.put(t, folder+"/here", "here")
		}
		asked := len(s.o.requests())
		for _, state := range []string{"paused", "retired"} {
			t.Run(state, func(t *testing.T) {
				s.set(t, "", stateRules(state)...)
				s.wantHits(t)
				s.wantUnasked(t, state)
				s.wantUnneeded(t)
				s.o.wantTotal(t, asked)
				equal(t, "files in the spool", len(s.spooled(t)), 4)
			})
		}
		s.set(t, "", stateRules("active")...)
		wantObject(t, s.get(t, "/mirror/missing"), "/mirror/missing", saved("mirror"))
		equal(t, "redirect", s.get(t, "/redirect/missing").Status, 302)
	})
}

// wantHits fails the test unless what the bucket or the spool has is answered, the first time and then from memory.
func (s *switched) wantHits(t *testing.T) {
	t.Helper()
	for _, target := range []string{"/mirror/here", "/redirect/here", "/proxy/here", "/skip/here", "/denied/here",
		"/mirror/spooled", "/skip/spooled"} {
		body := "here"
		if strings.HasSuffix(target, "/spooled") {
			body = target
		}
		for _, again := range []bool{false, true} {
			a := s.get(t, target)
			equal(t, target, string(a.Body), body)
			equal(t, target+": status", a.Status, 200)
			if where := a.Header.Get("Cache-Status"); again && body == "here" && where != "mirrorgate; hit; detail=memory" ||
				!strings.Contains(where, "; hit; ") {
				t.Errorf("%s, again %v: Cache-Status %q", target, again, where)
			}
			for _, form := range requestForms() {
				equal(t, target+", "+form.name, s.do(t, form.method, target, form.header...).Status, form.status)
			}
		}
	}
}

// wantUnasked fails the test unless what needs the origin is answered as the state says.
func (s *switched) wantUnasked(t *testing.T, state string) {
	t.Helper()
	want, retry := failure{status: 503, code: "SlowDown"}, "10"
	if state == "retired" {
		want, retry = failure{status: 404, code: "NoSuchKey"}, ""
	}
	for target, rule := range map[string]string{
		"/mirror/missing": "mirror", "/redirect/missing": "redirect", "/proxy/missing": "proxy", "/skip/missing": "skip",
		"/always/here": "always", "/sent/here": "sent", "/skip/here?a=b": "skip", "/headless/missing": "headless",
	} {
		want.rule = rule
		for _, form := range requestForms() {
			if form.method == http.MethodHead && rule == "headless" {
				continue
			}
			t.Run(form.name+" "+target, func(t *testing.T) {
				a := s.do(t, form.method, target, form.header...)
				want.want(t, form.method, a, s.o.addr)
				equal(t, "Retry-After", a.Header.Get("Retry-After"), retry)
				equal(t, "Location", a.Header.Get("Location"), "")
				equal(t, "Cache-Status", a.Header.Get("Cache-Status"),
					"mirrorgate; detail="+state+`; rule="`+rule+`"`)
			})
		}
	}
}

// wantUnneeded fails the test unless what no origin would be asked is answered as if the rules were active.
func (s *switched) wantUnneeded(t *testing.T) {
	t.Helper()
	f := func(method, target string, status int, cacheStatus string, header ...string) {
		t.Helper()
		a := s.do(t, method, target, header...)
		equal(t, target+": status", a.Status, status)
		equal(t, target+": Cache-Status", a.Header.Get("Cache-Status"), cacheStatus)
	}
	f("HEAD", "/headless/missing", 404, "")
	f("GET", "/mirror/%5c", 404, "")
	f("GET", "/no/rule", 404, "")
	f("GET", "/denied/missing", 410, `mirrorgate; detail=deny; rule="denied"`)
	f("GET", "/mirror/missing", 508, "", "CDN-Loop", s.loopToken(t))
}

// loopToken is what the gateway's requests to the origin carry.
func (s *switched) loopToken(t *testing.T) string {
	t.Helper()
	token := s.o.last(t).header.Get("CDN-Loop")
	if token == "" {
		t.Fatal("the origin was not told of a loop token")
	}
	return token
}

// TestStatesLeaveOldCopiesAlone: a copy that is due to be compared with its origin is compared while its rule is
// active, and answered without that while it is not.
func TestStatesLeaveOldCopiesAlone(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	rules := func(state string) string {
		return site("", `{id: r, revalidate: 10s, state: `+state+`, origin: {primary: "${ORIGIN}"}}`)
	}
	r := serve(t, inMemory+rules("active"), "ORIGIN="+o.url)
	_ = r.get(t, "/a.txt")
	r.waitSaved(t, "a.txt", "/a.txt")
	r.age(t)
	for _, state := range []string{"paused", "retired"} {
		r.WriteConfig(t, inMemory+rules(state))
		r.Restart(t)
		for range 3 {
			equal(t, state, string(r.get(t, "/a.txt").Body), "/a.txt")
			equal(t, state+", conditional", r.get(t, "/a.txt", "If-None-Match", `"a.txt"`).Status, 304)
		}
		r.wantBucket(t, "a.txt") // stops it, and so waits for what goes on behind answers
		o.wantTotal(t, 1)
	}
	r.WriteConfig(t, inMemory+rules("active"))
	r.Restart(t)
	equal(t, "active", string(r.get(t, "/a.txt").Body), "/a.txt")
	r.wantBucket(t, "a.txt")
	o.wantTotal(t, 2)
	equal(t, "If-None-Match", o.last(t).header.Get("If-None-Match"), `"a.txt"`)
}

// age makes all copies in a directory years old.
func (r *rig) age(t *testing.T) {
	t.Helper()
	date := regexp.MustCompile(`"mg-time":"\d+"`)
	records := 0
	for _, name := range harness.BucketFiles(t, filepath.Join(r.bucket, ".mirrorgate", "meta")) {
		text, err := os.ReadFile(name)
		if err == nil && date.Match(text) {
			records++
			err = os.WriteFile(name, date.ReplaceAll(text, []byte(`"mg-time":"1000000000"`)), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "records", records, 1)
}
