package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"mirrorgate/test/harness"
)

// target is an origin that goes by a domain name, as in the examples; no DNS knows it.
func target(domain string, n *harness.Nginx) string {
	return fmt.Sprintf("{url: %q, connect_to: %q}", "http://"+domain, n.Addr)
}

// Process example 1 of the specification: files that bucketA lacks come from the folder myobject of http://myweb.com.
// Replace prefix/suffix: prefix myobject.
func TestExample1(t *testing.T) {
	myweb := harness.StartNginx(t, harness.NginxConfig{})
	bucketA := newMinIO(t)
	g := serve(t, bucketA,
		"{id: example-1, rewrite: {prefix: myobject}, origin: {primary: "+target("myweb.com", myweb)+"}}")
	body := []byte("a file of the old server")
	myweb.Put(t, "myobject/docs/a b.txt", body)
	myweb.Put(t, "top.txt", []byte("outside of the folder myobject"))

	first := g.wantObject(t, "/docs/a%20b.txt", body)
	equal(t, "Cache-Status of a miss", first.Header.Get("Cache-Status"), pulled("primary", "example-1"))
	equal(t, "Content-Type", first.Header.Get("Content-Type"), "text/plain")
	bucketA.wait(t, "docs/a b.txt", body)
	bucketA.wantAbsent(t, "myobject/docs/a b.txt")

	g.waitHit(t, "/docs/a%20b.txt", body)
	g.wantError(t, "/docs/none.txt", http.StatusNotFound, "NoSuchKey")
	g.wantError(t, "/top.txt", http.StatusNotFound, "NoSuchKey")

	wantGets(t, myweb, "myweb.com", "/myobject/docs/a%20b.txt", "/myobject/docs/none.txt", "/myobject/top.txt")
	myweb.Kill()
	g.wantObject(t, "/docs/a%20b.txt", body)
}

// wantGets waits until an nginx has logged as many GET requests as there are targets, and fails the test unless they
// were for these targets, in that order, and for this host.
func wantGets(t *testing.T, n *harness.Nginx, host string, targets ...string) {
	t.Helper()
	var got []string
	harness.Eventually(t, patience, func() error {
		got = nil
		for _, r := range n.Requests(t) {
			if r.Method == http.MethodGet {
				got = append(got, r.Target)
				equal(t, "Host at the origin", r.Header.Get("Host"), host)
			}
		}
		if len(got) < len(targets) {
			return fmt.Errorf("%s was asked for %q, want %q", host, got, targets)
		}
		return nil
	})
	equal(t, "what was asked of "+host, fmt.Sprint(got), fmt.Sprint(targets))
}

// Process example 2: files that bucketA lacks under examplefolder come from the folder myobject of http://myweb.com, or
// else of the backup http://backup.com.
func TestExample2(t *testing.T) {
	myweb, backup := harness.StartNginx(t, harness.NginxConfig{}), harness.StartNginx(t, harness.NginxConfig{})
	bucketA := newMinIO(t)
	g := serve(t, bucketA, "{id: example-2, match: {prefix: examplefolder}, rewrite: {replace: myobject}, "+
		"origin: {primary: "+target("myweb.com", myweb)+", backup: "+target("backup.com", backup)+"}}")
	onPrimary, onBackup := []byte("of the primary"), []byte("of the backup")
	myweb.Put(t, "myobject/both.txt", onPrimary)
	backup.Put(t, "myobject/both.txt", onBackup)
	backup.Put(t, "myobject/dir/second.txt", onBackup)
	backup.Put(t, "myobject/third.txt", onBackup)

	f := func(target, from string, body []byte) {
		t.Helper()
		a := g.wantObject(t, target, body)
		equal(t, "Cache-Status of "+target, a.Header.Get("Cache-Status"), pulled(from, "example-2"))
		bucketA.wait(t, strings.TrimPrefix(target, "/"), body)
	}
	f("/examplefolder/both.txt", "primary", onPrimary)
	f("/examplefolder/dir/second.txt", "backup", onBackup) // the primary says 404
	g.wantError(t, "/examplefolder/none.txt", http.StatusNotFound, "NoSuchKey")
	g.wantError(t, "/other/both.txt", http.StatusNotFound, "NoSuchKey") // no rule

	wantGets(t, myweb, "myweb.com", "/myobject/both.txt", "/myobject/dir/second.txt", "/myobject/none.txt")
	wantGets(t, backup, "backup.com", "/myobject/dir/second.txt", "/myobject/none.txt")

	myweb.Kill()
	// The primary is dead, and may have what the backup lacks.
	f("/examplefolder/third.txt", "backup", onBackup)
	g.wantError(t, "/examplefolder/none-2.txt", http.StatusBadGateway, "MirrorFailed")
	for _, key := range []string{"examplefolder/none.txt", "examplefolder/none-2.txt", "other/both.txt"} {
		bucketA.wantAbsent(t, key)
	}
	for _, key := range bucketA.server.Keys(t, bucketName, "") {
		if !strings.HasPrefix(key, "examplefolder/") {
			t.Errorf("%q is in the bucket: objects are saved under the key that was asked for", key)
		}
	}
}

// Process example 3: bucketA may be read by everybody, bucketB is private. What bucketA lacks under folderA comes from
// folderB of bucketB; the query and the headers header1 and header2 are passed to it, and nothing else of the client.
func TestExample3(t *testing.T) {
	bucketA := newMinIO(t)
	server := bucketA.server
	server.AllowAnonymousReads(t, bucketName)
	server.CreateBucket(t, "bucketb")
	front := startRecorder(t, server.Endpoint)
	t.Setenv("SECRET_B", server.SecretKey)
	g := serve(t, bucketA, fmt.Sprintf("{id: example-3, match: {prefix: folderA}, rewrite: {replace: folderB}, "+
		"forward: {query: same, headers: {pass: [header1, header2]}}, origin: {primary: {s3: {endpoint: %q, name: bucketb, "+
		"access_key: %q, secret_key: %q}}}}", front.url, server.AccessKey, "${SECRET_B}"))
	body := harness.Truth{Seed: 3, Size: 300 << 10}.Bytes()
	server.Put(t, "bucketb", "folderB/example.docx", body, http.Header{"Content-Type": {"application/vnd.example"},
		"X-Amz-Meta-Author": {"somebody"}})
	wantPrivate(t, server.Endpoint+"/bucketb/folderB/example.docx")

	a := g.wantObject(t, "/folderA/example.docx?from=mail&n=1&acl&X-Amz-Expires=1", body,
		"header1", "value 1", "header2", "value 2", "header3", "value 3", "Cookie", "session=1",
		"Authorization", "Basic eDp5")
	equal(t, "Cache-Status", a.Header.Get("Cache-Status"), pulled("primary", "example-3"))
	equal(t, "Content-Type", a.Header.Get("Content-Type"), "application/vnd.example")
	equal(t, "x-amz-meta-author", a.Header.Get("X-Amz-Meta-Author"), "somebody")
	wantExample3(t, front.last(t))

	bucketA.wait(t, "folderA/example.docx", body)
	keys := server.Keys(t, bucketName, "")
	equal(t, "what is in bucketA", fmt.Sprint(keys), "[folderA/example.docx]")
	count := front.count()
	if hit := g.waitHit(t, "/folderA/example.docx", body); hit.Header.Get("ETag") != a.Header.Get("ETag") {
		t.Errorf("ETag %s, before it was saved %s", hit.Header.Get("ETag"), a.Header.Get("ETag"))
	}
	g.wantObject(t, "/folderA/example.docx?from=elsewhere", body) // the same object: the query promises so
	equal(t, "requests to bucketB, of which hits make none", front.count(), count)
	g.wantError(t, "/folderA/none.docx", http.StatusNotFound, "NoSuchKey")
	g.wantError(t, "/folderA/example.docx/", http.StatusNotFound, "NoSuchKey")
}

// wantExample3 looks at the request that bucketB has had.
func wantExample3(t *testing.T, r *http.Request) {
	t.Helper()
	equal(t, "path at bucketB", r.URL.EscapedPath(), "/bucketb/folderB/example.docx")
	equal(t, "query at bucketB", r.URL.RawQuery, "from=mail&n=1")
	equal(t, "header1 at bucketB", r.Header.Get("header1"), "value 1")
	equal(t, "header2 at bucketB", r.Header.Get("header2"), "value 2")
	for _, name := range []string{"header3", "Cookie", "X-Forwarded-For"} {
		if v := r.Header.Get(name); v != "" {
			t.Errorf("%s has reached bucketB: %q", name, v)
		}
	}
	if auth := r.Header.Get("Authorization"); !strings.HasPrefix(auth, "AWS4-HMAC-SHA256 ") {
		t.Errorf("Authorization at bucketB is %.40q, want the gateway's signature", auth)
	}
}

func wantPrivate(t *testing.T, url string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	equal(t, "status of an anonymous read of bucketB", response.StatusCode, http.StatusForbidden)
}
