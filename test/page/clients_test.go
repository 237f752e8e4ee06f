package page_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// clients ask for what is there and for what is not, and count how they are answered.
type clients struct {
	base string
	http http.Client
	done chan struct{}
	stop func() // ends them, and waits until all that was asked is answered

	mu       sync.Mutex
	answered map[string]int64 // by outcome; nobody else looks before stop has returned
}

// load runs some of them until stop.
func load(t *testing.T, base string) *clients {
	t.Helper()
	c := &clients{base: base, done: make(chan struct{}), answered: make(map[string]int64)}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http.Transport = &http.Transport{MaxIdleConnsPerHost: 4}
	var running sync.WaitGroup
	for client := range 4 {
		running.Go(func() {
			if err := c.run(client); err != nil {
				t.Error(err)
			}
		})
	}
	c.stop = sync.OnceFunc(func() {
		close(c.done)
		running.Wait()
		c.http.CloseIdleConnections()
	})
	t.Cleanup(c.stop)
	return c
}

// A wish is a request and what has to come of it. An outcome that is empty is told by the answer itself.
type wish struct {
	method, path string
	class        int // of the status: 2 for 2xx
	outcome      string
}

// run is one client: it asks for what all ask for, for something new, and for one of the rest.
func (c *clients) run(client int) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-c.done:
			return nil
		case <-tick.C:
		}
		name := fmt.Sprintf("%d-%d.txt", client, i)
		rest := []wish{
			{http.MethodGet, "/docs/absent-" + name, 4, "negative"},
			{http.MethodGet, "/elsewhere/" + name, 3, "redirected"},
			{http.MethodGet, "/private/" + name, 4, "denied"},
			{http.MethodGet, "/nowhere/" + name, 4, "missing"},
			{http.MethodDelete, "/docs/same.txt", 4, "refused"},
			{http.MethodGet, "/broken/" + name, 5, "error"},
		}
		old, fresh := wish{http.MethodGet, "/docs/same.txt", 2, ""}, wish{http.MethodGet, "/docs/" + name, 2, ""}
		if err := errors.Join(c.ask(old), c.ask(fresh), c.ask(rest[i%len(rest)])); err != nil {
			return err
		}
	}
}

// ask sends a request, and counts its answer.
func (c *clients) ask(w wish) error {
	request, err := http.NewRequest(w.method, c.base+w.path, nil)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	says := response.Header.Get("Cache-Status")
	if w.outcome == "" {
		w.outcome = outcomeOf(says)
	}
	c.mu.Lock()
	c.answered[w.outcome]++
	c.mu.Unlock()
	if err != nil || response.StatusCode/100 != w.class || w.class == 2 && string(body) != "the body of "+w.path {
		return fmt.Errorf("%s %s: %s, %q, Cache-Status %s, %v", w.method, w.path, response.Status, body, says, err)
	}
	return nil
}

// outcomeOf is where an object came from, as its Cache-Status tells (RFC 9211).
func outcomeOf(says string) string {
	for _, known := range []struct{ text, outcome string }{
		{"hit; detail=memory", "memory"}, {"hit; detail=bucket", "bucket"}, {"hit; detail=spool", "spool"},
		{"collapsed", "joined"}, {"fwd-status=200", "mirrored"},
	} {
		if strings.Contains(says, known.text) {
			return known.outcome
		}
	}
	return "?"
}
