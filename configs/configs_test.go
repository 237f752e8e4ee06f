package configs

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

func testEnv(name string) (string, bool) {
	v, ok := map[string]string{
		"ORIGIN": "https://old.example.com", "SECRET": "s3cr3t-Passw0rd", "PREFIX": "img", "BAD": "ftp://user:s3cr3t-Passw0rd@h",
	}[name]
	return v, ok
}

// two sites and three rules with nothing wrong; each mistake is made by changing one line.
const sound = `server:
  listen: 127.0.0.1:8080
data_dir: /nowhere/data
sites:
- name: one
  hosts: [one.example.com, "*.one.example.com"]
  bucket: {dir: /nowhere/one}
  rules:
  - id: a
    match: {prefix: a}
    origin: {primary: "https://old.example.com"}
  - id: b
    match: {prefix: b/}
    origin: {primary: "https://old.example.com"}
- name: two
  hosts: [two.example.com]
  bucket:
    prefix: two/
    s3:
      endpoint: http://127.0.0.1:9000
      name: media
  rules:
  - id: a
    origin: {primary: "https://old.example.com"}
`

// replaced gives sound with one line replaced.
func replaced(t *testing.T, old, line string) string {
	t.Helper()
	if strings.Count(sound, old+"\n") == 0 {
		t.Fatalf("no line ends in %q", old)
	}
	return strings.Replace(sound, old+"\n", line+"\n", 1)
}

func mistakesOf(t *testing.T, text string) Mistakes {
	t.Helper()
	_, err := Parse([]byte(text), testEnv)
	var list Mistakes
	if err != nil && !errors.As(err, &list) {
		t.Fatalf("%T is not Mistakes: %v", err, err)
	}
	return list
}

func TestSound(t *testing.T) {
	if list := mistakesOf(t, sound); list != nil {
		t.Error(list)
	}
}

// TestMistakes is the table of the contract: each mistake with its path and line, and nothing else reported.
func TestMistakes(t *testing.T) {
	f := func(old, line, path string, at int, problem string) {
		t.Helper()
		list := mistakesOf(t, replaced(t, old, line))
		if len(list) != 1 || list[0].Path != path || list[0].Line != at || !strings.Contains(list[0].Problem, problem) {
			t.Errorf("%s:\ngot  %v\nwant %s (line %d): %s", line, list, path, at, problem)
		}
	}
	const primary = `origin: {primary: "https://old.example.com"}`
	ruleA, ruleB, two := "sites[0].rules[0]", "sites[0].rules[1]", "sites[1]"

	// Directory buckets and data_dir.
	f("{dir: /nowhere/one}", "{dir: /nowhere/data}", "sites[0].bucket.dir", 7, "is data_dir")
	f("{dir: /nowhere/one}", "{dir: /nowhere/x/../data/.}", "sites[0].bucket.dir", 7, "is data_dir")
	f("{dir: /nowhere/one}", "{dir: /nowhere/data/one}", "sites[0].bucket.dir", 7, "lies in data_dir")
	f("{dir: /nowhere/one}", "{dir: /nowhere}", "sites[0].bucket.dir", 7, "holds data_dir")

	// Redirects.
	f("  - id: a", "  - mode: redirect\n    redirect: {code: 200}\n    id: a", ruleA+".redirect.code", 10, "30")
	f("  - id: a\n    match: {prefix: a}\n    "+primary,
		"  - id: a\n    match: {prefix: a}\n    mode: redirect\n    origin: {primary: {s3: {endpoint: \"http://s3.example\", name: buck, region: r}}}",
		ruleA+".origin.primary", 12, "signed")
	f("  - id: a\n    match: {prefix: a}\n    "+primary,
		"  - id: a\n    match: {prefix: a}\n    mode: redirect\n    origin: {primary: {url: \"http://h.example\", connect_to: \"192.0.2.1:80\"}}",
		ruleA+".origin.primary.connect_to", 12, "redirect")
	f("  - id: a\n    match: {prefix: a}\n    "+primary,
		"  - id: a\n    match: {prefix: a}\n    mode: redirect\n    origin:\n      primary: HTTPS://One.Example.com.:8443/x",
		ruleA+".origin.primary", 13, "redirects to this site itself")
	f("  - id: a\n    match: {prefix: a}\n    "+primary,
		"  - id: a\n    match: {prefix: a}\n    mode: redirect\n    origin:\n      primary: x.one.example.com",
		ruleA+".origin.primary", 13, "redirects to this site itself")

	// The gateway as its own origin.
	f("match: {prefix: a}\n    "+primary, "match: {prefix: a}\n    origin: {primary: \"http://127.0.0.1:8080/x\"}",
		ruleA+".origin.primary", 11, "own address; give connect_to")
	f("match: {prefix: a}\n    "+primary, "match: {prefix: a}\n    origin: {primary: \"localhost:8080\"}",
		ruleA+".origin.primary", 11, "own address; give connect_to")
	f("match: {prefix: a}\n    "+primary, "match: {prefix: a}\n    origin: {primary: \"https://TWO.example.com.\"}",
		ruleA+".origin.primary", 11, "own address; give connect_to")
	f("match: {prefix: a}\n    "+primary, "match: {prefix: a}\n    origin: {primary: \"http://h\", backup: \"http://one.example.com\"}",
		ruleA+".origin.backup", 11, "own address; give connect_to")

	// Rules.
	f("  - id: b", "  - id: a", ruleB+".id", 12, "a")
	f("    match: {prefix: a}", "    rewrite: {crop: true, replace: x}\n    match: {prefix: a}", ruleA+".rewrite", 10, "")
	f("    match: {prefix: b/}", "    match: {prefix: aa}", ruleB+".match", 13, "no key can reach")
	f("- name: one", "- name: one\n  rule_order: exclusive", ruleB+".match.prefix", 14, `"/"`)
	f("  - id: a", "  - id: A", ruleA+".id", 9, "a-z")
	f("    match: {prefix: a}", "    mode: copy\n    match: {prefix: a}", ruleA+".mode", 10, "mirror, redirect, proxy")
	f("match: {prefix: a}\n    "+primary, "match: {prefix: a}", ruleA+".origin.primary", 9, "")
	f("match: {prefix: a}\n    "+primary, "match: {prefix: a}\n    origin:\n      primary: ftp://x", ruleA+".origin.primary", 12, "")

	// Hosts and names.
	f("  hosts: [two.example.com]", "  hosts: [x.example, ONE.example.com.:8080]", two+".hosts[1]", 16, "is also sites[0].hosts[0]")
	f("  hosts: [two.example.com]", "  hosts:\n  - x.example\n  - x.example:80", two+".hosts[1]", 18, "is also sites[1].hosts[0]")
	f("  hosts: [two.example.com]", "  hosts: [\"*.ONE.example.com\"]", two+".hosts[0]", 16, "is also sites[0].hosts[1]")
	f("  hosts: [two.example.com]", "  hosts: [\"http://two.example.com\"]", two+".hosts[0]", 16, "must be a host name")
	f("  hosts: [two.example.com]", "  hosts: [\"x.example:http\"]", two+".hosts[0]", 16, "must be a host name")
	f("  hosts: [two.example.com]", "  hosts: [a.*.example.com]", two+".hosts[0]", 16, "must be a host name")
	f("  hosts: [two.example.com]", "  hosts: [bücher.example]", two+".hosts[0]", 16, "xn--")
	f("  hosts: [two.example.com]", "  hosts: []", two+".hosts", 16, "at least one host")
	f("- name: two", "- name: one", two+".name", 15, "is also the name of sites[0]")
	f("- name: two", "- name: T_wo", two+".name", 15, "a-z")
	f("- name: two", "- name: "+strings.Repeat("a", 64), two+".name", 15, "63")

	// Buckets.
	f("    prefix: two/", "    dir: /nowhere/two", two+".bucket", 17, "dir")
	f("      name: media", "      name: media\n      lookup: dns", two+".bucket.s3.lookup", 22, "")
	f("      endpoint: http://127.0.0.1:9000", "      endpoint: gopher://x", two+".bucket.s3.endpoint", 20, "")

	// The rest of the gateway.
	f("  listen: 127.0.0.1:8080", "  listen: here", "server.listen", 2, "HOST:PORT")
	f("  listen: 127.0.0.1:8080", "  health_path: x", "server.health_path", 2, "must be a path")
	f("  listen: 127.0.0.1:8080", "  health_path: /.mirrorgate/pull", "server.health_path", 2, "where other gateways ask")
	f("data_dir: /nowhere/data", "data_dir: \"\"", "data_dir", 3, "must name a directory")
	f("data_dir: /nowhere/data", "log: {level: loud}", "log.level", 3, "debug")
	f("data_dir: /nowhere/data", "spool: {max_bytes: 0}", "spool.max_bytes", 3, "")
	f("data_dir: /nowhere/data", "writeback: {part_size: 1MiB}", "writeback.part_size", 3, "5MiB")
	f("data_dir: /nowhere/data", "limits: {max_inflight: 0}", "limits.max_inflight", 3, "at least 1")
	f("data_dir: /nowhere/data", "limits: {max_pulls: 0}", "limits.max_pulls", 3, "at least 1")
	f("- name: two", "- validators: mine\n  name: two", two+".validators", 15, "origin, bucket")
	f("- name: two", "- origin_failure_status: 500\n  name: two", two+".origin_failure_status", 15, "424")
	f("- name: two", "- etag_suffixes: [\"\"]\n  name: two", two+".etag_suffixes[0]", 15, "")
	f("    match: {prefix: a}", "    store: {storage_class: COLD}\n    match: {prefix: a}", ruleA+".store.storage_class", 10, "directory")
	f("- name: two", "- negative_ttl: 25h\n  name: two", two+".negative_ttl", 15, "24h")
	f("- name: two", "- key: {case: upper}\n  name: two", two+".key.case", 15, "")
	f("- name: two", "- shared: {}\n  name: two", two+".shared", 15, "unknown field")
	f("data_dir: /nowhere/data", "telemetri: {}", "telemetri", 3, "unknown field")
}

func TestSitesOnOneBucket(t *testing.T) {
	f := func(one, two, path, problem string) {
		t.Helper()
		text := strings.Replace(sound, "bucket: {dir: /nowhere/one}", "bucket: "+one, 1)
		text = text[:strings.Index(text, "  bucket:\n")] + "  bucket: " + two + "\n" + text[strings.LastIndex(text, "  rules:\n"):]
		list := mistakesOf(t, text)
		if problem == "" && list == nil {
			return
		}
		if len(list) != 1 || list[0].Path != path || list[0].Line != 17 || !strings.Contains(list[0].Problem, problem) || problem == "" {
			t.Errorf("%s and %s: got %v, want %s: %s", one, two, list, path, problem)
		}
	}
	f("{dir: /nowhere/b}", "{dir: /nowhere/b}", "sites[1].bucket", "prefixes overlap")
	f("{dir: /nowhere/b, prefix: x/}", "{dir: /nowhere/b, prefix: y/}", "", "")
	f("{dir: /nowhere/b, prefix: x/}", "{dir: /nowhere/b, prefix: x/y/}", "sites[1].bucket", "prefixes overlap")
	f("{dir: /nowhere/b, prefix: x}", "{dir: /nowhere/b, prefix: xy}", "sites[1].bucket", "prefixes overlap")
	f("{dir: /nowhere/b, prefix: x/}", "{dir: /nowhere/b}", "sites[1].bucket", "prefixes overlap")
	f("{dir: /nowhere/b}", "{dir: /nowhere/b/c}", "sites[1].bucket.dir", "lies in the bucket directory of sites[0]")
	f("{dir: /nowhere/b/c}", "{dir: /nowhere/b}", "sites[1].bucket.dir", "holds the bucket directory of sites[0]")
	f("{dir: /nowhere/b}", "{dir: /nowhere/bc}", "", "")

	s3 := func(endpoint, name, prefix string) string {
		return fmt.Sprintf("{prefix: %q, s3: {endpoint: %q, name: %s}}", prefix, endpoint, name)
	}
	f(s3("http://h.example", "abc", ""), s3("http://H.example.:80/", "abc", "x/"), "sites[1].bucket", "prefixes overlap")
	f(s3("http://h.example", "abc", "x/"), s3("http://h.example", "abc", "y/"), "", "")
	f(s3("http://h.example", "abc", ""), s3("http://h.example", "abd", ""), "", "")
	f(s3("http://h.example", "abc", ""), s3("https://h.example", "abc", ""), "", "")
	f(s3("http://h.example:443", "abc", ""), s3("https://h.example", "abc", ""), "sites[1].bucket", "prefixes overlap")
}

// What looks like a mistake and is none.
func TestFine(t *testing.T) {
	f := func(old, line string) {
		t.Helper()
		if list := mistakesOf(t, replaced(t, old, line)); list != nil {
			t.Errorf("%s: %v", line, list)
		}
	}
	const rule = "    match: {prefix: a}\n    origin: {primary: \"https://old.example.com\"}"
	f(rule, "    match: {prefix: a}\n    origin: {primary: {url: \"https://one.example.com\", connect_to: \"192.0.2.1:443\"}}")
	f(rule, "    match: {prefix: a}\n    origin: {primary: \"http://one.example.com:8081\"}")
	f(rule, "    match: {prefix: a}\n    origin: {primary: \"http://127.0.0.1:8081\"}")
	f(rule, "    match: {prefix: a}\n    origin: {primary: \"http://old.one.example.com\"}")
	f(rule, "    match: {prefix: a}\n    mode: redirect\n    origin: {primary: \"http://two.example.com\"}")
	f(rule, "    match: {prefix: a}\n    mode: deny")
	f("  hosts: [two.example.com]", "  hosts: [\"*\", \"[::1]:8080\", 192.0.2.1, xn--bcher-kva.example, under_score.example]")
	f("  hosts: [two.example.com]", "  hosts: [\"*.example.com\"]")
	f("      name: media", "      name: media\n      access_key: AK\n      secret_key: ${SECRET}")
	f("data_dir: /nowhere/data", "data_dir: /nowhere/dat")
	f("data_dir: /nowhere/data", "log:\nspool:\nlimits:")
}

func TestDirectoriesBehindLinks(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"data/deep", "other"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"link": "data", "other/up": "../data/deep", "dangling": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	f := func(dir, want string) {
		t.Helper()
		if got := newPlace(root + "/" + dir).relation(newPlace(root + "/data")); got != want {
			t.Errorf("%s: got %q, want %q", dir, got, want)
		}
	}
	f("data", "is")
	f("link", "is")
	f("link/new/bucket", "lies in")
	f("other/up", "lies in")
	f("other/up/..", "is") // not root/other: the link is followed first
	f(".", "holds")
	f("other", "")
	f("database", "")
	f("dangling", "")
	t.Chdir(root)
	if got := newPlace("./data").relation(newPlace("link")); got != "is" {
		t.Errorf("relative: got %q", got)
	}
}

func TestOwnAddress(t *testing.T) {
	f := func(listen, target string, want bool) {
		t.Helper()
		text := strings.Replace(sound, "listen: 127.0.0.1:8080", fmt.Sprintf("listen: %q", listen), 1)
		text = strings.Replace(text, `"https://old.example.com"`, fmt.Sprintf("%q", target), 1)
		if got := len(mistakesOf(t, text)) == 1; got != want {
			t.Errorf("listen %s, origin %s: got %v, want %v", listen, target, mistakesOf(t, text), want)
		}
	}
	f("127.0.0.1:8080", "http://127.0.0.1:8080", true)
	f("127.0.0.1:8080", "http://127.0.0.2:8080", false)
	f("127.0.0.1:80", "127.0.0.1", true)
	f("127.0.0.1:443", "https://127.0.0.1", true)
	f("localhost:8080", "http://127.0.0.1:8080", true)
	f("localhost:8080", "http://localhost:8080", true)
	f("[::1]:8080", "http://[::1]:8080", true)
	f(":8080", "http://127.0.0.9:8080", true)
	f("0.0.0.0:8080", "http://localhost:8080", true)
	f("[::]:8080", "http://[::1]:8080", true)
	f(":8080", "http://192.0.2.1:8080", false)
	f("192.0.2.1:8080", "http://192.0.2.1:8080", true)
	f("gw.example:8080", "http://GW.example:8080", true)
	f("gw.example:8080", "http://gw.example:8081", false)
}

func TestValuesArrive(t *testing.T) {
	c, err := Parse([]byte(`
server: {listen: ":9", health_path: /up, idle_timeout: 1m, grace: 5s}
log: {level: debug, format: json}
data_dir: /nowhere/data
spool: {max_bytes: 1GiB, max_entries: 7, fsync: true}
writeback: {uploads: 3, inflight_bytes: 6GB, part_size: 5GB, max_bandwidth: 1MB}
limits: {max_inflight: 1, max_pulls: 2, max_waiting: 3, max_negative: 4}
sites:
- name: s
  hosts: [s.example]
  bucket: {dir: /nowhere/b, prefix: p/}
  save: false
  serve: origin
  index: index.html
  key: {case: lower, merge_slashes: true, bad_utf8: escape}
  validators: bucket
  etag_suffixes: []
  negative_ttl: 0s
  origin_failure_status: 424
  rule_order: exclusive
  rules:
  - id: r
    match: {prefix: "${PREFIX}"}
    origin: {primary: "${ORIGIN}", backup: {s3: {endpoint: "http://s3.example", name: bucketb, prefix: q/}}, failover_on: [404, 5xx]}
    forward: {headers: {pass: all, set: {X-Key: "${SECRET}"}}}
    store: {max_object: 10MB, metadata: {colour: red}}
`), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	s := c.Sites[0]
	r := s.Rules[0]
	got := []any{c.Server.Grace, c.Spool.MaxBytes, c.Writeback.PartSize, c.Writeback.InflightBytes, c.Writeback.MaxBandwidth, c.Limits.MaxNegative, s.Save, s.Index, s.Key.BadUTF8,
		len(s.ETagSuffixes), s.NegativeTTL, s.OriginFailureStatus, string(s.Order), r.Match.Prefix, r.Forward.Headers.Pass.All(),
		r.Forward.Headers.Set["X-Key"], r.Store.MaxObject, r.Store.Metadata["colour"], r.Enabled, r.Origin.MaxConcurrent, strings.Join(r.Origin.FailoverOn, " "),
		len(r.Targets), r.Targets[0].Base, r.Targets[1].Signed, r.Targets[1].KeyPrefix}
	want := []any{5 * time.Second, int64(1 << 30), int64(5e9), int64(6e9), int64(1e6), 4, false, "index.html", "escape",
		0, time.Duration(0), 424, "exclusive", "img", true,
		"s3cr3t-Passw0rd", int64(10e6), "red", true, 256, "404 5xx",
		2, "https://old.example.com", true, "q/"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestEverythingAtOnce compares all that is said of a file full of mistakes with what was said before.
func TestEverythingAtOnce(t *testing.T) {
	data, err := os.ReadFile("testdata/mistakes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse(data, testEnv)
	if err == nil {
		t.Fatal("no mistake found")
	}
	got := err.Error() + "\n"
	if *update {
		if err := os.WriteFile("testdata/mistakes.golden", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/mistakes.golden")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	checkEveryMark(t, string(data), got)
}

// checkEveryMark: each line of the file that says "# wrong" is spoken of, and no other.
func checkEveryMark(t *testing.T, file, got string) {
	t.Helper()
	for i, line := range strings.Split(file, "\n") {
		if wrong, told := strings.Contains(line, "# wrong"), strings.Contains(got, fmt.Sprintf("(line %d)", i+1)); wrong != told {
			t.Errorf("line %d: %q: reported: %v", i+1, line, told)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	const secret = "s3cr3t-Passw0rd"
	for _, value := range []string{"${SECRET}", secret, "[" + secret + "]", "{a: " + secret + "}", "\"" + secret + "\\r\\n\"", "${BAD}", "${SECRET}${NOPE}"} {
		for _, line := range strings.Split(strings.TrimSpace(sound), "\n") {
			key, _, ok := strings.Cut(line, ":")
			if !ok || strings.HasSuffix(value, "]") && strings.Contains(line, "hosts") {
				continue
			}
			literal := strings.Contains(value, secret) // of a plain field: shown, and rightly so
			for _, m := range mistakesOf(t, strings.Replace(sound, line+"\n", key+": "+value+"\n", 1)) {
				if strings.Contains(m.Problem, secret) && !literal {
					t.Errorf("%s: %s shows it: %v", key, value, m)
				}
			}
		}
		for _, field := range []string{"access_key", "secret_key", "session_token"} {
			text := replaced(t, "      name: media", "      name: media\n      "+field+": "+value)
			if list := mistakesOf(t, text); strings.Contains(list.Error(), secret) {
				t.Errorf("%s: %v", field, list)
			}
		}
		text := replaced(t, "    match: {prefix: a}", "    match: {prefix: a}\n    forward:\n      headers:\n        set:\n          Range: "+value)
		if list := mistakesOf(t, text); strings.Contains(list.Error(), secret) {
			t.Errorf("set: %v", list)
		}
	}
}

func TestUserinfoIsNotShown(t *testing.T) {
	for _, target := range []string{"http://user:s3cr3t@h ost/", "ftp://user:s3cr3t@h", "http://user:s3cr3t@h:port", "user:s3cr3t@h"} {
		text := replaced(t, "    match: {prefix: a}\n    origin: {primary: \"https://old.example.com\"}",
			"    match: {prefix: a}\n    origin: {primary: \""+target+"\"}")
		if list := mistakesOf(t, text); strings.Contains(list.Error(), "s3cr3t") {
			t.Errorf("%s: %v", target, list)
		}
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mirrorgate.yaml")
	if _, err := Load(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: got %v", err)
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a directory was loaded")
	}
	if err := os.WriteFile(path, []byte(sound), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(path); err != nil || len(c.Sites) != 2 {
		t.Errorf("got %+v, %v", c, err)
	}
	if err := os.Truncate(path, maxFile+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("too large: got %v", err)
	}
}

func TestEmptyFile(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "sites: []", "sites:"} {
		list := mistakesOf(t, text)
		if len(list) != 1 || list[0].Path != "sites" {
			t.Errorf("%q: got %v", text, list)
		}
	}
}

// A Config made in code gets the same checks, without lines.
func TestValidate(t *testing.T) {
	c := DefaultConfig()
	var s Site
	s.SetDefaults()
	s.Name, s.Hosts, s.Bucket.Dir = "default", []string{"*"}, "/nowhere/b"
	var r Rule
	r.SetDefaults()
	r.ID, r.Origin.Primary.URL = "origin", "https://old.example.com"
	s.Rules = []Rule{r}
	c.Sites = []Site{s}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if targets := c.Sites[0].Rules[0].Targets; len(targets) != 1 || targets[0].Base != "https://old.example.com" {
		t.Errorf("targets: %+v", targets)
	}
	c.Sites[0].Name = ""
	if err := c.Validate(); err == nil || err.Error() != "sites[0].name: must be 1 to 63 of a-z, 0-9 and -" {
		t.Errorf("got %v", err)
	}
}
