package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"mirrorgate/cache/writeback"
	"mirrorgate/gateway/admin"
)

type queueLsCmd struct {
	queueConfig
	Dead bool   `help:"Only the dead."`
	Site string `help:"Only this site's; it need not be in the configuration any more." placeholder:"NAME"`
	JSON bool   `help:"Print one JSON document: {\"summary\": {…}, \"items\": [{…}, …]}, in a fleet also \"lost\"."`
}

// pageOfLs is how many items are asked for at one time, of a queue that gives as many.
const pageOfLs = 10_000

// Run lists all pages. What is saved or arrives meanwhile may be listed or not; nothing is listed twice.
func (c *queueLsCmd) Run(s *streams) error {
	return c.with(s, false, func(q admin.Queue) error {
		out := bufio.NewWriter(s.stdout)
		var list listing = &table{w: out, now: time.Now()}
		if c.JSON {
			list = &document{w: out}
		}
		f := admin.QueueFilter{Site: c.Site, Dead: c.Dead, Limit: pageOfLs}
		page, err := q.List(s.ctx, f)
		if err != nil {
			return err
		}
		summary, lost, unknown := page.Summary, page.Lost, page.LostUnknown // of the beginning
		list.begin(summary)
		for {
			for _, item := range page.Items {
				list.item(item)
			}
			if f.After = page.Next; !page.More {
				break
			}
			if page, err = q.List(s.ctx, f); err != nil {
				_ = out.Flush() // what is known; the error follows
				return err
			}
		}
		list.lost(lost, unknown)
		list.end(summary)
		return out.Flush()
	})
}

// listing is a form in which items are printed. The writer keeps the first error.
type listing interface {
	begin(admin.QueueSummary)
	item(admin.QueueItem)
	lost(items []admin.LostItem, unknown string)
	end(admin.QueueSummary)
}

// document is the form for scripts.
type document struct {
	w     *bufio.Writer
	comma string
}

func (d *document) begin(s admin.QueueSummary) {
	_, _ = d.w.WriteString(`{"summary":`)
	d.value(s)
	_, _ = d.w.WriteString(`,"items":[`)
}

func (d *document) item(i admin.QueueItem) {
	_, _ = d.w.WriteString(d.comma + "\n")
	d.comma = ","
	d.value(i)
}

func (d *document) value(v any) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // texts, numbers and times always have a form
	_, _ = d.w.WriteString(strings.TrimSuffix(b.String(), "\n"))
}

func (d *document) lost(items []admin.LostItem, unknown string) {
	_, _ = d.w.WriteString("\n]")
	if len(items) > 0 {
		_, _ = d.w.WriteString(`,"lost":`)
		d.value(items)
	}
	if unknown != "" {
		_, _ = d.w.WriteString(`,"lost_unknown":`)
		d.value(unknown)
	}
}

func (d *document) end(admin.QueueSummary) { _, _ = d.w.WriteString("}\n") }

// table is the form for people.
type table struct {
	w      io.Writer
	now    time.Time
	titled bool
}

const (
	tableRow = "%-32s  %-9s  %9s  %6s  %8v  %-12s  %s\n"
	lostRow  = "%-38s  %-9s  %6s  %-12s  %s\n"
)

func (t *table) begin(admin.QueueSummary) {}

func (t *table) item(i admin.QueueItem) {
	if !t.titled {
		t.titled = true
		_, _ = fmt.Fprintf(t.w, tableRow, "ID", "STATE", "SIZE", "AGE", "ATTEMPTS", "SITE", "KEY")
	}
	_, _ = fmt.Fprintf(t.w, tableRow, i.ID, i.State, sizeText(i.Bytes), ageText(t.now.Sub(i.Pulled)), i.Attempts, i.Site,
		printable(i.Key))
	for _, why := range []string{i.Error, i.Damaged} {
		if why != "" {
			_, _ = fmt.Fprintf(t.w, "  why: %s\n", printable(why))
		}
	}
}

func (t *table) lost(items []admin.LostItem, unknown string) {
	if len(items) > 0 {
		_, _ = fmt.Fprintf(t.w, lostRow, "ID", "STATE", "AGE", "SITE", "KEY")
	}
	for _, i := range items {
		_, _ = fmt.Fprintf(t.w, lostRow, i.ID, "lost", ageText(t.now.Sub(i.Died)), i.Site, printable(i.Key))
		_, _ = fmt.Fprintf(t.w, "  why: %s\n", printable(i.Error))
	}
	if unknown != "" {
		_, _ = fmt.Fprintf(t.w, "what the fleet has lost is not known: %s\n", printable(unknown))
	}
}

func (t *table) end(s admin.QueueSummary) {
	_, _ = fmt.Fprintf(t.w, "%d waiting, %d dead, %s", s.Waiting, s.Dead, sizeText(s.Bytes))
	if !s.Oldest.IsZero() {
		_, _ = fmt.Fprintf(t.w, ", the oldest %s old", ageText(t.now.Sub(s.Oldest)))
	}
	if s.Aside > 0 {
		_, _ = fmt.Fprintf(t.w, ", %s set aside as damaged", count(s.Aside, "file"))
	}
	if s.Evicted > 0 {
		_, _ = fmt.Fprintf(t.w, ", %d given up for want of room", s.Evicted)
	}
	if s.Paused {
		_, _ = fmt.Fprintf(t.w, "; saving is paused%s", pausedBy(s.PausedBy))
	}
	_, _ = io.WriteString(t.w, "\n")
}

// pausedBy names the places where saving was paused, and so where it is resumed.
func pausedBy(who []string) string {
	var places []string
	for _, w := range who {
		switch w {
		case writeback.PausedByFile:
			places = append(places, "by writeback.paused in the configuration")
		case writeback.PausedByAPI:
			places = append(places, "until mirrorgate queue resume")
		}
	}
	if len(places) == 0 {
		return ""
	}
	return " " + strings.Join(places, ", and ")
}

// printable returns s as it is, or quoted if something in it would move the cursor or could be taken for quotes.
func printable(s string) string {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	if strings.ContainsFunc(s, odd) || strings.HasPrefix(s, `"`) {
		return strconv.Quote(s)
	}
	return s
}

// sizeText is a size in three or four digits.
func sizeText(n int64) string {
	if n < 1<<10 {
		return strconv.FormatInt(n, 10) + "B"
	}
	size, unit := float64(n)/(1<<10), 0
	for size >= 1<<10 {
		size, unit = size/(1<<10), unit+1
	}
	return fmt.Sprintf("%.1f%ciB", size, "KMGTPE"[unit])
}

// ageText is an age in its largest unit and the next.
func ageText(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}
