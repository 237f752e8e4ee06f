package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// print writes the report for people.
func (r report) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "requests      %d due in %.1fs (%.1f/s): %d answered, %d failed; %s\n", r.Due, r.Seconds, r.rate(),
		r.Answered, r.failed(), size(r.Bytes))
	line(&b, "statuses", countsText(r.Statuses))
	r.printLogged(&b)
	fmt.Fprintf(&b, "%-13s %10s %10s %10s %10s %10s\n", "from due to", "p50", "p90", "p99", "p99.9", "max")
	printTimes(&b, "sent", r.Waited)
	printTimes(&b, "first byte", r.First)
	printTimes(&b, "last byte", r.Total)
	line(&b, "came from", countsText(r.Outcomes))
	b.WriteString(strings.TrimPrefix(r.failuresText("\nfailed        ")+"\n", "\n"))
	line(&b, "lines skipped", countsText(r.Skipped))
	if r.Compared != nil {
		r.Compared.print(&b)
	}
	for _, why := range r.Exceeded {
		line(&b, "EXCEEDED", why)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// failuresText has a line for each kind, which begins so.
func (r report) failuresText(begin string) string {
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(r.Failures)) {
		f := r.Failures[kind]
		fmt.Fprintf(&b, "%s%s: %d, the first: %s", begin, kind, f.Count, f.Example)
	}
	return b.String()
}

// line writes nothing of what is empty.
func line(b *strings.Builder, name, text string) {
	if text != "" {
		fmt.Fprintf(b, "%-13s %s\n", name, text)
	}
}

func (r report) printLogged(b *strings.Builder) {
	l := r.Logged
	if l.Alike+l.Whole+l.Different == 0 {
		return
	}
	text := fmt.Sprintf("%d have the log's status, %d another", l.Alike, l.Different)
	if l.Whole > 0 {
		text += fmt.Sprintf("; %d are 200 for a 304 or 206, whose conditions and ranges the log does not tell", l.Whole)
	}
	line(b, "log", text)
	for _, p := range l.Pairs {
		line(b, "", fmt.Sprintf("%d in the log, now %d: %d", p.Logged, p.Got, p.Count))
	}
}

func printTimes(b *strings.Builder, name string, q quantiles) {
	fmt.Fprintf(b, "  %-11s %10s %10s %10s %10s %10s\n", name, micros(q.P50), micros(q.P90), micros(q.P99),
		micros(q.P999), micros(q.Max))
}

func micros(us int64) string { return short(time.Duration(us) * time.Microsecond) }

// short rounds to what can be told apart.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}

// countsText lists counts, the largest first.
func countsText[K ~string, N int | int64](counts map[K]N) string {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b K) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var all []string
	for _, key := range keys {
		all = append(all, fmt.Sprintf("%s: %d", key, counts[key]))
	}
	return strings.Join(all, ", ")
}

func size(bytes int64) string {
	value, units := float64(bytes), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for value >= 1024 && len(units) > 1 {
		value, units = value/1024, units[1:]
	}
	return fmt.Sprintf("%.1f%s", value, units[0])
}

// mostText bounds what is shown of a target or an error.
const mostText = 300

func shortened(s string) string {
	if len(s) > mostText {
		s = s[:mostText] + "…"
	}
	return strings.ToValidUTF8(s, "?")
}

// show writes what is JSON or text.
func show(w io.Writer, asJSON bool, value interface{ print(io.Writer) error }) error {
	if !asJSON {
		return value.print(w)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}
