package faults_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

const (
	// limits are short, so that what only they end ends soon. No fault is to change how the next request is taken.
	limits = `timeouts: {connect: 300ms, first_byte: 500ms, stall: 500ms, answer: 1s}, breaker: {failures: 0}`

	// longest is how long any answer may take: the budget up to the header, and a body that stalls after each resume.
	longest = 8 * time.Second

	// largest is the size in bytes of an object at most: faults of answers to ranges do not show in a plain GET at any
	// size, and a machine that is busy for a while must not look like an origin that stalls.
	largest = 1 << 20

	// together is how many faults are asked for at one time.
	together = 8
)

// row is what became of one fault.
type row struct {
	origin.Fault
	truth    harness.Truth
	primary  *origin.Server
	answer   harness.Answer
	path     string
	took     time.Duration
	seen     origin.Client // 0: nothing that an Outcome knows
	kept     string
	problems []string
}

func (r *row) key() string { return strings.TrimPrefix(r.path, "/") }

func (r *row) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// TestFaults: whatever an origin does, its client sees the object, a visible end before its end, or an honest error, in
// a bounded time; and the bucket gets the whole object or nothing.
func TestFaults(t *testing.T) {
	t.Run("alone", func(t *testing.T) { allFaults(t, false) })
	t.Run("with a backup", func(t *testing.T) { allFaults(t, true) })
}

func allFaults(t *testing.T, backup bool) {
	rows, rules := startFaults(t, backup)
	g := serve(t, rules...)
	askAll(t.Context(), g, rows)
	files := g.drain(t)
	for _, r := range rows {
		want := r.Get
		if backup {
			want = withBackup(want)
		}
		r.judge(want)
		r.judgeKept(want, files[r.key()])
		delete(files, r.key())
		for _, problem := range r.problems {
			t.Errorf("%s (%s): %s; the contract: %s", r.Name, r.Does, problem, want)
		}
	}
	for key := range files {
		t.Errorf("the bucket has %q, which nobody asked for", key)
	}
	t.Log(table(rows))
}

// startFaults gives each fault an origin and a rule of its own.
func startFaults(t *testing.T, backup bool) (rows []*row, rules []string) {
	t.Helper()
	second := ""
	sound := origin.Start(t, origin.Config{})
	sound.Set("", origin.Sound)
	if backup {
		second = fmt.Sprintf("backup: %q, failover_on: [connect, timeout, 4xx, 5xx], ", sound.URL())
	}
	for n, f := range origin.Faults() {
		r := &row{Fault: f, primary: origin.Start(t, origin.Config{})}
		object := r.primary.Object(f.Path("a"))
		r.path = f.Path("a")
		if object.Truth.Size > largest {
			r.path = f.Path("a", fmt.Sprintf("size=%d", largest))
			object = r.primary.Object(r.path)
		}
		r.truth = object.Truth
		sound.SetObject(r.path, object)
		rows = append(rows, r)
		rules = append(rules, fmt.Sprintf(`{id: r-%d, match: {prefix: "%s"}, origin: {primary: %q, %s%s}}`,
			n, r.key(), r.primary.URL(), second, limits))
	}
	return rows, rules
}

// withBackup is the contract if there is a sound second origin, which is asked after any failure: an answer of which
// nothing may be shown is not missed, and one that has begun may still break off.
func withBackup(o origin.Outcome) origin.Outcome {
	switch {
	case o.Client == origin.Refused:
		return origin.Outcome{Client: origin.Right, Keep: origin.KeepWhole}
	case o.Client != origin.Right:
		o.Client |= origin.Right
		o.Keep = origin.KeepAny
	}
	return o
}

func askAll(ctx context.Context, g *rig, rows []*row) {
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       patience,
	}
	places := make(chan struct{}, together)
	var asking sync.WaitGroup
	for _, r := range rows {
		places <- struct{}{}
		asking.Go(func() {
			defer func() { <-places }()
			began := time.Now()
			r.answer = get(ctx, client, g.URL+r.path)
			r.took = time.Since(began)
		})
	}
	asking.Wait()
}

func get(ctx context.Context, client *http.Client, url string) harness.Answer {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return harness.Answer{Err: err}
	}
	request.Host = siteHost
	response, err := client.Do(request)
	if err != nil {
		return harness.Answer{Err: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return harness.Answer{Status: response.StatusCode, Header: response.Header, Body: body, Err: err}
}

// judge compares what the client saw with what it may see.
func (r *row) judge(want origin.Outcome) {
	a := r.answer
	r.seen = r.see()
	switch {
	case r.seen == 0:
		r.problem("the client got %d, %d of %d bytes, %v", a.Status, len(a.Body), r.truth.Size, a.Err)
	case !want.Allows(r.seen):
		r.problem("the client got %s (%d)", r.seen, a.Status)
	case r.seen == origin.Refused && !slices.Contains(want.Status, a.Status):
		r.problem("the client got status %d", a.Status)
	}
	refusal := ""
	if r.seen == origin.Refused {
		refusal = string(a.Body)
	}
	if got := origin.Smuggled(a.Header, refusal); got != "" {
		r.problem("smuggled %.100q", got)
	}
	if r.took > longest {
		r.problem("took %v", r.took)
	}
}

// see is what the answer is; 0 is what no client may see, e.g. wrong bytes or a cut that does not show.
func (r *row) see() origin.Client {
	a := r.answer
	switch {
	case a.Status == http.StatusOK && a.Err == nil && r.whole(a.Body, a.Header.Get("Content-Encoding")) == nil:
		return origin.Right
	case a.Status == http.StatusOK && a.Err != nil && r.begins(a.Body):
		return origin.Cut
	case a.Status >= 400 && a.Err == nil:
		return origin.Refused
	case a.Status > 300 && a.Status < 400 && a.Err == nil && a.Header.Get("Location") != "":
		return origin.Passed
	}
	return 0
}

// whole says where the body is not the object.
func (r *row) whole(body []byte, coding string) error {
	if coding != "gzip" {
		return r.truth.Check(bytes.NewReader(body))
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return r.truth.Check(unpacked)
}

// begins tells whether the object begins with these bytes.
func (r *row) begins(body []byte) bool {
	length := int64(len(body))
	return length <= r.truth.Size && r.truth.CheckRange(bytes.NewReader(body), 0, length) == nil
}

// judgeKept compares the file in the bucket ("": there is none) with what may be kept.
func (r *row) judgeKept(want origin.Outcome, file string) {
	r.kept = "nothing"
	if file == "" {
		if want.Keep == origin.KeepWhole {
			r.problem("the bucket has nothing")
		}
		return
	}
	body, err := os.ReadFile(file)
	if err == nil {
		err = r.whole(body, r.answer.Header.Get("Content-Encoding"))
	}
	r.kept = "whole"
	if err != nil {
		r.kept = "wrong"
		r.problem("the bucket has something else: %v", err)
	}
	if want.Keep == origin.KeepNothing || r.seen != origin.Right {
		r.problem("the bucket has it")
	}
}

// table is what became of each fault.
func table(rows []*row) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nfault\tstatus\tanswer\tbytes\tbucket\tms\torigin requests")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%s\t%d\t%d\n", r.Name, r.answer.Status, r.seen, len(r.answer.Body), r.kept,
			r.took.Milliseconds(), r.primary.Requests(""))
	}
	_ = w.Flush() // a Builder takes all
	return b.String()
}
