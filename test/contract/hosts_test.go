package contract_test

import (
	"net"
	"testing"

	"mirrorgate/test/harness"
)

const hostsConfig = `
sites:
- {name: exact, hosts: [a.test, "10.1.2.3", "[2001:db8::1]"], bucket: {dir: "${BUCKET}/exact"}, rules: [{id: r,
    origin: {primary: "${ORIGIN}/exact"}}]}
- {name: wide, hosts: ["*.test"], bucket: {dir: "${BUCKET}/wide"}, rules: [{id: r,
    origin: {primary: "${ORIGIN}/wide"}}]}
- {name: long, hosts: ["*.b.test", B2.Test.], bucket: {dir: "${BUCKET}/long"}, rules: [{id: r,
    origin: {primary: "${ORIGIN}/long"}}]}
`

const restConfig = `- {name: rest, hosts: ["*"], bucket: {dir: "${BUCKET}/rest"}, rules: [{id: r,
    origin: {primary: "${ORIGIN}/rest"}}]}
`

// TestHosts: the origin of each site has its name as first folder.
func TestHosts(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	closed := serve(t, hostsConfig, "ORIGIN="+o.url)
	open := serve(t, hostsConfig+restConfig, "ORIGIN="+o.url)
	f := func(host, site string) {
		t.Helper()
		for _, r := range []*rig{closed, open} {
			a := r.get(t, "/x", "Host", host)
			switch {
			case site != "":
				equal(t, host, string(a.Body), "/"+site+"/x")
			case r == open:
				equal(t, host, string(a.Body), "/rest/x")
			default:
				failure{status: 404, code: "NoSuchBucket"}.want(t, "GET", a)
			}
		}
	}
	f("a.test", "exact")
	f("A.TeSt", "exact")
	f("a.test:8080", "exact")
	f("a.test.", "exact")
	f("a.test.:80", "exact")
	f("10.1.2.3", "exact")
	f("10.1.2.3:80", "exact")
	f("[2001:db8::1]", "exact")
	f("[2001:db8::1]:8080", "exact")
	f("c.test", "wide")
	f("B.test", "wide") // "*.b.test" does not stand for b.test
	f("x.a.test", "wide")
	f("x.b.test", "long")
	f("y.x.b.test:1", "long")
	f("b2.test", "long")
	f("test", "")
	f("a.test.evil", "")
	f("a-test", "")
	f("xa.testx", "")
	f("10.1.2.4", "")
}

// TestSitesAreApart: one key is another object in another site.
func TestSitesAreApart(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serve(t, `
sites:
- {name: one, hosts: [one.test], bucket: {dir: "${BUCKET}", prefix: one/}, rules: [{id: r,
    origin: {primary: "${ORIGIN}/1"}}]}
- {name: two, hosts: [two.test, alias.test], bucket: {dir: "${BUCKET}", prefix: two/}, rules: [{id: r,
    origin: {primary: "${ORIGIN}/2"}}]}
`, "ORIGIN="+o.url)
	wantObject(t, r.get(t, "/a.txt", "Host", "one.test"), "/1/a.txt", saved("r"))
	wantObject(t, r.get(t, "/a.txt", "Host", "two.test"), "/2/a.txt", saved("r"))
	wantHit(t, r.get(t, "/a.txt", "Host", "alias.test"), "/2/a.txt")
	wantHit(t, r.get(t, "/a.txt", "Host", "one.test"), "/1/a.txt")
	o.wantTotal(t, 2)
	r.wantBucket(t, "one/a.txt", "two/a.txt")
}

func TestHealth(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serveRules(t, o, mirrorRule)
	for _, host := range []string{siteHost, "other.test", "10.0.0.1:80", "[::1]"} {
		a := r.get(t, harness.HealthPath, "Host", host)
		equal(t, host, a.Status, 200)
		equal(t, "Cache-Control", a.Header.Get("Cache-Control"), "no-store")
		equal(t, "with a query", r.get(t, harness.HealthPath+"?a", "Host", host).Status, 200)
		head := r.head(t, harness.HealthPath, "Host", host)
		equal(t, "HEAD", head.Status, 200)
		equal(t, "HEAD's body", len(head.Body), 0)
	}
	equal(t, "below it", r.get(t, harness.HealthPath+"/x").Status, 404)

	w := r.dial(t)
	w.send(t, "GET "+harness.HealthPath+" HTTP/1.0\r\n\r\n")
	equal(t, "without a host", w.answer(t, "GET").Status, 200)
	o.wantTotal(t, 0)
}

func TestHealthPath(t *testing.T) {
	t.Parallel()
	config := "server: {listen: \"${LISTEN}\", health_path: /up}\n" + site("", `{id: r, mode: deny}`)
	r := &rig{bucket: t.TempDir()}
	r.Gateway = harness.StartGateway(t, config, harness.NotReady(), harness.WithEnv("BUCKET="+r.bucket))
	harness.Eventually(t, patience, func() error {
		conn, err := net.Dial("tcp", r.Addr)
		if err == nil {
			conn.Close()
		}
		return err
	})
	equal(t, "its path", r.get(t, "/up", "Host", "any.test").Status, 200)
	equal(t, "the default path", r.get(t, harness.HealthPath).Status, 404)
}
