package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// mostToCompare bounds the answers that wait for the old server's.
const mostToCompare = 1 << 10

// Why answers were not compared.
const (
	notAnswered  = "the target gave no answer"
	oldBusy      = "the old server is slower than this rate"
	oldFailed    = "the old server gave no answer"
	givenUpAfter = "given up after the interrupt"
)

// comparer asks the old server for what the gateway has answered, over a few connections, beside the measurement:
// who measures does not wait for it, and it is not asked faster than it answers.
type comparer struct {
	old     *client
	headers []string
	list    int // differences that are listed

	jobs    chan result
	workers sync.WaitGroup

	mu   sync.Mutex
	done comparison
}

// start begins comparing. After the context's end nothing more is asked.
func (c *comparer) start(ctx context.Context, connections int) {
	c.jobs = make(chan result, mostToCompare)
	c.done = comparison{Kinds: make(map[string]int64), Not: make(map[string]int64)}
	for range connections {
		c.workers.Go(func() {
			for r := range c.jobs {
				c.one(ctx, r)
			}
		})
	}
}

// offer takes an answer to compare. It does not wait.
func (c *comparer) offer(r result) {
	if r.failure != "" {
		c.not(notAnswered)
		return
	}
	select {
	case c.jobs <- r:
	default:
		c.not(oldBusy)
	}
}

// finish waits for what is under way.
func (c *comparer) finish() *comparison {
	close(c.jobs)
	c.workers.Wait()
	return &c.done
}

func (c *comparer) not(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done.Not[why]++
}

func (c *comparer) one(ctx context.Context, r result) {
	if ctx.Err() != nil {
		c.not(givenUpAfter)
		return
	}
	old := c.old.send(ctx, r.request)
	switch {
	case old.failure == interrupted:
		c.not(givenUpAfter)
	case old.failure != "":
		c.not(oldFailed)
		c.mu.Lock()
		c.done.OldFailure = shortened(old.err.Error())
		c.mu.Unlock()
	default:
		c.count(r, differences(old.answer, r.answer, c.headers))
	}
}

func (c *comparer) count(r result, all []difference) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(all) == 0 {
		c.done.Same++
		return
	}
	c.done.Different++
	for _, d := range all {
		c.done.Kinds[d.Kind]++
		if len(c.done.List) < c.list {
			d.Line, d.Method, d.Target, d.Host = r.request.Line, r.request.Method, shortened(r.request.Target), r.request.Host
			c.done.List = append(c.done.List, d)
		}
	}
}

// difference is one thing in which two answers differ.
type difference struct {
	Line   int    `json:"line"`
	Method string `json:"method"`
	Host   string `json:"host,omitempty"`
	Target string `json:"target"`
	Kind   string `json:"kind"` // status, length, bytes, or a header's name
	Old    string `json:"old"`
	New    string `json:"new"`
}

// differences compares two answers. The bodies of errors are each server's own; so are the headers of what is an
// error to one of them.
func differences(old, got answer, headers []string) []difference {
	if old.status != got.status {
		return []difference{{Kind: "status", Old: fmt.Sprint(old.status), New: fmt.Sprint(got.status)}}
	}
	if old.status >= http.StatusBadRequest {
		return nil
	}
	var all []difference
	switch {
	case old.status >= http.StatusMultipleChoices:
	case old.length != got.length:
		all = append(all, difference{Kind: "length", Old: fmt.Sprint(old.length), New: fmt.Sprint(got.length)})
	case old.sum != got.sum:
		all = append(all, difference{Kind: "bytes", Old: fmt.Sprintf("sha256 %x…", old.sum[:8]),
			New: fmt.Sprintf("sha256 %x…", got.sum[:8])})
	}
	for _, name := range headers {
		was, is := headerText(old.header, name), headerText(got.header, name)
		if was != is {
			all = append(all, difference{Kind: name, Old: was, New: is})
		}
	}
	return all
}

func headerText(h http.Header, name string) string {
	if values := h.Values(name); len(values) > 0 {
		return shortened(strings.Join(values, ", "))
	}
	return "(none)"
}

// comparison is what comparing gave.
type comparison struct {
	Same       int64            `json:"same"`
	Different  int64            `json:"different"` // requests
	Kinds      map[string]int64 `json:"kinds"`     // a request may be in several
	List       []difference     `json:"list"`      // the first ones
	Not        map[string]int64 `json:"not_compared"`
	OldFailure string           `json:"old_failure,omitempty"` // the last one
}

// exceeded says what is more than allowed: also that nothing was compared, though it was asked for.
func (c *comparison) exceeded(most limit) []string {
	if all := c.Same + c.Different; all == 0 {
		return []string{"nothing could be compared with the old server"}
	} else if most.exceeded(c.Different, all) {
		return []string{fmt.Sprintf("%d of %d answers differ from the old server's, and --max-differences is %s", c.Different,
			all, most.text)}
	}
	return nil
}

func (c *comparison) print(b *strings.Builder) {
	text := fmt.Sprintf("%d like the old server's, %d different", c.Same, c.Different)
	if len(c.Kinds) > 0 {
		text += " (" + countsText(c.Kinds) + ")"
	}
	line(b, "compared", text)
	line(b, "not compared", countsText(c.Not))
	line(b, "old server", c.OldFailure)
	for _, d := range c.List {
		line(b, "", fmt.Sprintf("line %d: %s %s%s: %s was %s, is %s", d.Line, d.Method, d.Host, d.Target, d.Kind, d.Old,
			d.New))
	}
}
