package origin_test

import (
	"regexp"
	"strings"
	"testing"

	"mirrorgate/test/origin"
)

func TestTheTableIsComplete(t *testing.T) {
	name, seen := regexp.MustCompile(`^[a-z0-9-]+$`), map[string]bool{}
	for _, f := range origin.Faults() {
		switch {
		case !name.MatchString(f.Name) || seen[f.Name]:
			t.Errorf("%q is no name, or there twice", f.Name)
		case f.Does == "" || f.Group == "" || f.Script() == nil:
			t.Errorf("%s: what it does is not said", f.Name)
		}
		seen[f.Name] = true
		for what, o := range map[string]origin.Outcome{"GET": f.Get, "HEAD": f.Head, "range": f.Range} {
			checkOutcome(t, f.Name+", "+what, o)
		}
		if f.Get.Client == 0 {
			t.Errorf("%s: what becomes of a GET is not said", f.Name)
		}
		if f.Head.Keep != origin.KeepNothing {
			t.Errorf("%s: nothing is ever kept of a HEAD", f.Name)
		}
	}
	if _, found := origin.Find("nothing-of-the-kind"); found {
		t.Error("found what is not there")
	}
}

// checkOutcome: what is said fits together.
func checkOutcome(t *testing.T, what string, o origin.Outcome) {
	t.Helper()
	if o.Allows(origin.Refused) != (len(o.Status) > 0) {
		t.Errorf("%s: a refusal and its statuses go together: %s", what, o)
	}
	if o.Keep == origin.KeepWhole && !o.Allows(origin.Right) {
		t.Errorf("%s: kept, but not shown: %s", what, o)
	}
}

func TestPathsAndLists(t *testing.T) {
	f, found := origin.Find("html")
	if !found {
		t.Fatal("no html")
	}
	same(t, "a path", f.Path("x", "at=5", "size=10"), "/~html,at=5,size=10/x.jpg")
	same(t, "an outcome", f.Get.String(), "right; kept: nothing")
	same(t, "nothing said", origin.Outcome{}.String(), "-")
	both := origin.Outcome{Client: origin.Cut | origin.Refused, Status: []int{502, 504}, Keep: origin.KeepAny}
	same(t, "an outcome", both.String(), "cut or refused 502 504; kept: either")
	same(t, "all", (origin.Right | origin.Cut | origin.Refused | origin.Passed).String(), "right or cut or refused or passed")
}

func TestParameters(t *testing.T) {
	t.Parallel()
	s := origin.Start(t, origin.Config{})
	f := func(path string, want string) {
		t.Helper()
		if r := get(t, s, "GET", path); !strings.Contains(string(r.raw), want) {
			t.Errorf("%s: no %q in %.300q", path, want, r.raw)
		}
	}
	f("/images/~sound,size=3KiB/deep/a", "Content-Length: 3072\r\n")
	f("/%7Esound%2Csize=3/a", "Content-Length: 3\r\n")
	f("/~chunked,chunk=1KiB/a", "\r\n\r\n400\r\n")
	f("/~unavailable,after=77/a", "503 Service Unavailable\r\n")
	f("/~unavailable,after=77/a", "Retry-After: 77\r\n")
	f("/~redirect,to=[::1]:80,status=308/a", "Location: http://[::1]:80/\r\n")
	f("/~redirect,status=307/a", "HTTP/1.1 307 Temporary Redirect\r\n")
	f("/a?fault=redirect&to=https://a.test/x", "Location: https://a.test/x\r\n")
	f("/~error-then-ok,times=2,status=500/a", "HTTP/1.1 500")
	f("/~error-then-ok,times=2,status=500/a", "HTTP/1.1 500")
	f("/~error-then-ok,times=2,status=500/a", "HTTP/1.1 200")
	f("/~header-large,header=5KiB/a", "X-Filler-4: ")
	f("/~stall-head,wait=1ms/a", "HTTP/1.1 200")
}
