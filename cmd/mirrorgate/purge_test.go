package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// A purge at one gateway of a fleet holds at the other, too: what is under the prefix is asked for again at both, and the
// rest is answered from memory.
func TestPurgeInFleet(t *testing.T) {
	redis := harness.StartRedis(t)
	var two []*reloads
	for range 2 {
		r := newReloads(t, "sites: [{name: site, hosts: [\"*\"], bucket: {dir: BUCKET}}]", fmt.Sprintf("shared: {redis: %q}", redis.URL))
		two = append(two, r)
	}
	harness.Eventually(t, 20*time.Second, func() error { return subscribers(redis.Addr, 2) })
	put := func(data string) {
		for _, r := range two {
			for _, key := range []string{"a/1", "a/2", "b"} {
				path := filepath.Join(r.path("bucket"), key)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	is := func(r *reloads, key, want string) error {
		resp, err := http.Get("http://" + r.addr + "/" + key)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if got, err := io.ReadAll(resp.Body); err != nil || string(got) != want {
			return fmt.Errorf("%s is %q, %v, want %q", key, got, err, want)
		}
		return nil
	}
	f := func(a1, a2, b string) {
		t.Helper()
		for _, r := range two {
			for key, want := range map[string]string{"a/1": a1, "a/2": a2, "b": b} {
				harness.Eventually(t, 20*time.Second, func() error { return is(r, key, want) })
			}
		}
	}
	put("old")
	f("old", "old", "old")
	put("new")
	purge := func(at *reloads, keys []string, prefix *string, want int) {
		t.Helper()
		if n, err := (control{at.process}).Purge(t.Context(), "site", keys, prefix); n != want || err != nil {
			t.Errorf("%d entries were dropped, %v, want %d", n, err, want)
		}
	}
	prefix := "a/"
	purge(two[0], nil, &prefix, 2)
	f("new", "new", "old")
	purge(two[1], []string{"b"}, nil, 1)
	f("new", "new", "new")
}

// subscribers is nil once so many clients of a Redis listen: what is said before that is not heard.
func subscribers(addr string, want int) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "CLIENT LIST\r\nQUIT\r\n"); err != nil {
		return err
	}
	list, err := io.ReadAll(conn)
	if got := strings.Count(string(list), " sub=1 "); err != nil || got != want {
		return fmt.Errorf("%d clients listen, %v", got, err)
	}
	return nil
}
