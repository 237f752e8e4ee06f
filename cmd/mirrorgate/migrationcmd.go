package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"mirrorgate/gateway/admin"
)

type migrationCmd struct {
	Config string `help:"The running gateway's configuration file." required:"" placeholder:"FILE"`
	JSON   bool   `help:"Print the whole as one JSON document, as GET /api/v1/migration gives it."`
}

// Run asks the gateway that runs.
func (c *migrationCmd) Run(s *streams) error {
	cfg, err := load(c.Config)
	if err != nil {
		return err
	}
	if cfg.Admin.Listen == "" {
		return &usageError{errors.New("the configuration has no admin.listen: the gateway cannot be asked")}
	}
	var shown admin.Migration
	if err := newAdminClient(cfg.Admin).ask(s.ctx, http.MethodGet, "/api/v1/migration", nil, &shown); err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(s.stdout)
		enc.SetEscapeHTML(false)
		return enc.Encode(shown)
	}
	return printMigration(s.stdout, &shown)
}

const migrationRow = "  %-24s  %-8s  %9v  %9v  %9v  %9v  %9v  %s\n"

// printMigration is the form for people: how it stands, and what each rule did in the last day.
func printMigration(w io.Writer, m *admin.Migration) error {
	var b strings.Builder
	b.WriteString(m.Sentence + "\n")
	for i := range m.Sites {
		site := &m.Sites[i]
		fmt.Fprintf(&b, "\nsite %s: %s\n", site.Site, site.Sentence)
		if site.Left != nil {
			b.WriteString("  " + leftText(site.Left, m.Now) + "\n")
		}
		fmt.Fprintf(&b, migrationRow, "RULE (LAST DAY)", "STATE", "REQUESTS", "NEEDED", "RETIRED", "FAILED", "SAVED",
			"LAST NEEDED")
		for j := range site.Rules {
			writeRule(&b, &site.Rules[j], m.Now)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeRule(w io.Writer, r *admin.MigrationRule, now time.Time) {
	var day admin.MigrationSpan
	for _, s := range r.Spans {
		if s.Span == "day" {
			day = s
		}
	}
	name, last := r.Rule, "never"
	if name == "" {
		name = "(no rule)"
	}
	if !r.LastNeeded.IsZero() {
		last = ageText(now.Sub(r.LastNeeded)) + " ago, /" + printable(r.LastNeededKey)
	}
	_, _ = fmt.Fprintf(w, migrationRow, name, r.State, day.Requests, day.Needed, day.Retired, day.Failed, day.Saved, last)
	for _, h := range r.TopPrefixes[:min(3, len(r.TopPrefixes))] {
		_, _ = fmt.Fprintf(w, "    needs it: /%s (about %d)\n", printable(h.Key), h.Count)
	}
}

func leftText(l *admin.Left, now time.Time) string {
	text := fmt.Sprintf("about %s, %s, only at the origin", count(int(l.Objects), "object"), sizeText(l.Bytes))
	if !l.Done.IsZero() {
		text += fmt.Sprintf("; at the pace of the last day %s more", ageText(l.Done.Sub(now)))
	}
	return text
}
