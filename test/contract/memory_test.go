package contract_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// inMemory is the setting of these tests, and memoryObject its max_object.
const (
	inMemory     = "memory: {max_bytes: 64MiB, max_object: 4KiB, ttl: 1h}\n"
	memoryObject = 4 << 10
)

// twins are two gateways on one bucket: what the one has in memory the other reads each time.
type twins struct {
	with, without *rig
	put           func(key string, body []byte) // lays an object into the bucket of the first site, as others do
}

// memorySites are two sites: one shows the origin's validators, the other the bucket's. %s and %s are their buckets.
const memorySites = `sites:
- name: site
  hosts: [site.test, "*.wild.test"]
  bucket: %s
  rules:
  - {id: old, match: {prefix: old/}, mode: deny, when: miss, deny: {status: 410}}
  - {id: live, match: {prefix: live/}, mode: proxy, when: always, origin: {primary: "${ORIGIN}"}}
  - {id: key, match: {prefix: key/}, forward: {query: key}, origin: {primary: "${ORIGIN}"}}
  - {id: skip, match: {prefix: skip/}, forward: {query: skip}, origin: {primary: "${ORIGIN}"}}
  - {id: r, origin: {primary: "${ORIGIN}"}, store: {headers: [X-Replayed, Link], metadata: {team: "a b"}}}
- name: tags
  hosts: [tags.test]
  validators: bucket
  bucket: %s
  rules:
  - {id: r, origin: {primary: "${ORIGIN}"}}
`

// onTwins runs f before a directory and before a bucket of a server.
func onTwins(t *testing.T, f func(t *testing.T, o *origin, g twins)) {
	t.Parallel()
	run := func(t *testing.T, config string, put func(key string, body []byte)) {
		o := startOrigin(t, memoryOrigin)
		f(t, o, twins{serve(t, inMemory+config, "ORIGIN="+o.url), serve(t, config, "ORIGIN="+o.url), put})
	}
	t.Run("dir", func(t *testing.T) {
		a, b := t.TempDir(), t.TempDir()
		run(t, fmt.Sprintf(memorySites, fmt.Sprintf("{dir: %q}", a), fmt.Sprintf("{dir: %q}", b)), func(key string, body []byte) {
			(&rig{bucket: a}).put(t, key, string(body))
		})
	})
	t.Run("minio", func(t *testing.T) {
		s := harness.StartMinIO(t)
		s.CreateBucket(t, serverBucket)
		in := func(prefix string) string {
			return fmt.Sprintf("{prefix: %q, s3: {endpoint: %q, name: %s, access_key: %q, secret_key: %q}}",
				prefix, s.Endpoint, serverBucket, s.AccessKey, s.SecretKey)
		}
		run(t, fmt.Sprintf(memorySites, in("a/"), in("b/")), func(key string, body []byte) {
			s.Put(t, serverBucket, "a/"+key, body, nil)
		})
	})
}

// memoryOrigin answers with as many bytes as the last segment of the path says, with headers that its first one names.
func memoryOrigin(w http.ResponseWriter, r *http.Request) {
	segments := strings.Split(r.URL.Path, "/")
	size, err := strconv.Atoi(segments[len(segments)-1])
	if err != nil {
		http.NotFound(w, r)
		return
	}
	header := []string{"Content-Type", "text/plain", "ETag", `"v1"`, "Last-Modified", modified, "Content-Length", strconv.Itoa(size)}
	switch segments[1] {
	case "odd":
		header = append(header, "X-Replayed", "yes", "Link", "<a>; rel=b, <c>; rel=d", "Content-Language", "de, en",
			"Content-Disposition", "attachment; filename=\"\xc3\xa9.txt\"", "Access-Control-Allow-Origin", "*", "Content-Encoding", "gzip")
	case "moves":
		header = append(header, "Expires", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
	case "past":
		header = append(header, "Expires", "0", "Cache-Control", "max-age=86400")
	case "weak":
		header[3] = `W/"v1"`
	case "bare":
		header = []string{"Content-Length", strconv.Itoa(size)}
	}
	page{header: header, body: strings.Repeat("0123456789", size/10+1)[:size]}.ServeHTTP(w, r)
}

// exchange sends requests on one connection, all at once, and returns the answers as they came, less what differs
// between any two. The last request has to end the connection.
func (r *rig) exchange(t *testing.T, requests []string) []string {
	t.Helper()
	w := r.dial(t)
	defer w.conn.Close()
	if err := w.conn.SetDeadline(time.Now().Add(patience / 2)); err != nil {
		t.Fatal(err)
	}
	w.send(t, strings.Join(requests, ""))
	var answers []string
	for _, request := range requests {
		if answer := w.raw(strings.HasPrefix(request, "HEAD ")); answer != "" {
			answers = append(answers, answer)
		}
	}
	rest, err := io.ReadAll(w.in)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Fatalf("%.300q does not end the connection", requests)
	}
	return append(answers, leaveOut(string(rest)))
}

// raw reads one answer.
func (w *wire) raw(isHead bool) string {
	var head []string
	length := 0
	for {
		line, err := w.in.ReadString('\n')
		if err != nil {
			return leaveOut(strings.Join(head, "") + line)
		}
		if line == "\r\n" {
			break
		}
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && strings.EqualFold(name, "Content-Length") {
			length, _ = strconv.Atoi(value)
		}
		head = append(head, line)
	}
	body := ""
	if !isHead && !strings.Contains(head[0], " 304 ") {
		all, _ := io.ReadAll(io.LimitReader(w.in, int64(length))) // what is missing shows
		body = string(all)
	}
	slices.Sort(head[1:])
	return leaveOut(strings.Join(head, "") + "\r\n" + body)
}

func leaveOut(answer string) string {
	differs := regexp.MustCompile(`(?m)^(Cache-Status|Date|X-Request-Id): .*\r\n|<RequestId>.*</RequestId>`)
	return differs.ReplaceAllString(answer, "")
}

// want fails the test unless both answer the same. Of an Expires that moves the second may have passed between the two.
func (g twins) want(t *testing.T, requests ...string) {
	t.Helper()
	var with, without []string
	for range 3 {
		with, without = g.with.exchange(t, requests), g.without.exchange(t, requests)
		if slices.Equal(with, without) {
			return
		}
	}
	for i := range max(len(with), len(without)) {
		a, b := at(with, i), at(without, i)
		if a != b {
			t.Errorf("%.300q:\nanswer %d from memory: %.900q\n without memory:        %.900q", strings.Join(requests, ""), i, a, b)
		}
	}
}

func at(all []string, i int) string {
	if i < len(all) {
		return all[i]
	}
	return "none"
}

// warm has the objects pulled, saved and read into memory. It fails the test unless memory answers for those that it
// keeps.
func (g twins) warm(t *testing.T, host string, targets ...string) {
	t.Helper()
	for _, target := range targets {
		hit := "mirrorgate; hit; detail=memory"
		if size, _ := strconv.Atoi(target[strings.LastIndexByte(target, '/')+1:]); size > memoryObject {
			hit = hitBucket
		}
		harness.Eventually(t, patience, func() error {
			if a := g.with.get(t, target, "Host", host); a.Header.Get("Cache-Status") != hit {
				return fmt.Errorf("%s is answered with %d, %s", target, a.Status, a.Header.Get("Cache-Status"))
			}
			return nil
		})
	}
}

// Whatever is asked of an object in memory, in whatever form of HTTP: the answer is that of the bucket to the last
// byte.
func TestMemoryAnswersAsTheBucket(t *testing.T) {
	onTwins(t, func(t *testing.T, o *origin, g twins) {
		targets := []string{"/odd/1", "/moves/100", "/past/100", "/weak/100", "/bare/100", "/strong/100", "/x%20y/%C3%A9%2Fz/100"}
		for _, size := range []int{memoryObject - 1, memoryObject, memoryObject + 1} {
			targets = append(targets, fmt.Sprintf("/strong/%d", size))
		}
		for _, host := range []string{"site.test", "tags.test"} {
			g.warm(t, host, targets...)
			for _, target := range targets {
				for _, c := range forms() {
					c = append(c, "Host", host)
					g.want(t, request("GET", target, c...))
					g.want(t, request("HEAD", target, c...))
				}
			}
		}
		asked := len(o.requests())
		for _, c := range conditionCases() {
			if target := "/" + c.object + "/100"; c.object != "bare" {
				g.want(t, request("GET", target, c.header...))
				g.want(t, request("HEAD", target, c.header...))
			}
		}
		o.wantTotal(t, asked)
	})
}

// forms are the headers of requests that go by the object's size.
func forms() [][]string {
	var all [][]string
	for _, r := range []string{
		"", "bytes=0-0", "bytes=0-", "bytes=-1", "bytes=-5000", "bytes=4095-", "bytes=4096-", "bytes=99-200", "bytes=100-",
		"bytes=5-3", "bytes=1-2,4-5", "bytes=0-99", "lines=1-2", "bytes=-0",
	} {
		all = append(all, []string{"Range", r})
	}
	return append(all, nil, []string{"Range", "bytes=1-2", "If-Range", `"v1"`}, []string{"If-None-Match", "*"}, []string{"If-Modified-Since", after},
		[]string{"If-None-Match", `"v1"`}, []string{"Accept-Encoding", "gzip, br"}, []string{"Cookie", "a=b"},
		[]string{"If-Unmodified-Since", before}, []string{"Cache-Control", "no-cache"}, []string{"CDN-Loop", "other"},
		[]string{"Origin", "https://x.example"})
}

// The forms that a request may have on the wire, and hosts and targets of every kind.
func TestMemoryAnswersEveryForm(t *testing.T) {
	onTwins(t, func(t *testing.T, _ *origin, g twins) {
		g.warm(t, "site.test", "/strong/100", "/key/100", "/key/100?w=2", "/skip/100", "/a%20b/7", "/moves/100")
		g.warm(t, "x.wild.test", "/strong/100")
		end := "GET /none HTTP/1.1\r\nHost: nobody.test\r\nConnection: close\r\n\r\n"
		on := func(line, rest string) string { return line + "\r\nHost: site.test\r\n" + rest + "\r\n" }
		const get, head = "GET /strong/100 HTTP/1.1", "HEAD /strong/100 HTTP/1.1"
		for _, host := range []string{
			"site.test", "SITE.test", "site.test:80", "site.test.", "Site.Test.:8080", "x.wild.test", "a.b.wild.test",
			"wild.test", "x.WILD.test", "nobody.test", "", "[::1]", "site.test, site.test",
		} {
			g.want(t, get+"\r\nHost: "+host+"\r\n\r\n", end)
			g.want(t, head+"\r\nHost: "+host+"\r\n\r\n", end)
		}
		g.want(t, get+"\r\n\r\n", end)
		g.want(t, get+"\r\nHost: site.test\r\nHost: nobody.test\r\n\r\n", end)
		for _, target := range []string{
			"/strong/100?", "/strong/100?x=1", "/key/100?w=2", "/key/100?w=%32", "/key/100?", "/key/100", "/skip/100?",
			"/strong/100#part", "/strong/100?x#part", "/%73trong/100", "/strong/%31%30%30", "/strong//100", "/strong/./100",
			"/strong/../strong/100", "//strong/100", "/strong%2F100", "/strong/100/", "/a%20b/7", "/a+b/7", "/strong/100%00",
			"/strong/100%zz", "/.mirrorgate/health", "/.mirrorgate/x", "/", "*", "http://site.test/strong/100",
			"http://nobody.test/strong/100", "/moves/100",
		} {
			g.want(t, on("GET "+target+" HTTP/1.1", ""), end)
			g.want(t, on("HEAD "+target+" HTTP/1.1", ""), end)
		}
		g.want(t, on(get, ""), on(head, ""), on(get, "Range: bytes=1-3\r\n"), on(get, ""), on(head, ""), end)
		g.want(t, on("GET /strong/100 HTTP/1.0", ""))
		g.want(t, on("HEAD /strong/100 HTTP/1.0", ""))
		g.want(t, "GET /strong/100 HTTP/1.0\r\n\r\n")
		g.want(t, on("GET /strong/100 HTTP/1.0", "Connection: keep-alive\r\n"), on("GET /strong/100 HTTP/1.0", ""))
		g.want(t, on(get, "Connection: close\r\n"))
		g.want(t, on(head, "Connection: close\r\n"))
		g.want(t, on(get, "Content-Length: 5\r\n")+"hello")
		g.want(t, on(get, "Transfer-Encoding: chunked\r\n")+"5\r\nhello\r\n0\r\n\r\n")
		g.want(t, on(get, "Content-Length: 0\r\n"), end)
		g.want(t, on(get, "Expect: 100-continue\r\nContent-Length: 5\r\n"))
		g.want(t, on("POST /strong/100 HTTP/1.1", "Content-Length: 0\r\n"), end)
		g.want(t, on("get /strong/100 HTTP/1.1", ""), end)
		g.want(t, on(get, "rAnGe: bytes=1-2\r\niF-nOnE-mAtCh: \"x\"\r\n"), end)
		g.want(t, on(get, "X-Long: "+strings.Repeat("x", 15<<10)+"\r\n"), end)
		g.want(t, on(get, "X-Long: "+strings.Repeat("x", 17<<10)+"\r\n"))
	})
}

// The empty object, objects that others stored, and a file whose metadata nobody wrote.
func TestMemoryOfWhatOthersStored(t *testing.T) {
	onTwins(t, func(t *testing.T, o *origin, g twins) {
		for _, size := range []int{0, 1, memoryObject, memoryObject + 1} {
			g.put(fmt.Sprintf("others/%d", size), bytes.Repeat([]byte("x"), size))
			target := fmt.Sprintf("/others/%d", size)
			g.warm(t, "site.test", target)
			for _, c := range forms() {
				g.want(t, request("GET", target, c...))
				g.want(t, request("HEAD", target, c...))
			}
			g.want(t, "GET "+target+" HTTP/1.0\r\nHost: site.test\r\n\r\n")
			g.want(t, request("GET", target, "Connection", "keep-alive"), request("GET", target))
		}
		o.wantTotal(t, 0)
	})
}
