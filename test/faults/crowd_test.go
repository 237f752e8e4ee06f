package faults_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

const (
	// tasteSize is how many bytes those read who then stop or leave.
	tasteSize = 256 << 10

	// slowTakes is how long a slow reader takes for the object.
	slowTakes = 3 * time.Second
)

// pace is how a reader reads.
type pace int

const (
	fast  pace = iota
	slow       // all the time, at a rate
	stops      // reads a little, and the rest when all others are done
	goes       // reads a little and leaves
)

// paces are so many of each.
func paces(of map[pace]int) []pace {
	var all []pace
	for p, n := range of {
		for range n {
			all = append(all, p)
		}
	}
	return all
}

// crowd are readers of one object at one time. Who is answered with it takes the next pace.
type crowd struct {
	url     string
	body    []byte
	ctx     context.Context
	client  *http.Client
	paces   chan pace
	refused chan struct{} // one for each who is told to come again

	running sync.WaitGroup // all readers
	moving  sync.WaitGroup // all but those who have stopped
	resume  chan struct{}  // closed when moving is done

	mu    sync.Mutex
	ended []reading
}

// reading is what became of a reader.
type reading struct {
	pace pace
	got  int   // bytes of the body, all of them right
	end  error // io.EOF: its clean end
	bad  error // what nobody may be given
}

// gather lets so many readers ask.
func gather(t *testing.T, g *rig, o *origin.Server, key string, readers int, as []pace) *crowd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), crowdPatience)
	t.Cleanup(cancel)
	c := &crowd{
		url: g.URL + "/" + key, body: o.Truth("/" + key).Bytes(), ctx: ctx, paces: make(chan pace, len(as)),
		client:  &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}},
		refused: make(chan struct{}, readers), resume: make(chan struct{}),
	}
	for _, p := range as {
		c.paces <- p
	}
	c.moving.Add(readers)
	for range readers {
		c.running.Go(c.read)
	}
	go func() {
		c.moving.Wait()
		close(c.resume)
	}()
	return c
}

// wait returns what became of the readers, but for those that were refused.
func (c *crowd) wait() []reading {
	c.running.Wait()
	return c.ended
}

// answered waits until so many have been answered with the object.
func (c *crowd) answered(t *testing.T, n int) {
	t.Helper()
	left := cap(c.paces) - n
	harness.Eventually(t, patience, func() error {
		if len(c.paces) > left {
			return fmt.Errorf("%d have been answered, %d are due", cap(c.paces)-len(c.paces), n)
		}
		return nil
	})
}

// told waits until so many have been refused.
func (c *crowd) told(t *testing.T, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	for i := range n {
		select {
		case <-c.refused:
		case <-ctx.Done():
			t.Fatalf("%d have been refused, %d are due", i, n)
		}
	}
}

// read is one reader.
func (c *crowd) read() {
	done := sync.OnceFunc(c.moving.Done)
	defer done()
	response, err := c.ask()
	if err != nil {
		c.end(reading{bad: err})
		return
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		if err := slowDown(response); err != nil {
			c.end(reading{bad: err})
			return
		}
		c.refused <- struct{}{}
		return
	}
	select {
	case p := <-c.paces:
		c.end(c.follow(p, response.Body, done))
	default:
		c.end(reading{bad: errors.New("one more than may be was answered")})
	}
}

func (c *crowd) ask() (*http.Response, error) {
	request, err := http.NewRequestWithContext(c.ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return nil, err
	}
	request.Host = siteHost
	return c.client.Do(request)
}

// follow reads the body at a pace. stopped tells the others that this reader has stopped.
func (c *crowd) follow(p pace, body io.Reader, stopped func()) reading {
	r := reading{pace: p}
	var limit *rate.Limiter
	switch p {
	case slow:
		limit = rate.NewLimiter(rate.Limit(float64(len(c.body))/slowTakes.Seconds()), 1<<20)
	case stops, goes:
		r.compare(c, io.LimitReader(body, tasteSize), nil)
		if p == goes || r.bad != nil || r.end != io.EOF || r.got < tasteSize {
			return r
		}
		stopped()
		<-c.resume
	}
	r.compare(c, body, limit)
	return r
}

// compare reads on until the body ends in some way.
func (r *reading) compare(c *crowd, body io.Reader, limit *rate.Limiter) {
	got := make([]byte, 256<<10)
	for r.end = nil; r.end == nil && r.bad == nil; {
		n, err := body.Read(got)
		if want := c.body[r.got:]; n > len(want) || !bytes.Equal(got[:n], want[:n]) {
			r.bad = fmt.Errorf("wrong bytes within %d of byte %d", n, r.got)
			return
		}
		r.end = err
		r.got += n
		if limit != nil {
			r.bad = limit.WaitN(c.ctx, n)
		}
	}
}

func (c *crowd) end(r reading) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = append(c.ended, r)
}

// slowDown says what is wrong with an answer that is to say: come again later.
func slowDown(response *http.Response) error {
	text, err := io.ReadAll(response.Body)
	retry := response.Header.Get("Retry-After")
	if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "<Code>SlowDown</Code>") ||
		strings.Trim(retry, "0123456789") != "" || retry == "" {
		return fmt.Errorf("status %d, Retry-After %q, %.200q, %w", response.StatusCode, retry, text, err)
	}
	return nil
}
