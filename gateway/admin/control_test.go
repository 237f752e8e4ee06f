package admin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/gateway/admin"
	"mirrorgate/test/harness"
)

// control notes what it is asked for.
type control struct {
	mu      sync.Mutex
	asked   []string
	pulling atomic.Int32
	most    atomic.Int32
	hold    chan struct{} // pulls wait for it; nil: they do not
	err     error         // what all but pulls give
}

var _ admin.Control = (*control)(nil)

func (c *control) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, fmt.Sprintf(format, args...))
}

func (c *control) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.asked = nil }()
	return strings.Join(c.asked, "; ")
}

func (c *control) Config(context.Context) (admin.ConfigView, error) {
	return admin.ConfigView{File: "m.yaml", Config: []byte(`{"a": 1}`)}, c.err
}

func (c *control) Reload(context.Context) (admin.ReloadState, error) {
	c.note("reload")
	return admin.ReloadState{}, c.err
}

func (c *control) LogLevel() string { return "info" }

func (c *control) SetLogLevel(level string) error {
	c.note("level %s", level)
	return c.err
}

func (c *control) Purge(_ context.Context, site string, keys []string, prefix *string) (int, error) {
	if prefix != nil {
		keys = []string{"prefix " + *prefix}
	}
	c.note("purge %s %q", site, keys)
	return 3, c.err
}

func (c *control) Pull(ctx context.Context, site, key string) (string, error) {
	n := c.pulling.Add(1)
	defer c.pulling.Add(-1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	c.note("pull %s %s", site, key)
	if c.hold != nil {
		select {
		case <-c.hold:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	if strings.HasPrefix(key, "bad") {
		return "", errors.New("cannot be had")
	}
	return "pulled", nil
}

func TestControl(t *testing.T) {
	c := &control{}
	base := serveWith(t, admin.Options{Config: admin.Config{Listen: "127.0.0.1:1", Token: token}, Control: c})
	f := func(what, body string, status int, want, asked string) {
		t.Helper()
		method, path, _ := strings.Cut(what, " ")
		got, text := send(t, method, base+"/api/v1/"+path, body)
		if said := c.take(); got != status || !strings.Contains(text, want) || said != asked {
			t.Errorf("%s %.60s: %d, %s, asked %q, want %d, %s, %q", what, body, got, text, said, status, want, asked)
		}
	}
	many := `"k"` + strings.Repeat(`,"k"`, 1000)
	f("GET config", "", 200, `"config":{"a":1}`, "")
	f("POST reload", "", 200, `"loaded"`, "reload")
	f("POST reload", "{}", 200, `"loaded"`, "reload")
	f("POST reload", `{"file": "/etc/passwd"}`, 400, "file", "")
	f("GET log", "", 200, `{"level":"info"}`, "")
	f("PUT log", `{"level": "debug"}`, 200, `{"level":"info"}`, "level debug")
	f("PUT log", `{"level": 1}`, 400, "level", "")
	f("POST purge", `{"site": "s", "keys": ["a", "b"]}`, 200, `{"dropped":3}`, `purge s ["a" "b"]`)
	f("POST purge", `{"site": "s", "prefix": ""}`, 200, `{"dropped":3}`, `purge s ["prefix "]`)
	f("POST purge", `{"site": "s"}`, 422, "1 to 1000", "")
	f("POST purge", `{"site": "s", "keys": [`+many+`]}`, 422, "1 to 1000", "")
	f("POST purge", `{"site": "s", "keys": ["a"], "prefix": "b"}`, 422, "exclude each other", "")
	f("POST pull", `{"site": "s", "keys": ["bad"]}`, 200, `{"results":[{"key":"bad","error":"cannot be had"}]}`, "pull s bad")
	f("POST pull", `{"site": "s", "keys": []}`, 422, "1 to 1000", "")
	f("POST pull", `{"site": "none", "keys": ["k"]}`, 404, `site \"none\": there is no such thing`, "")
	f("POST refresh", `{"site": "none", "keys": ["k"]}`, 404, `site \"none\": there is no such thing`, "")
	f("POST pull", `{"site": "s", "keys": [`+many+`]}`, 422, "1 to 1000", "")
	c.err = &admin.InvalidError{Mistakes: []admin.Mistake{{Path: "a.b", Line: 3, Problem: "is wrong"}, {Path: "c", Problem: "too"}}}
	f("POST reload", "", 422, `{"error":"a.b: is wrong","mistakes":[{"path":"a.b","line":3,"problem":"is wrong"},{"path":"c","problem":"too"}]}`, "reload")
	c.err = fmt.Errorf("%w: site \"x\"", admin.ErrNoSuch)
	f("POST purge", `{"site": "x", "prefix": ""}`, 404, "there is no such thing", `purge x ["prefix "]`)
	c.err = errors.New("the disk is gone")
	f("GET config", "", 500, "the disk is gone", "")
}

// Many keys are pulled some at a time, and no more once the client has left.
func TestPulls(t *testing.T) {
	c := &control{hold: make(chan struct{})}
	base := serveWith(t, admin.Options{Config: admin.Config{Listen: "127.0.0.1:1", Token: token}, Control: c})
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		defer close(left)
		_, _, _ = sendOf(ctx, "POST", base+"/api/v1/pull", `{"site": "s", "keys": ["`+strings.Repeat(`k","`, 999)+`k"]}`)
	}()
	pulling := func(n int32) {
		t.Helper()
		harness.Eventually(t, 20*time.Second, func() error {
			if got := c.pulling.Load(); got != n {
				return fmt.Errorf("%d keys are being pulled, want %d", got, n)
			}
			return nil
		})
	}
	pulling(8)
	leave()
	<-left
	pulling(0)
	if asked := strings.Count(c.take(), "pull"); asked != 8 || c.most.Load() != 8 {
		t.Errorf("%d keys were pulled, %d at a time", asked, c.most.Load())
	}
	close(c.hold)
	var keys []string
	for i := range 100 {
		keys = append(keys, fmt.Sprintf("%q", []string{"good", "bad"}[i%2]+fmt.Sprint(i)))
	}
	_, text := send(t, "POST", base+"/api/v1/pull", `{"site": "s", "keys": [`+strings.Join(keys, ",")+`]}`)
	for i := range 100 {
		want := []string{fmt.Sprintf(`{"key":"good%d","outcome":"pulled"}`, i), fmt.Sprintf(`{"key":"bad%d","error":"cannot be had"}`, i)}[i%2]
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in the answer", want)
		}
	}
}
