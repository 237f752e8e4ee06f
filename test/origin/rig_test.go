package origin_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mirrorgate/test/origin"
)

// patience is how long anything may take.
const patience = 20 * time.Second

// silence is how long nothing comes when nothing should.
const silence = 80 * time.Millisecond

// client is a raw connection to an origin.
type client struct {
	t testing.TB
	net.Conn
}

func dial(t testing.TB, s *origin.Server) client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", s.Addr(), patience)
	if err != nil {
		t.Fatal(err)
	}
	if s.Certificate() != nil {
		roots := x509.NewCertPool()
		roots.AddCert(s.Certificate())
		conn = tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: "localhost"})
	}
	t.Cleanup(func() { conn.Close() })
	c := client{t, conn}
	c.deadline(patience)
	return c
}

func (c client) deadline(in time.Duration) {
	c.t.Helper()
	if err := c.SetDeadline(time.Now().Add(in)); err != nil {
		c.t.Fatal(err)
	}
}

// send sends a request: method, path and header lines.
func (c client) send(method, path string, header ...string) {
	c.t.Helper()
	lines := append([]string{method + " " + path + " HTTP/1.1", "Host: origin.test"}, header...)
	if _, err := io.WriteString(c, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		c.t.Fatal(err)
	}
}

// reply is what came until the end of the connection.
type reply struct {
	raw   []byte
	reset bool
	head  string // up to the first empty line, without it
	body  []byte // what comes after it
}

// rest reads to the end.
func (c client) rest() reply {
	c.t.Helper()
	raw, err := io.ReadAll(c)
	r := reply{raw: raw, reset: errors.Is(err, syscall.ECONNRESET)}
	if err != nil && !r.reset && !errors.Is(err, io.ErrUnexpectedEOF) {
		c.t.Fatalf("after %d bytes: %v", len(raw), err)
	}
	head, body, found := bytes.Cut(raw, []byte("\r\n\r\n"))
	r.head = string(head)
	if found {
		r.body = body
	}
	return r
}

// until reads until there is enough.
func (c client) until(enough func(got []byte) bool) []byte {
	c.t.Helper()
	var all []byte
	buffer := make([]byte, 64<<10)
	for !enough(all) {
		n, err := c.Read(buffer)
		all = append(all, buffer[:n]...)
		if err != nil {
			c.t.Fatalf("after %d bytes: %v", len(all), err)
		}
	}
	return all
}

func isTimeout(err error) bool {
	var failed net.Error
	return errors.As(err, &failed) && failed.Timeout()
}

// quiet fails the test if something comes.
func (c client) quiet() {
	c.t.Helper()
	c.deadline(silence)
	if n, err := c.Read(make([]byte, 1)); n > 0 || !isTimeout(err) {
		c.t.Errorf("%d bytes and %v where nothing should come", n, err)
	}
	c.deadline(patience)
}

// get sends one request on a connection of its own and reads to its end.
func get(t testing.TB, s *origin.Server, method, path string, header ...string) reply {
	t.Helper()
	c := dial(t, s)
	c.send(method, path, append([]string{"Connection: close"}, header...)...)
	return c.rest()
}

// line is the status line.
func (r reply) line() string {
	first, _, _ := strings.Cut(r.head, "\r\n")
	return first
}

// has tells whether the header has this line.
func (r reply) has(line string) bool { return slices.Contains(strings.Split(r.head, "\r\n")[1:], line) }

// names are the names of the header lines.
func (r reply) names() []string {
	var names []string
	for _, line := range strings.Split(r.head, "\r\n")[1:] {
		name, _, _ := strings.Cut(line, ":")
		names = append(names, name)
	}
	return names
}

// sameBytes says where two bodies differ.
func sameBytes(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	t.Errorf("%s: %d bytes, not %d; they differ at %d: %s, not %s", what, len(got), len(want), at, part(got, at), part(want, at))
}

func part(b []byte, at int) string {
	return fmt.Sprintf("%q", b[min(at, len(b)):min(at+30, len(b))])
}

func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, not %v", what, got, want)
	}
}

// soon is a context with the patience of the tests.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// wait fails the test unless n requests for the path arrive.
func wait(t testing.TB, s *origin.Server, path string, n int) {
	t.Helper()
	if err := s.Wait(soon(t), path, n); err != nil {
		t.Fatalf("%d requests for %q, not %d: %v", s.Requests(path), path, n, err)
	}
}

// waitFor fails the test unless the counts come to what ok says.
func waitFor(t testing.TB, s *origin.Server, path string, ok func(origin.Count) bool) {
	t.Helper()
	if err := s.WaitFor(soon(t), path, ok); err != nil {
		t.Fatalf("%+v: %v", s.Count(path), err)
	}
}
